import { describe, expect, test } from 'vitest'

import { signRequest } from '../../../src/aws/sigv4/sign.ts'
import type { Credentials } from '../../../src/types.ts'
import { rejectionOf } from '../../support/failure.ts'
import type { StubRequest } from '../../support/stub-dynamodb.ts'
import { userAgent } from '../../../src/aws/dynamodb/operation-request.ts'
import { openTestClient, someKey, testCredentials, testRegion, useStub } from './test-client.ts'

const stub = useStub()
const nowMs = Date.UTC(2026, 10, 23, 4, 5, 6, 789)
const { sessionToken: _, ...staticCredentials } = testCredentials

/** The `authorization` header that the received request should have, by the generic signer. */
function expectedAuthorization(
  request: StubRequest,
  credentials: Credentials,
  date: Date,
): string | undefined {
  const signedNames = /SignedHeaders=([^,]+)/.exec(request.headers.authorization ?? '')?.[1]?.split(';') ?? []
  const signed = signRequest(
    {
      method: request.method,
      path: request.url,
      query: '',
      headers: signedNames.map(name => [name, String(request.headers[name])] as const),
      body: request.body,
    },
    { credentials, region: testRegion, service: 'dynamodb', date },
  )
  return new Map(signed).get('authorization')
}

function onlyRequest(): StubRequest {
  const [request, ...more] = stub().requests
  if (request === undefined || more.length > 0) throw new Error(`${1 + more.length} requests instead of one`)
  return request
}

describe('a request', () => {
  test('is a POST of the input with exactly the headers that DynamoDB needs', async () => {
    const client = openTestClient(stub().endpoint, {
      credentials: () => staticCredentials,
      clock: { now: () => nowMs },
    })
    await client.send('GetItem', { ...someKey, ConsistentRead: true })

    const { method, url, headers, body } = onlyRequest()
    expect({ method, url }).toEqual({ method: 'POST', url: '/' })
    expect(body).toBe(
      '{"TableName":"sessions","Key":{"id":{"S":"some-partition-key-0123456789"}},"ConsistentRead":true}',
    )
    expect(headers).toEqual({
      host: stub().endpoint.replace('http://', ''),
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.GetItem',
      'x-amz-date': '20261123T040506Z',
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE000000001\/20261123\/eu-west-1\/dynamodb\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=[\da-f]{64}$/,
      ) as string,
      'content-length': String(Buffer.byteLength(body)),
      'user-agent': userAgent(undefined),
    })
  })

  test('names the application, and the trace of the moment, which are not signed', async () => {
    let traceId: string | undefined = 'Root=1-5759e988'
    const client = openTestClient(stub().endpoint, { appId: 'shop', traceId: () => traceId })
    await client.send('GetItem', someKey)
    traceId = undefined
    await client.send('GetItem', someKey)
    const [first, second] = stub().requests
    expect(first?.headers).toMatchObject({
      'user-agent': userAgent('shop'),
      'x-amzn-trace-id': 'Root=1-5759e988',
    })
    expect(first?.headers.authorization).not.toMatch(/user-agent|trace/)
    expect(second?.headers).not.toHaveProperty('x-amzn-trace-id')
  })

  test.each([
    ['without a session token', staticCredentials],
    ['with a session token', testCredentials],
  ])('%s has the signature that the generic signer computes', async (_name, credentials) => {
    const client = openTestClient(stub().endpoint, {
      credentials: () => credentials,
      clock: { now: () => nowMs },
    })
    await client.send('PutItem', { TableName: 'sessions', Item: { id: { S: 'é€😀' }, n: { N: '1' } } })
    const request = onlyRequest()
    expect(request.headers.authorization).toBe(expectedAuthorization(request, credentials, new Date(nowMs)))
  })

  test('carries the session token, and signs it', async () => {
    await openTestClient(stub().endpoint).send('GetItem', someKey)
    const { headers } = onlyRequest()
    expect(headers['x-amz-security-token']).toBe(testCredentials.sessionToken)
    expect(headers.authorization).toContain(
      'SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target,',
    )
  })

  test('keeps the base path of the endpoint', async () => {
    const client = openTestClient(`${stub().endpoint}/some/base`, { clock: { now: () => nowMs } })
    await client.send('GetItem', someKey)
    const request = onlyRequest()
    expect(request.url).toBe('/some/base/')
    expect(request.headers.authorization).toBe(
      expectedAuthorization(request, testCredentials, new Date(nowMs)),
    )
  })

  test('measures its length in bytes', async () => {
    const text = 'é€😀\u2028"\\'
    await openTestClient(stub().endpoint).send('PutItem', { TableName: 't', Item: { id: { S: text } } })
    expect(JSON.parse(onlyRequest().body)).toEqual({ TableName: 't', Item: { id: { S: text } } })
  })

  test('is signed anew at every attempt, with the time and the credentials of that moment', async () => {
    stub().answer({ statusCode: 500 }, {})
    const keys = [
      staticCredentials,
      { ...staticCredentials, accessKeyId: 'AKIDROTATED', secretAccessKey: 'new' },
    ]
    const client = openTestClient(stub().endpoint, {
      clock: { now: () => nowMs + 61_000 * stub().requests.length },
      credentials: () => keys.shift() ?? staticCredentials,
    })
    await client.send('GetItem', someKey)
    const [first, second] = stub().requests
    expect(first?.headers['x-amz-date']).toBe('20261123T040506Z')
    expect(first?.headers.authorization).toContain('Credential=AKIDEXAMPLE000000001/')
    expect(second?.headers['x-amz-date']).toBe('20261123T040607Z')
    expect(second?.headers.authorization).toContain('Credential=AKIDROTATED/')
    expect(second?.body).toBe(first?.body)
  })

  test('takes credentials that come as a promise', async () => {
    const client = openTestClient(stub().endpoint, { credentials: () => Promise.resolve(testCredentials) })
    await client.send('GetItem', someKey)
    expect(stub().requests).toHaveLength(1)
  })
})

describe('the answer', () => {
  test('is the JSON object that came, values untouched', async () => {
    const answer = {
      Item: {
        ...someKey.Key,
        e: { S: 'é' },
        n: { N: '1.50' },
        b: { B: 'AAE=' },
        ['__proto__x']: { NULL: true },
      },
    }
    stub().answer({ body: answer })
    await expect(openTestClient(stub().endpoint).send('GetItem', someKey)).resolves.toEqual(answer)
  })

  test('goes to the call that it is for, with many calls at once', async () => {
    stub().answer(request => ({ body: { Item: (JSON.parse(request.body) as { Key: object }).Key } }))
    const client = openTestClient(stub().endpoint, {}, { maxSockets: 5 })
    const keys = Array.from({ length: 60 }, (_value, index) => ({ id: { S: `key-${index}` } }))
    const answers = await Promise.all(keys.map(Key => client.send('GetItem', { TableName: 't', Key })))
    expect(answers).toEqual(keys.map(Item => ({ Item })))
  })
})

describe('region and endpoint', () => {
  test('are looked for once', async () => {
    let lookups = 0
    const client = openTestClient(stub().endpoint, {
      onLookup: async () => {
        lookups++
      },
    })
    await client.send('GetItem', someKey)
    await client.send('GetItem', someKey)
    expect(lookups).toBe(1)
  })

  test('are looked for again after a failure, which is passed on and not retried', async () => {
    const failure = new Error('no region today')
    const failures = [failure]
    const client = openTestClient(stub().endpoint, {
      onLookup: async () => {
        const problem = failures.pop()
        if (problem !== undefined) throw problem
      },
    })
    expect(await rejectionOf(client.send('GetItem', someKey))).toBe(failure)
    expect(stub().requests).toHaveLength(0)
    await client.send('GetItem', someKey)
    expect(stub().requests).toHaveLength(1)
  })
})

test('a closed client refuses calls without trying', async () => {
  const client = openTestClient(stub().endpoint)
  await client.close()
  expect(await rejectionOf(client.send('GetItem', someKey))).toMatchObject({ code: 'STORE_CLOSED' })
  expect(stub().requests).toHaveLength(0)
})
