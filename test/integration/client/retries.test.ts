import { describe, expect, test } from 'vitest'

import { ConnectionError, DynamoDBError, ThrottlingError } from '../../../src/errors.ts'
import { rejectionOf } from '../../support/failure.ts'
import { awsError, type StubStep } from '../../support/stub-dynamodb.ts'
import { recordBackOff } from './back-off.ts'
import { openTestClient, someKey, useStub } from './test-client.ts'

const stub = useStub()
const item = { Item: someKey.Key }
const found: StubStep = { body: item }
const serverError: StubStep = { statusCode: 500 }
const throttled = awsError('ThrottlingException')

/** How often a call is sent that is answered like this. */
async function attemptsOf(client: ReturnType<typeof openTestClient>, step: StubStep): Promise<number> {
  stub().answer(step)
  await client.send('GetItem', someKey).catch(() => undefined)
  return stub().requests.length
}

describe('what is retried', () => {
  test.each([
    'BandwidthLimitExceeded',
    'EC2ThrottledException',
    'LimitExceededException',
    'PriorRequestNotComplete',
    'ProvisionedThroughputExceededException',
    'RequestLimitExceeded',
    'RequestThrottled',
    'RequestThrottledException',
    'SlowDown',
    'ThrottledException',
    'Throttling',
    'ThrottlingException',
    'TooManyRequestsException',
    'TransactionInProgressException',
  ])('%s, as throttling', async code => {
    stub().answer(awsError(code))
    const error = await rejectionOf(openTestClient(stub().endpoint).send('GetItem', someKey))
    expect(stub().requests).toHaveLength(4)
    expect(error).toBeInstanceOf(ThrottlingError)
    expect(error).toMatchObject({ awsCode: code, attempts: 4, retryable: true, requestId: 'REQUEST-4' })
  })

  test.each([
    'TimeoutError',
    'RequestTimeout',
    'RequestTimeoutException',
    'ReplicatedWriteConflictException',
    'TransactionConflictException',
  ])('%s, as a transient error', async code => {
    stub().answer(awsError(code))
    const error = await rejectionOf(openTestClient(stub().endpoint).send('GetItem', someKey))
    expect(stub().requests).toHaveLength(4)
    expect(error).toBeInstanceOf(DynamoDBError)
    expect(error).not.toBeInstanceOf(ThrottlingError)
    expect(error).toMatchObject({ awsCode: code, attempts: 4, retryable: true })
  })

  test.each([500, 502, 503, 504])('HTTP status %i, whatever the body', async statusCode => {
    stub().answer({ statusCode, body: '<html>' }, awsError('InternalServerError', '', statusCode), found)
    await expect(openTestClient(stub().endpoint).send('GetItem', someKey)).resolves.toEqual(item)
    expect(stub().requests).toHaveLength(3)
  })

  test('HTTP status 429, as throttling', async () => {
    stub().answer({ statusCode: 429, body: 'too many' })
    const error = await rejectionOf(openTestClient(stub().endpoint).send('GetItem', someKey))
    expect(stub().requests).toHaveLength(4)
    expect(error).toBeInstanceOf(ThrottlingError)
    expect(error).toMatchObject({ awsCode: 'Unknown', httpStatusCode: 429 })
  })

  test('a signature that arrived too late', async () => {
    stub().answer(awsError('InvalidSignatureException', 'Signature expired: 1 is now earlier than 2'), found)
    await expect(openTestClient(stub().endpoint).send('GetItem', someKey)).resolves.toEqual(item)
  })

  test.each(['reset', 'cut'] as const)('a connection that breaks (%s)', async step => {
    stub().answer(step, step, step, found)
    await expect(openTestClient(stub().endpoint).send('GetItem', someKey)).resolves.toEqual(item)
    expect(stub().requests).toHaveLength(4)

    stub().answer(step)
    const client = openTestClient(stub().endpoint)
    expect(await rejectionOf(client.send('GetItem', someKey))).toBeInstanceOf(ConnectionError)
    expect(stub().requests).toHaveLength(4)
  })

  test('a body that does not match its checksum', async () => {
    stub().answer({ headers: { 'x-amz-crc32': '1' } }, found)
    await expect(openTestClient(stub().endpoint).send('GetItem', someKey)).resolves.toEqual(item)
    expect(stub().requests).toHaveLength(2)
  })

  test('an error answer that does not match its checksum', async () => {
    const { body } = awsError('ValidationException')
    stub().answer({ statusCode: 400, body, headers: { 'x-amz-crc32': '1' } }, found)
    await expect(openTestClient(stub().endpoint).send('GetItem', someKey)).resolves.toEqual(item)
  })

  test('an attempt that takes too long', async () => {
    stub().answer('hang', found)
    const client = openTestClient(stub().endpoint, { attemptTimeoutMs: 300 })
    await expect(client.send('GetItem', someKey)).resolves.toEqual(item)
    expect(stub().requests).toHaveLength(2)
  })

  test('a refused connection', async () => {
    const delays = recordBackOff()
    const client = openTestClient('http://127.0.0.1:1', { random: () => 0.5 })
    const error = await rejectionOf(client.send('GetItem', someKey))
    expect(error).toMatchObject({
      name: 'ConnectionError',
      code: 'CONNECTION_FAILED',
      cause: { code: 'ECONNREFUSED' },
    })
    expect(delays).toEqual([12, 25, 50])
  })
})

describe('what is not retried', () => {
  test.each([
    'AccessDeniedException',
    'ExpiredTokenException',
    'IdempotentParameterMismatchException',
    'IncompleteSignatureException',
    'InvalidSignatureException',
    'ItemCollectionSizeLimitExceededException',
    'MissingAuthenticationTokenException',
    'RequestExpired',
    'RequestTimeTooSkewed',
    'ResourceInUseException',
    'ResourceNotFoundException',
    'SerializationException',
    'UnrecognizedClientException',
    'ValidationException',
    'SomethingNewException',
  ])('%s', async code => {
    stub().answer(awsError(code), found)
    const error = await rejectionOf(openTestClient(stub().endpoint).send('GetItem', someKey))
    expect(stub().requests).toHaveLength(1)
    expect(error).toBeInstanceOf(DynamoDBError)
    expect(error).toMatchObject({
      awsCode: code,
      httpStatusCode: 400,
      attempts: 1,
      retryable: false,
      requestId: 'REQUEST-1',
    })
  })

  test.each([300, 301, 302, 400, 401, 403, 404, 405, 408, 409, 413, 418, 501, 505, 507, 599])(
    'HTTP status %i without a code',
    async statusCode => {
      stub().answer({ statusCode, body: 'nothing to see' }, found)
      const error = await rejectionOf(openTestClient(stub().endpoint).send('GetItem', someKey))
      expect(stub().requests).toHaveLength(1)
      expect(error).toMatchObject({
        awsCode: 'Unknown',
        httpStatusCode: statusCode,
        attempts: 1,
        retryable: false,
      })
    },
  )

  test('a signature from the future', async () => {
    stub().answer(
      awsError('InvalidSignatureException', 'Signature not yet current: 2 is later than 1'),
      found,
    )
    const error = await rejectionOf(openTestClient(stub().endpoint).send('GetItem', someKey))
    expect(stub().requests).toHaveLength(1)
    expect(error).toMatchObject({ name: 'ClockSkewError', retryable: false })
  })

  test('a 200 that is not JSON', async () => {
    stub().answer({ body: '<html>' }, found)
    await rejectionOf(openTestClient(stub().endpoint).send('GetItem', someKey))
    expect(stub().requests).toHaveLength(1)
  })

  test('a failure of the credentials', async () => {
    const failure = new Error('none')
    let calls = 0
    const client = openTestClient(stub().endpoint, {
      credentials: () => {
        calls++
        throw failure
      },
    })
    expect(await rejectionOf(client.send('GetItem', someKey))).toBe(failure)
    expect(calls).toBe(1)
    expect(stub().requests).toHaveLength(0)
  })
})

describe('the number of attempts', () => {
  test.each([1, 2, 3, 7])('is maxAttempts: %i', async maxAttempts => {
    stub().answer(serverError)
    const client = openTestClient(stub().endpoint, { maxAttempts })
    expect(await rejectionOf(client.send('GetItem', someKey))).toMatchObject({ attempts: maxAttempts })
    expect(stub().requests).toHaveLength(maxAttempts)
  })

  test('ends with the first error that is not retryable', async () => {
    stub().answer(serverError, throttled, awsError('ValidationException', 'no'), found)
    const error = await rejectionOf(openTestClient(stub().endpoint).send('GetItem', someKey))
    expect(error).toMatchObject({ awsCode: 'ValidationException', attempts: 3, requestId: 'REQUEST-3' })
    expect(stub().requests).toHaveLength(3)
  })

  test('ends with the first success', async () => {
    stub().answer(serverError, throttled, found, serverError)
    await expect(openTestClient(stub().endpoint).send('GetItem', someKey)).resolves.toEqual(item)
    expect(stub().requests).toHaveLength(3)
  })
})

describe('back-off', () => {
  test.each<[string, readonly StubStep[], number, readonly number[]]>([
    ['doubles from 25 ms after transient errors', [serverError], 0.999, [24, 49, 99]],
    ['doubles from 1 s after throttling', [throttled], 0.999, [999, 1998, 3996]],
    ['goes by the error at hand', [serverError, throttled, serverError], 0.999, [24, 1998, 99]],
    ['is jittered down to nothing', [throttled], 0, [0, 0, 0]],
    ['is jittered', [serverError, throttled], 0.5, [12, 1000, 2000]],
  ])('%s', async (_name, script, random, expected) => {
    const delays = recordBackOff()
    stub().answer(...script)
    const client = openTestClient(stub().endpoint, { random: () => random, deadlineMs: 100_000 })
    await rejectionOf(client.send('GetItem', someKey))
    expect(delays).toEqual(expected)
  })

  test.each<[string | undefined, number]>([
    ['37', 37],
    ['0', 0],
    ['4999', 4999],
    ['soon', 0],
    ['-5', 0],
    ['1.5', 0],
    ['', 0],
    [undefined, 0],
  ])('waits as long as x-amz-retry-after asks: %s', async (header, expected) => {
    const delays = recordBackOff()
    stub().answer({ statusCode: 503, headers: { 'x-amz-retry-after': header } }, found)
    await openTestClient(stub().endpoint, { deadlineMs: 100_000 }).send('GetItem', someKey)
    expect(delays).toEqual([expected])
  })

  test('adds at most 5 s for x-amz-retry-after', async () => {
    const delays = recordBackOff()
    stub().answer({ ...throttled, headers: { 'x-amz-retry-after': '86400000' } }, found)
    const client = openTestClient(stub().endpoint, { random: () => 0.7, deadlineMs: 100_000 })
    await client.send('GetItem', someKey)
    expect(delays).toEqual([5700])
  })

  test('is not shortened by x-amz-retry-after', async () => {
    const delays = recordBackOff()
    stub().answer({ ...throttled, headers: { 'x-amz-retry-after': '10' } }, found)
    const client = openTestClient(stub().endpoint, { random: () => 0.5, deadlineMs: 100_000 })
    await client.send('GetItem', someKey)
    expect(delays).toEqual([500])
  })

  test('that would outlast the deadline is not begun: the error at hand is the answer', async () => {
    stub().answer(throttled)
    const client = openTestClient(stub().endpoint, { random: () => 0.999, deadlineMs: 990 })
    expect(await rejectionOf(client.send('GetItem', someKey))).toMatchObject({
      name: 'ThrottlingError',
      attempts: 1,
    })
    expect(stub().requests).toHaveLength(1)
  })
})

describe('the retry quota', () => {
  test('pays for 35 retries of transient errors and lets none go ahead without pay', async () => {
    const client = openTestClient(stub().endpoint)
    const attempts: number[] = []
    for (let call = 0; call < 14; call++) attempts.push(await attemptsOf(client, serverError))
    // 500 tokens at 14 each: eleven calls with three retries, one with two, then none; 10 tokens are left.
    expect(attempts).toEqual([4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 3, 1, 1])
    // Throttling costs 5 and so can go on.
    expect(await attemptsOf(client, throttled)).toBe(3)
    expect(await attemptsOf(client, throttled)).toBe(1)
    // Fourteen calls without trouble earn the price of one retry.
    for (let call = 0; call < 14; call++) expect(await attemptsOf(client, found)).toBe(1)
    expect(await attemptsOf(client, serverError)).toBe(2)
    expect(await attemptsOf(client, serverError)).toBe(1)
  })

  test('the call that cannot pay fails with the error it met', async () => {
    const client = openTestClient(stub().endpoint, { maxAttempts: 36 })
    expect(await attemptsOf(client, serverError)).toBe(36)
    stub().answer(awsError('InternalServerError', 'down', 500))
    expect(await rejectionOf(client.send('GetItem', someKey))).toMatchObject({
      awsCode: 'InternalServerError',
      attempts: 1,
      retryable: true,
    })
  })

  test('a success after a retry gives back what that retry cost', async () => {
    const client = openTestClient(stub().endpoint, { maxAttempts: 36 })
    expect(await attemptsOf(client, serverError)).toBe(36)
    for (let call = 0; call < 4; call++) await attemptsOf(client, found)
    for (let call = 0; call < 5; call++) {
      stub().answer(serverError, found)
      await expect(client.send('GetItem', someKey)).resolves.toEqual(item)
    }
    expect(stub().requests).toHaveLength(2)
  })

  test('belongs to one client', async () => {
    const exhausted = openTestClient(stub().endpoint, { maxAttempts: 36 })
    await attemptsOf(exhausted, serverError)
    expect(await attemptsOf(exhausted, serverError)).toBe(1)
    expect(await attemptsOf(openTestClient(stub().endpoint), serverError)).toBe(4)
  })
})
