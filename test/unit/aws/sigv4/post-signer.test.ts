import * as fc from 'fast-check'

import { type Header, isSignableHeader } from '../../../../src/aws/sigv4/canonical-request.ts'
import {
  type PostSignature,
  PostSigner,
  type PostSigningIdentity,
  type PostTarget,
  signRequest,
} from '../../../../src/aws/sigv4/sign.ts'
import { SigningKeyCache } from '../../../../src/aws/sigv4/signing-key.ts'
import { exampleKeys, signingVectors } from './vectors.ts'
import { describe, expect, it } from 'vitest'

interface PostRequest extends PostTarget {
  readonly body: string
}

interface PostSigningContext extends PostSigningIdentity {
  readonly nowMs: number
}

function signPost(request: PostRequest, context: PostSigningContext): PostSignature {
  return new PostSigner(request, context).sign(request.body, context.nowMs)
}

function signGenerically(request: PostRequest, context: PostSigningContext) {
  const { nowMs, ...options } = context
  const { headers } = signRequest(
    {
      method: 'POST',
      path: request.path,
      query: '',
      headers: [['Host', request.host], ...request.headers],
      body: request.body,
    },
    { ...options, date: new Date(nowMs) },
  )
  const values = new Map(headers)
  return { amzDate: values.get('x-amz-date'), authorization: values.get('authorization') }
}

const addedNames = new Set(['host', 'date', 'x-amz-date', 'x-amz-security-token'])

const headerName = fc
  .oneof(
    fc.constantFrom('content-type', 'x-amz-target', 'x-amz-a', 'x-amz-e', 'x-amz-user-agent', 'h', 'hosts'),
    fc.stringMatching(/^[a-z0-9_-]{1,20}$/),
  )
  .filter(name => isSignableHeader(name) && !addedNames.has(name))

const headerValue = fc.stringMatching(/^([!-~\u00A0-\u00FF]{1,8}( [!-~\u00A0-\u00FF]{1,8}){0,3})?$/)

const sortedHeaders = fc
  .uniqueArray(fc.tuple(headerName, headerValue), { selector: ([name]) => name, maxLength: 6 })
  .map((headers): readonly Header[] => headers.sort(([a], [b]) => (a < b ? -1 : 1)))

const postRequest: fc.Arbitrary<PostRequest> = fc.record({
  host: fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,30}(:[0-9]{1,5})?$/),
  path: fc.oneof(
    fc.constant('/'),
    fc.array(fc.constantFrom('a', '/', '.', '%20', 'é', '~', '+')).map(parts => `/${parts.join('')}`),
  ),
  headers: sortedHeaders,
  body: fc.oneof(fc.string({ unit: 'binary' }), fc.json()),
})

const signingKeys = new SigningKeyCache()

const signingContext: fc.Arbitrary<PostSigningContext> = fc.record({
  credentials: fc.record(
    {
      accessKeyId: fc.stringMatching(/^[A-Z0-9]{1,20}$/),
      secretAccessKey: fc.string({ minLength: 1, maxLength: 40 }),
      sessionToken: fc.option(fc.base64String({ maxLength: 200 }), { nil: undefined }),
    },
    { requiredKeys: ['accessKeyId', 'secretAccessKey'] },
  ),
  region: fc.constantFrom('eu-west-1', 'us-gov-east-1', 'cn-north-1'),
  service: fc.constantFrom('dynamodb', 'sts'),
  nowMs: fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }),
  signingKeys: fc.constant(signingKeys),
})

describe('PostSigner', () => {
  it('gives exactly what signRequest gives', () => {
    fc.assert(
      fc.property(postRequest, signingContext, (request, context) => {
        expect(signPost(request, context)).toEqual(signGenerically(request, context))
      }),
      { numRuns: 500 },
    )
  })

  it('gives what signRequest gives at neighbouring times, in any order', () => {
    const request: PostRequest = { host: 'h', path: '/', headers: [], body: '' }
    const midnightMs = Date.UTC(2026, 0, 1)
    const offsetsMs = fc.array(fc.integer({ min: -2500, max: 2500 }), { minLength: 2, maxLength: 8 })
    fc.assert(
      fc.property(offsetsMs, offsets => {
        const identity = { credentials: exampleKeys, region: 'eu-west-1', service: 'dynamodb', signingKeys }
        const signer = new PostSigner(request, identity)
        for (const [index, offsetMs] of offsets.entries()) {
          const nowMs = midnightMs + offsetMs
          const body = String(index)
          expect(signer.sign(body, nowMs)).toEqual(
            signGenerically({ ...request, body }, { ...identity, nowMs }),
          )
        }
      }),
    )
  })

  it.each(signingVectors.filter(({ service }) => service === 'dynamodb'))('signs: $name', vector => {
    const signed = signPost(
      {
        host: 'dynamodb.eu-west-1.amazonaws.com',
        path: '/',
        headers: [
          ['content-type', 'application/x-amz-json-1.0'],
          ['x-amz-target', 'DynamoDB_20120810.GetItem'],
        ],
        body: String(vector.request.body),
      },
      {
        credentials: { ...exampleKeys, sessionToken: vector.sessionToken },
        region: vector.region,
        service: vector.service,
        nowMs: Date.parse(vector.isoDate),
        signingKeys: new SigningKeyCache(),
      },
    )
    expect(signed).toEqual({
      amzDate: '20260101T000000Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/dynamodb/aws4_request, ' +
        `SignedHeaders=${vector.canonicalRequest.at(-2)}, Signature=${vector.signature}`,
    })
  })

  it('refuses a time that is none', () => {
    const request: PostRequest = { host: 'h', path: '/', headers: [], body: '' }
    for (const nowMs of [Number.NaN, Infinity]) {
      expect(() =>
        signPost(request, {
          credentials: exampleKeys,
          region: 'eu-west-1',
          service: 'dynamodb',
          nowMs,
          signingKeys,
        }),
      ).toThrow(RangeError)
    }
  })
})
