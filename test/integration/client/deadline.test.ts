import { describe, expect, test, vi } from 'vitest'

import { DeadlineExceededError, DynamoDBError } from '../../../src/errors.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import { Deadline } from '../../../src/internal/deadline.ts'
import { deferred } from '../../../src/internal/timers.ts'
import { rejectionOf } from '../../support/failure.ts'
import { awsError } from '../../support/stub-dynamodb.ts'
import { controlTime } from '../transport/harness.ts'
import { openTestClient, passPauses, someKey, testCredentials, useStub } from './test-client.ts'

const stub = useStub()
const MINUTE_MS = 60_000

function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}

describe('the deadline of a call (G7)', () => {
  test('holds for a server that never answers, and names what the attempt met', async () => {
    stub().answer('hang')
    controlTime()
    const client = openTestClient(stub().endpoint, { deadlineMs: 300 })
    const failed = rejectionOf(client.send('GetItem', someKey))
    await stub().received(1)
    vi.advanceTimersByTime(300)
    const error = await failed
    expect(error).toBeInstanceOf(DeadlineExceededError)
    expect(error).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringMatching(
        /^GetItem did not succeed within 300 ms \(attempts: 1\): no complete response from http:\/\/127\.0\.0\.1:\d+ within \d+ ms$/,
      ) as string,
      cause: { name: 'AttemptTimeoutError' },
    })
    expect(stub().requests).toHaveLength(1)
  })

  test('names the trouble before the attempt that it cut short', async () => {
    stub().answer(awsError('InternalServerError', 'on fire', 500), 'hang')
    controlTime()
    const client = openTestClient(stub().endpoint, { attemptTimeoutMs: MINUTE_MS, deadlineMs: MINUTE_MS })
    const failed = rejectionOf(client.send('PutItem', { TableName: 'sessions', Item: {} }))
    await passPauses(() => stub().requests.length === 2)
    vi.advanceTimersByTime(MINUTE_MS)
    const error = await failed
    expect(error).toBeInstanceOf(DeadlineExceededError)
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /^PutItem did not succeed within 60000 ms \(attempts: 2\): DynamoDB refused PutItem .*on fire.*; then no complete response from .* within \d+ ms$/,
      ) as string,
    })
    expect((error as Error).cause).toBeInstanceOf(DynamoDBError)
  })

  test('an attempt that times out for good is no deadline', async () => {
    stub().answer('hang')
    controlTime()
    const client = openTestClient(stub().endpoint, { attemptTimeoutMs: 5000, maxAttempts: 2 })
    const failed = rejectionOf(client.send('GetItem', someKey))
    await stub().received(1)
    vi.advanceTimersByTime(5000)
    await passPauses(() => stub().requests.length === 2)
    vi.advanceTimersByTime(5000)
    expect(await failed).toMatchObject({
      name: 'AttemptTimeoutError',
      code: 'ATTEMPT_TIMEOUT',
    })
    expect(stub().requests).toHaveLength(2)
  })

  test.each([
    ['of the caller', 15_000, 60],
    ['of the client', 60, 15_000],
  ])('is that %s where it is the earlier one', async (_, deadlineMs, callerMs) => {
    stub().answer('hang')
    controlTime()
    const client = openTestClient(stub().endpoint, { deadlineMs })
    const deadline = new Deadline(callerMs)
    const failed = rejectionOf(client.send('GetItem', someKey, { deadline }))
    await stub().received(1)
    vi.advanceTimersByTime(60)
    const error = await failed
    expect(error).toBeInstanceOf(DeadlineExceededError)
    expect((error as Error).message).toMatch(/^GetItem did not succeed within 60 ms/)
    expect(client.deadlineMs).toBe(deadlineMs)
  })

  test('holds for credentials that never come, and nothing is sent', async () => {
    const client = openTestClient(stub().endpoint, { credentials: never, deadlineMs: 60 })
    const error = await rejectionOf(client.send('GetItem', someKey))
    expect(error).toBeInstanceOf(DeadlineExceededError)
    expect((error as Error).message).toBe(
      'GetItem did not succeed within 60 ms: the AWS credentials were not found in time',
    )
    expect(stub().requests).toHaveLength(0)
  })

  test('holds for credentials that do not come for the second attempt', async () => {
    stub().answer({ statusCode: 500 })
    controlTime()
    let calls = 0
    const client = openTestClient(stub().endpoint, {
      credentials: () => (calls++ === 0 ? testCredentials : never()),
      deadlineMs: MINUTE_MS,
    })
    const failed = rejectionOf(client.send('GetItem', someKey), DeadlineExceededError)
    await passPauses(() => calls === 2)
    vi.advanceTimersByTime(MINUTE_MS)
    expect(await failed).toMatchObject({
      message: expect.stringMatching(
        /\(attempts: 2\): .*HTTP status 500.*; then .* the AWS credentials were not found in time$/,
      ) as string,
    })
    expect(stub().requests).toHaveLength(1)
  })

  test('credentials that fail after the deadline are nobody’s unhandled rejection', async () => {
    const provider = deferred<never>()
    const client = openTestClient(stub().endpoint, { credentials: () => provider.promise, deadlineMs: 30 })
    expect(await rejectionOf(client.send('GetItem', someKey))).toBeInstanceOf(DeadlineExceededError)
    provider.reject(new Error('too late'))
    await new Promise(resolve => {
      setImmediate(resolve)
    })
  })

  test('holds for settings that are never found', async () => {
    const client = openTestClient(stub().endpoint, { onLookup: never, deadlineMs: 60 })
    const error = await rejectionOf(client.send('GetItem', someKey))
    expect(error).toBeInstanceOf(DeadlineExceededError)
    expect((error as Error).message).toBe(
      'GetItem did not succeed within 60 ms: the AWS settings were not found in time',
    )
    expect(stub().requests).toHaveLength(0)
  })

  test('holds while every connection is busy', async () => {
    stub().answer('hang')
    const transport = new SocketTransport({ maxSockets: 1 })
    const patient = openTestClient(stub().endpoint, { transport })
    const controller = new AbortController()
    const first = rejectionOf(patient.send('GetItem', someKey, { signal: controller.signal }))
    await stub().received(1)

    const client = openTestClient(stub().endpoint, { transport, deadlineMs: 60 })
    expect(await rejectionOf(client.send('GetItem', someKey))).toMatchObject({
      name: 'ConnectionError',
      code: 'POOL_TIMEOUT',
      message: expect.stringMatching(/none of 1 connections to .* became free within \d+ ms$/) as string,
    })
    expect(stub().requests).toHaveLength(1)
    controller.abort()
    await first
  })

  test('covers all attempts together', async () => {
    stub().answer('hang')
    const client = openTestClient(stub().endpoint, { deadlineMs: 250, attemptTimeoutMs: 30, maxAttempts: 20 })
    const error = await rejectionOf(client.send('GetItem', someKey))
    expect(error).toBeInstanceOf(DeadlineExceededError)
    expect((error as Error).message).toMatch(/: no complete response from .* within 30 ms$/)
    expect(stub().requests.length).toBeLessThan(20)
  })
})

describe('an AbortSignal', () => {
  const reason = new Error('the visitor has left')

  test.each([
    ['its controller', new AbortController()],
    ['a number', 5],
    ['null', null],
  ])('is refused when it is %s', async (_name, signal) => {
    const client = openTestClient(stub().endpoint)
    const error = await rejectionOf(
      client.send('GetItem', someKey, { signal: signal as unknown as AbortSignal }),
    )
    expect(error).toMatchObject({ name: 'TypeError', code: 'INVALID_OPTION' })
    expect((error as Error).message).toBe('the option "signal" must be an AbortSignal')
    expect(stub().requests).toHaveLength(0)
  })

  test('that is aborted before the call keeps anything from happening', async () => {
    let asked = 0
    const client = openTestClient(stub().endpoint, {
      credentials: () => {
        asked++
        return testCredentials
      },
    })
    const signal = AbortSignal.abort(reason)
    expect(await rejectionOf(client.send('GetItem', someKey, { signal }))).toBe(reason)
    expect(asked).toBe(0)
    expect(stub().requests).toHaveLength(0)
  })

  test('ends a call whose answer does not come, without a retry', async () => {
    stub().answer('hang')
    const controller = new AbortController()
    const { signal } = controller
    const call = rejectionOf(openTestClient(stub().endpoint).send('GetItem', someKey, { signal }))
    await stub().received(1)
    controller.abort(reason)
    expect(await call).toBe(reason)
    expect(stub().requests).toHaveLength(1)
  })

  test('ends a call during back-off', async () => {
    stub().answer(awsError('ThrottlingException'))
    const controller = new AbortController()
    const client = openTestClient(stub().endpoint, {
      // Asked for the length of the pause, which has begun when an immediate runs.
      random: () => {
        setImmediate(() => {
          controller.abort(reason)
        })
        return 0.999
      },
    })
    expect(await rejectionOf(client.send('GetItem', someKey, { signal: controller.signal }))).toBe(reason)
    expect(stub().requests).toHaveLength(1)
  })

  test.each(['a text', undefined, 0])('passes on a reason that is no error: %s', async value => {
    stub().answer('hang')
    const controller = new AbortController()
    const call = rejectionOf(
      openTestClient(stub().endpoint).send('GetItem', someKey, { signal: controller.signal }),
    )
    await stub().received(1)
    controller.abort(value)
    expect(await call).toBe(controller.signal.reason)
  })

  test('ends a call that waits for credentials', async () => {
    const controller = new AbortController()
    const client = openTestClient(stub().endpoint, {
      credentials: () => {
        setImmediate(() => {
          controller.abort(reason)
        })
        return never()
      },
    })
    expect(await rejectionOf(client.send('GetItem', someKey, { signal: controller.signal }))).toBe(reason)
    expect(stub().requests).toHaveLength(0)
  })

  test('ends a call that waits for the region', async () => {
    const controller = new AbortController()
    const client = openTestClient(stub().endpoint, {
      onLookup: () => {
        setImmediate(() => {
          controller.abort(reason)
        })
        return never()
      },
    })
    expect(await rejectionOf(client.send('GetItem', someKey, { signal: controller.signal }))).toBe(reason)
  })

  test('that is aborted by the credential provider itself keeps the request from being sent', async () => {
    const controller = new AbortController()
    const client = openTestClient(stub().endpoint, {
      credentials: () => {
        controller.abort(reason)
        return Promise.resolve(testCredentials)
      },
    })
    expect(await rejectionOf(client.send('GetItem', someKey, { signal: controller.signal }))).toBe(reason)
    expect(stub().requests).toHaveLength(0)
  })

  test('means nothing to the other calls of the client', async () => {
    stub().answer('hang', { body: { Item: someKey.Key } })
    const controller = new AbortController()
    const client = openTestClient(stub().endpoint)
    const aborted = rejectionOf(client.send('GetItem', someKey, { signal: controller.signal }))
    await stub().received(1)
    const other = client.send('GetItem', someKey)
    controller.abort(reason)
    expect(await aborted).toBe(reason)
    await expect(other).resolves.toEqual({ Item: someKey.Key })
  })

  test('has no listener left after the call', async () => {
    stub().answer({ statusCode: 500 }, {})
    const client = openTestClient(stub().endpoint, {
      onLookup: () => Promise.resolve(),
      credentials: () => Promise.resolve(testCredentials),
    })
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }
    await client.send('GetItem', someKey, { signal })
    expect(listeners).toBe(0)
  })
})
