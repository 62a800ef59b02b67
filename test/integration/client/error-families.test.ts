import { crc32 } from 'node:zlib'

import { describe, expect, test } from 'vitest'

import {
  AccessDeniedError,
  ClockSkewError,
  ConnectionError,
  DynamoDBError,
  DynamoDBSessionsError,
  TableNotFoundError,
  ThrottlingError,
} from '../../../src/errors.ts'
import { fetchTransport } from '../../../src/aws/http/fetch-transport.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import { rejectionOf } from '../../support/failure.ts'
import { awsError, type StubHttpAnswer } from '../../support/stub-dynamodb.ts'
import { openTestClient, someKey, useStub } from './test-client.ts'

const REJECTIONS: Readonly<Record<string, string>> = {
  CREDENTIALS_EXPIRED:
    'the session token has expired; sign in again, or get new credentials where these come from',
  CREDENTIALS_UNKNOWN:
    'it does not know the access key ID, or not with this session token; check both, that the key is active, and that it is ' +
    'for this partition of AWS',
  SIGNATURE_REJECTED:
    'the signature is wrong; check that the secret access key is that of the access key ID, whole and without blanks',
}

const stub = useStub()

/** Leaves out what tells the answers of DynamoDB from others. */
const unmarked = { 'content-type': undefined, 'x-amzn-requestid': undefined, 'x-amz-crc32': undefined }

async function errorOf(answer: StubHttpAnswer, maxAttempts = 1): Promise<unknown> {
  stub().answer(answer)
  return rejectionOf(openTestClient(stub().endpoint, { maxAttempts }).send('GetItem', someKey))
}

interface Family {
  readonly name: string
  readonly answer: StubHttpAnswer
  readonly type: typeof DynamoDBError | (new (...args: never) => DynamoDBError)
  readonly code: string
  readonly message: string
}

const families: readonly Family[] = [
  {
    name: 'throttling',
    answer: awsError('ProvisionedThroughputExceededException', 'The level of capacity was exceeded.'),
    type: ThrottlingError,
    code: 'THROTTLED',
    message:
      'DynamoDB throttled GetItem on table "sessions" in eu-west-1; give the table on-demand capacity, or raise its ' +
      'limits or the quotas of the account (ProvisionedThroughputExceededException: The level of capacity was exceeded.; request ID REQUEST-1)',
  },
  {
    name: 'a missing table',
    answer: awsError('ResourceNotFoundException', 'Requested resource not found'),
    type: TableNotFoundError,
    code: 'TABLE_NOT_FOUND',
    message:
      'table "sessions" does not exist in eu-west-1 at ENDPOINT, or is still being created; create it with: ' +
      'npx dynamodb-sessions create-table --table sessions --region eu-west-1 --endpoint ENDPOINT (and the --layout and ' +
      '--partition-key of the store, if it has them); DynamoDB Local keeps the tables of each access key ID and region apart, ' +
      'unless it runs with -sharedDb (ResourceNotFoundException: Requested resource not found; request ID REQUEST-1)',
  },
  ...['AccessDeniedException', 'AccessDenied'].map(code => ({
    name: code,
    answer: awsError(code, 'User: arn:aws:iam::1:user/a is not authorized to perform: dynamodb:GetItem'),
    type: AccessDeniedError,
    code: 'ACCESS_DENIED',
    message:
      'the credentials do not permit dynamodb:GetItem on table "sessions" in eu-west-1; add it to their IAM ' +
      `policy (${code}: User: arn:aws:iam::1:user/a is not authorized to perform: dynamodb:GetItem; request ID ` +
      'REQUEST-1)',
  })),
  ...[
    ['AuthFailure', 'CREDENTIALS_UNKNOWN'],
    ['ExpiredToken', 'CREDENTIALS_EXPIRED'],
    ['ExpiredTokenException', 'CREDENTIALS_EXPIRED'],
    ['IncompleteSignature', 'SIGNATURE_REJECTED'],
    ['IncompleteSignatureException', 'SIGNATURE_REJECTED'],
    ['InvalidClientTokenId', 'CREDENTIALS_UNKNOWN'],
    ['InvalidSignatureException', 'SIGNATURE_REJECTED'],
    ['MissingAuthenticationToken', 'SIGNATURE_REJECTED'],
    ['MissingAuthenticationTokenException', 'SIGNATURE_REJECTED'],
    ['SignatureDoesNotMatch', 'SIGNATURE_REJECTED'],
    ['UnrecognizedClientException', 'CREDENTIALS_UNKNOWN'],
  ].map(([awsCode = '', code = '']) => ({
    name: `rejected credentials: ${awsCode}`,
    answer: awsError(awsCode, 'The security token included in the request is invalid.'),
    type: AccessDeniedError,
    code,
    message:
      `AWS did not accept the credentials for GetItem in eu-west-1: ${REJECTIONS[code]} ` +
      `(${awsCode}: The security token included in the request is invalid.; request ID REQUEST-1)`,
  })),
  ...['RequestExpired', 'RequestInTheFuture', 'RequestTimeTooSkewed'].map(code => ({
    name: `clock skew: ${code}`,
    answer: awsError(code, 'too far off'),
    type: ClockSkewError,
    code: 'CLOCK_SKEW',
    message:
      "AWS refused the signature because this machine's clock is wrong; set it by NTP " +
      `(${code}: too far off; request ID REQUEST-1)`,
  })),
  ...['Signature expired: 1 is now earlier than 2', 'Signature not yet current: 2 is still later than 1'].map(
    message => ({
      name: `clock skew: ${message}`,
      answer: awsError('InvalidSignatureException', message),
      type: ClockSkewError,
      code: 'CLOCK_SKEW',
      message:
        "AWS refused the signature because this machine's clock is wrong; set it by NTP " +
        `(InvalidSignatureException: ${message}; request ID REQUEST-1)`,
    }),
  ),
  {
    name: 'any other exception',
    answer: awsError('ValidationException', 'One or more parameter values were invalid'),
    type: DynamoDBError,
    code: 'DYNAMODB_ERROR',
    message:
      'DynamoDB refused GetItem on table "sessions" in eu-west-1 (ValidationException: One or more parameter ' +
      'values were invalid; request ID REQUEST-1)',
  },
  {
    name: 'an HTML 502',
    answer: {
      statusCode: 502,
      body: '<html><h1>Bad Gateway</h1></html>',
      headers: { 'x-amzn-requestid': undefined, 'content-type': 'text/html' },
    },
    type: DynamoDBError,
    code: 'DYNAMODB_ERROR',
    message:
      'ENDPOINT responded to GetItem with HTTP status 502 and no DynamoDB error; check that the endpoint is DynamoDB',
  },
  {
    name: 'an empty 400',
    answer: { statusCode: 400, body: '' },
    type: DynamoDBError,
    code: 'DYNAMODB_ERROR',
    message:
      'ENDPOINT responded to GetItem with HTTP status 400 and no DynamoDB error; check that the endpoint is DynamoDB ' +
      '(request ID REQUEST-1)',
  },
  ...['[]', 'null', '"text"', '7', '{"message":7}'].map(body => ({
    name: `a 400 with the body ${body}`,
    answer: { statusCode: 400, body },
    type: DynamoDBError,
    code: 'DYNAMODB_ERROR',
    message:
      'ENDPOINT responded to GetItem with HTTP status 400 and no DynamoDB error; check that the endpoint is DynamoDB ' +
      '(request ID REQUEST-1)',
  })),
  {
    name: 'a redirect',
    answer: { statusCode: 301, headers: { location: 'http://127.0.0.1:1/' } },
    type: DynamoDBError,
    code: 'DYNAMODB_ERROR',
    message:
      'ENDPOINT responded to GetItem with HTTP status 301 and no DynamoDB error; check that the endpoint is DynamoDB ' +
      '(request ID REQUEST-1)',
  },
]

describe('error answers', () => {
  test.each(families)('$name', async ({ answer, type, code, message }) => {
    const error = await errorOf(answer)
    expect(error).toBeInstanceOf(type)
    expect(error).toBeInstanceOf(DynamoDBSessionsError)
    expect((error as Error).constructor).toBe(type)
    expect(error).toMatchObject({ code, attempts: 1, httpStatusCode: answer.statusCode })
    expect((error as Error).message).toBe(message.replaceAll('ENDPOINT', stub().endpoint))
  })

  test('say how often a throttled request was sent', async () => {
    const error = await errorOf(awsError('ThrottlingException', ''), 3)
    expect((error as Error).message).toBe(
      'DynamoDB throttled GetItem on table "sessions" in eu-west-1 3 times; give the table on-demand capacity, or raise its ' +
        'limits or the quotas of the account (ThrottlingException; request ID REQUEST-3)',
    )
  })

  test('carry only the first line of what the service says', async () => {
    const error = await errorOf(
      awsError('InvalidSignatureException', 'Wrong signature.\n\nThe Canonical String was\nPOST\n/\n'),
    )
    expect((error as Error).message).toContain('InvalidSignatureException: Wrong signature.; request ID')
    expect((error as Error).message).not.toMatch(/[\r\n]|Canonical/)
  })

  test.each(['x-amzn-request-id', 'x-amz-request-id'])('take the request ID from %s too', async name => {
    const { body } = awsError('ValidationException')
    const error = await errorOf({
      statusCode: 400,
      body,
      headers: { 'x-amzn-requestid': undefined, [name]: 'ANOTHER' },
    })
    expect(error).toMatchObject({ requestId: 'ANOTHER', awsCode: 'ValidationException' })
  })

  test('have no request ID when the answer has none', async () => {
    const error = await errorOf({ statusCode: 400, headers: { 'x-amzn-requestid': undefined } })
    expect(error).toHaveProperty('requestId', undefined)
  })
})

describe('the exception name', () => {
  const fromHeader = { 'x-amzn-errortype': 'FromHeader:http://internal.amazon.com/' }

  test.each<[string, StubHttpAnswer, string]>([
    ['from __type', { body: { __type: 'ValidationException' } }, 'ValidationException'],
    ['from __type, without its namespace', { body: { __type: 'com.amazon.coral#Name' } }, 'Name'],
    ['from __type, without what follows', { body: { __type: 'a#Name:http://b#c, d' } }, 'Name'],
    ['from __type, up to a comma', { body: { __type: 'Name,Other' } }, 'Name'],
    ['from __type, first of all', { body: { code: 'Other', __type: 'Name' }, headers: fromHeader }, 'Name'],
    ['from code', { body: { code: 'Name' }, headers: fromHeader }, 'Name'],
    ['from Code', { body: { Code: 'a#Name' } }, 'Name'],
    ['from the header', { body: {}, headers: fromHeader }, 'FromHeader'],
    ['from the header, without a body', { body: '', headers: fromHeader }, 'FromHeader'],
    ['from the header, with a body that is no JSON', { body: '<html>', headers: fromHeader }, 'FromHeader'],
    ['from the header, with a body that is no object', { body: '[]', headers: fromHeader }, 'FromHeader'],
    [
      'not from what is no text',
      { body: { __type: { S: 'x' }, code: 7 }, headers: fromHeader },
      'FromHeader',
    ],
    ['without blanks around it', { body: { __type: 'a# Name ' } }, 'Name'],
    ['unknown when it is no name', { body: { __type: 'no name' } }, 'Unknown'],
    ['unknown when it is empty', { body: { __type: 'a#' } }, 'Unknown'],
    ['unknown when it is overlong', { body: { __type: 'x'.repeat(101) } }, 'Unknown'],
    ['as long as it may be', { body: { __type: 'x'.repeat(100) } }, 'x'.repeat(100)],
  ])('is read %s', async (_name, answer, awsCode) => {
    expect(await errorOf({ statusCode: 400, ...answer })).toMatchObject({ awsCode, httpStatusCode: 400 })
  })
})

describe('the message', () => {
  const long = `${'0123456789'.repeat(60)}!`

  test.each<[string, unknown, string]>([
    ['message', { message: 'what it says' }, '(E: what it says; request ID REQUEST-1)'],
    ['Message', { Message: 'what it says' }, '(E: what it says; request ID REQUEST-1)'],
    ['nothing', {}, '(E; request ID REQUEST-1)'],
    ['something else than a text', { message: { a: 'b' } }, '(E; request ID REQUEST-1)'],
    ['one line of several', { message: 'one\r\ntwo' }, '(E: one; request ID REQUEST-1)'],
    ['600 characters of more', { message: long }, `(E: ${long.slice(0, 600)}; request ID REQUEST-1)`],
  ])('quotes %s', async (_name, fields, quote) => {
    const error = await errorOf({ statusCode: 400, body: { __type: 'E', ...(fields as object) } })
    expect((error as Error).message).toBe(
      `DynamoDB refused GetItem on table "sessions" in eu-west-1 ${quote}`,
    )
  })
})

describe('a success that is none of DynamoDB’s', () => {
  test.each([
    ['an empty body', ''],
    ['HTML', '<html>Welcome to the coffee bar</html>'],
    ['JSON cut short', '{"Item":{"id"'],
    ['an array', '[]'],
    ['null', 'null'],
    ['an item that is null', '{"Item":null}'],
    ['a text', '"ok"'],
    ['a number', '1'],
    ['true', 'true'],
  ])('%s is an error that says so', async (_name, body) => {
    const error = await errorOf({ body }, 4)
    expect(error).toBeInstanceOf(ConnectionError)
    expect(error).toMatchObject({
      code: 'INVALID_RESPONSE',
      retryable: false,
      message:
        `${stub().endpoint} responded to GetItem with HTTP status 200 and something that is not DynamoDB's JSON; ` +
        'check that the endpoint is DynamoDB',
    })
    // A SyntaxError would quote the body.
    expect(error).not.toHaveProperty('cause')
  })

  test.each([undefined, 'application/json; charset=utf-8', 'text/html'])(
    'JSON of somebody else, of the type %s, is an error that says so',
    async type => {
      const error = await errorOf({ body: { ok: true }, headers: { ...unmarked, 'content-type': type } }, 4)
      expect(error).toMatchObject({
        code: 'INVALID_RESPONSE',
        retryable: false,
        message: expect.stringContaining('check that the endpoint is DynamoDB') as string,
      })
    },
  )

  test('JSON of somebody else acknowledges no write over fetch either', async () => {
    stub().answer({ headers: unmarked })
    const client = openTestClient(stub().endpoint, { transport: fetchTransport(), maxAttempts: 1 })
    const written = client.send('PutItem', { TableName: 'sessions', Item: someKey.Key })
    expect(await rejectionOf(written)).toMatchObject({ code: 'INVALID_RESPONSE' })
  })

  test('HTTP status 204 has no JSON', async () => {
    expect(await errorOf({ statusCode: 204, body: '' })).toMatchObject({ code: 'INVALID_RESPONSE' })
  })
})

test.each([200, 201, 299])('HTTP status %i is a success', async statusCode => {
  stub().answer({ statusCode })
  await expect(openTestClient(stub().endpoint).send('GetItem', someKey)).resolves.toEqual({})
})

describe('a success with one thing only that DynamoDB’s have', () => {
  test.each([
    { 'content-type': 'application/x-amz-json-1.0' },
    { 'content-type': 'Application/X-Amz-Json-1.0; charset=utf-8' },
    { 'x-amzn-requestid': 'some-id' },
    { 'x-amz-crc32': String(crc32('{}')) },
  ])('is one of a stand-in, and a success: %o', async headers => {
    stub().answer({ headers: { ...unmarked, ...headers } })
    for (const transport of [new SocketTransport(), fetchTransport()]) {
      const client = openTestClient(stub().endpoint, { transport })
      await expect(client.send('GetItem', someKey)).resolves.toEqual({})
      await transport.close()
    }
  })
})
