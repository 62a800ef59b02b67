import type { signRequest } from '../../../../src/aws/sigv4/sign.ts'

/** A request to sign. */
export type SignableRequest = Parameters<typeof signRequest>[0]

/** A request, who signs it and when, and what every stage of signing it must give. */
export interface SigningVector {
  readonly name: string
  readonly request: SignableRequest
  readonly region: string
  readonly service: string
  readonly isoDate: string
  readonly sessionToken?: string
  readonly canonicalRequest: readonly string[]
  readonly stringToSign: readonly string[]
  readonly signature: string
}

/** The key pair of the examples in the AWS documentation. */
export const exampleKeys = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
} as const

/** The derivation examples of the AWS documentation, key bytes in hexadecimal. */
export const signingKeyVectors = [
  {
    date: '20120215',
    region: 'us-east-1',
    service: 'iam',
    signingKey: 'f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d',
  },
  {
    date: '20150830',
    region: 'us-east-1',
    service: 'iam',
    signingKey: 'c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9',
  },
] as const

const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const getItemBody = '{"TableName":"sessions","Key":{"id":{"S":"café"}},"ConsistentRead":true}'
const getItemBodyHash = '5493d8510ed18923185598af9f8465b92f146fcc734f5d850680b713bb5474d0'

const getItem: SignableRequest = {
  method: 'POST',
  path: '/',
  query: '',
  headers: [
    ['Content-Type', 'application/x-amz-json-1.0'],
    ['Host', 'dynamodb.eu-west-1.amazonaws.com'],
    ['X-Amz-Target', 'DynamoDB_20120810.GetItem'],
  ],
  body: getItemBody,
}

/**
 * The plain GET and POST and the IAM ListUsers request are the public examples of the specification; the two
 * GetItem requests were computed with another implementation (Python's `hmac` and `hashlib`).
 */
export const signingVectors: readonly SigningVector[] = [
  {
    name: 'plain GET',
    request: { method: 'GET', path: '/', query: '', headers: [['Host', 'example.amazonaws.com']], body: '' },
    region: 'us-east-1',
    service: 'service',
    isoDate: '2015-08-30T12:36:00Z',
    canonicalRequest: [
      'GET',
      '/',
      '',
      'host:example.amazonaws.com',
      'x-amz-date:20150830T123600Z',
      '',
      'host;x-amz-date',
      emptyHash,
    ],
    stringToSign: [
      'AWS4-HMAC-SHA256',
      '20150830T123600Z',
      '20150830/us-east-1/service/aws4_request',
      'bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63',
    ],
    signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  },
  {
    name: 'plain POST',
    request: { method: 'POST', path: '/', query: '', headers: [['Host', 'example.amazonaws.com']], body: '' },
    region: 'us-east-1',
    service: 'service',
    isoDate: '2015-08-30T12:36:00Z',
    canonicalRequest: [
      'POST',
      '/',
      '',
      'host:example.amazonaws.com',
      'x-amz-date:20150830T123600Z',
      '',
      'host;x-amz-date',
      emptyHash,
    ],
    stringToSign: [
      'AWS4-HMAC-SHA256',
      '20150830T123600Z',
      '20150830/us-east-1/service/aws4_request',
      '553f88c9e4d10fc9e109e2aeb65f030801b70c2f6468faca261d401ae622fc87',
    ],
    signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  },
  {
    name: 'IAM ListUsers',
    request: {
      method: 'GET',
      path: '/',
      query: 'Action=ListUsers&Version=2010-05-08',
      headers: [
        ['Host', 'iam.amazonaws.com'],
        ['Content-Type', 'application/x-www-form-urlencoded; charset=utf-8'],
      ],
      body: '',
    },
    region: 'us-east-1',
    service: 'iam',
    isoDate: '2015-08-30T12:36:00Z',
    canonicalRequest: [
      'GET',
      '/',
      'Action=ListUsers&Version=2010-05-08',
      'content-type:application/x-www-form-urlencoded; charset=utf-8',
      'host:iam.amazonaws.com',
      'x-amz-date:20150830T123600Z',
      '',
      'content-type;host;x-amz-date',
      emptyHash,
    ],
    stringToSign: [
      'AWS4-HMAC-SHA256',
      '20150830T123600Z',
      '20150830/us-east-1/iam/aws4_request',
      'f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59',
    ],
    signature: '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  },
  {
    name: 'DynamoDB GetItem',
    request: getItem,
    region: 'eu-west-1',
    service: 'dynamodb',
    isoDate: '2026-01-01T00:00:00.999Z',
    canonicalRequest: [
      'POST',
      '/',
      '',
      'content-type:application/x-amz-json-1.0',
      'host:dynamodb.eu-west-1.amazonaws.com',
      'x-amz-date:20260101T000000Z',
      'x-amz-target:DynamoDB_20120810.GetItem',
      '',
      'content-type;host;x-amz-date;x-amz-target',
      getItemBodyHash,
    ],
    stringToSign: [
      'AWS4-HMAC-SHA256',
      '20260101T000000Z',
      '20260101/eu-west-1/dynamodb/aws4_request',
      '070beee8746329a686c995cb649576432a0388d4b17bb754621604c16ff384c7',
    ],
    signature: 'c36eeb25a18296ffb60cf678c0574eae4b0fb2fd2e9a3ae2d101923edaf454a7',
  },
  {
    name: 'DynamoDB GetItem with a session token',
    request: getItem,
    region: 'eu-west-1',
    service: 'dynamodb',
    isoDate: '2026-01-01T00:00:00Z',
    sessionToken: 'AQoDYXdzEXAMPLEtoken==',
    canonicalRequest: [
      'POST',
      '/',
      '',
      'content-type:application/x-amz-json-1.0',
      'host:dynamodb.eu-west-1.amazonaws.com',
      'x-amz-date:20260101T000000Z',
      'x-amz-security-token:AQoDYXdzEXAMPLEtoken==',
      'x-amz-target:DynamoDB_20120810.GetItem',
      '',
      'content-type;host;x-amz-date;x-amz-security-token;x-amz-target',
      getItemBodyHash,
    ],
    stringToSign: [
      'AWS4-HMAC-SHA256',
      '20260101T000000Z',
      '20260101/eu-west-1/dynamodb/aws4_request',
      '6499fd6c8ff00fce670e20f7f1c01bc369cc656aef4c696afb3ee3507d8431d5',
    ],
    signature: '70e8ee6be995c0931a296a4d7f97f28c6dea6a4c1ba3d6e794d16de32f7a25e0',
  },
]
