import { AsyncLocalStorage } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import { setImmediate } from 'node:timers/promises'

import { describe, expect, onTestFinished, test } from 'vitest'

import { ConnectionError, DynamoDBError } from '../../../src/errors.ts'
import type { Trace } from '../../../src/diagnostics.ts'
import { type Draft, TraceChannel } from '../../../src/internal/diagnostics.ts'
import { unhandledErrorsDuring } from '../../support/process-events.ts'

interface TestTrace extends Trace {
  readonly label: string
  readonly note?: string
}

const events = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const

let count = 0

function ignore(): void {
  // What is published does not matter.
}

/** A channel that no other test uses. */
function newChannel(): { name: string; traces: TraceChannel<TestTrace> } {
  const name = `dynamodb-sessions-test:${count++}`
  return { name, traces: new TraceChannel(name) }
}

function subscribe(name: string, event: string, listener: (message: unknown) => void): void {
  const subscribed = channel(`tracing:${name}:${event}`)
  subscribed.subscribe(listener)
  onTestFinished(() => {
    subscribed.unsubscribe(listener)
  })
}

/** Every event with the message and what it held then. */
function record(name: string): { event: string; message: unknown; held: unknown }[] {
  const published: { event: string; message: unknown; held: unknown }[] = []
  for (const event of events) {
    subscribe(name, event, message => {
      published.push({ event, message, held: structuredClone(message) })
    })
  }
  return published
}

const aDuration = expect.any(Number) as number

test('is observed by whoever subscribes to any event or binds a store, and no longer', () => {
  for (const event of events) {
    const { name, traces } = newChannel()
    expect(traces.channels.hasSubscribers).toBe(false)
    channel(`tracing:${name}:${event}`).subscribe(ignore)
    expect(traces.channels.hasSubscribers).toBe(true)
    channel(`tracing:${name}:${event}`).unsubscribe(ignore)
    expect(traces.channels.hasSubscribers).toBe(false)
  }
  const { name, traces } = newChannel()
  channel(`tracing:${name}:start`).bindStore(new AsyncLocalStorage())
  expect(traces.channels.hasSubscribers).toBe(true)
})

test('is observed by whoever subscribed before it was made', () => {
  const name = `dynamodb-sessions-test:${count++}`
  subscribe(name, 'asyncEnd', ignore)
  expect(new TraceChannel(name).channels.hasSubscribers).toBe(true)
})

describe('a success', () => {
  test('has four events with one message, and no result in it', async () => {
    const { name, traces } = newChannel()
    const published = record(name)
    const trace: Draft<TestTrace> = { label: 'a' }
    const result = traces.observe(trace, async () => {
      await setImmediate()
      return 'the result'
    })
    expect(published.map(({ event }) => event)).toEqual(['start', 'end'])
    expect(await result).toBe('the result')
    expect(published.map(({ event }) => event)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    expect(published.every(({ message }) => message === trace)).toBe(true)
    expect(published[0]?.held).toEqual({ label: 'a' })
    expect(published[3]?.held).toEqual({ label: 'a', durationMs: aDuration })
  })

  test('is concluded before its end is published', async () => {
    const { name, traces } = newChannel()
    const published = record(name)
    const trace: Draft<TestTrace> = { label: 'a' }
    await traces.observe(trace, () => Promise.resolve(7), {
      conclude: settled => {
        trace.note = `value: ${'value' in settled ? settled.value : 'none'}`
      },
    })
    expect(published[2]?.held).toEqual({ label: 'a', durationMs: aDuration, note: 'value: 7' })
  })
})

describe('a failure', () => {
  test('has five events, and is passed on as it is', async () => {
    const { name, traces } = newChannel()
    const published = record(name)
    const error = new ConnectionError('CONNECTION_LOST', 'the connection was lost', { retryable: true })
    await expect(traces.observe({ label: 'a' }, () => Promise.reject(error))).rejects.toBe(error)
    expect(published.map(({ event }) => event)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    expect(published[2]?.held).toEqual({
      label: 'a',
      durationMs: aDuration,
      error: {
        name: 'ConnectionError',
        code: 'CONNECTION_LOST',
        awsCode: undefined,
        message: 'the connection was lost',
      },
    })
  })

  test('that is returned is one, too', async () => {
    const { name, traces } = newChannel()
    const published = record(name)
    const error = new DynamoDBError('DYNAMODB_ERROR', 'refused', {
      awsCode: 'ConditionalCheckFailedException',
      httpStatusCode: 400,
      attempts: 1,
      retryable: false,
    })
    const returned = await traces.observe({ label: 'a' }, () => Promise.resolve({ error }), {
      failureOf: made => made,
    })
    expect(returned.error).toBe(error)
    expect(published.map(({ event }) => event)).toContain('error')
    expect(published[4]?.held).toMatchObject({ error: { awsCode: 'ConditionalCheckFailedException' } })
  })

  test('of its own kind is published at once', () => {
    const { name, traces } = newChannel()
    const published = record(name)
    traces.failAtOnce({ label: 'a' }, new Error('anything'))
    expect(published.map(({ event }) => event)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    expect(published[4]?.held).toMatchObject({ label: 'a', durationMs: 0, error: { name: 'Error' } })
  })

  test.each([
    ['Error', Object.assign(new Error('secret'), { name: 'secret' })],
    ['Error', 'secret'],
    ['Error', undefined],
    ['TypeError', Object.assign(new TypeError('secret'), { code: 'secret' })],
    ['AbortError', new DOMException('secret', 'AbortError')],
    ['TimeoutError', AbortSignal.abort(new DOMException('secret', 'TimeoutError')).reason],
  ])('that is not of this package is told as %s without its message', async (name, reason: unknown) => {
    const { name: channelName, traces } = newChannel()
    const published = record(channelName)
    const failing = traces.observe({ label: 'a' }, async () => {
      throw reason
    })
    await expect(failing).rejects.toBe(reason)
    expect(published[4]?.held).toMatchObject({
      error: { name, code: undefined, awsCode: undefined, message: 'the message is withheld' },
    })
    expect(JSON.stringify(published)).not.toContain('secret')
  })
})

describe('a bound store', () => {
  test('holds during the work and its end, and nowhere else', async () => {
    const { name, traces } = newChannel()
    const storage = new AsyncLocalStorage<unknown>()
    const start = channel(`tracing:${name}:start`)
    start.bindStore(storage, message => ({ of: message }))
    onTestFinished(() => {
      start.unbindStore(storage)
    })
    const seen: unknown[] = []
    for (const event of events) subscribe(name, event, () => seen.push(storage.getStore()))
    const trace: Draft<TestTrace> = { label: 'a' }
    await storage.run('outside', async () => {
      await traces.observe(trace, async () => {
        seen.push(storage.getStore())
        await setImmediate()
        seen.push(storage.getStore())
      })
      expect(storage.getStore()).toBe('outside')
    })
    expect(seen).toHaveLength(6)
    for (const store of seen) expect(store).toEqual({ of: trace })
  })
})

describe('a subscriber that throws', () => {
  test.each(events)('at "%s" breaks nothing, and is an uncaught exception', async event => {
    const { name, traces } = newChannel()
    subscribe(name, event, () => {
      throw new Error('a bug of the subscriber')
    })
    const published = record(name)
    let settled: unknown
    const { uncaughtExceptions, unhandledRejections } = await unhandledErrorsDuring(async () => {
      const failing = traces.observe({ label: 'a' }, () => Promise.reject(new Error('of the work')))
      settled = await failing.catch((error: unknown) => error)
    })
    expect(settled).toEqual(new Error('of the work'))
    expect(uncaughtExceptions).toEqual([new Error('a bug of the subscriber')])
    expect(unhandledRejections).toEqual([])
    expect(published).toHaveLength(5)
  })

  test('while it makes the value of a store breaks nothing either', async () => {
    const { name, traces } = newChannel()
    const storage = new AsyncLocalStorage<unknown>()
    channel(`tracing:${name}:start`).bindStore(storage, () => {
      throw new Error('a bug of the subscriber')
    })
    const { uncaughtExceptions } = await unhandledErrorsDuring(async () => {
      expect(await traces.observe({ label: 'a' }, () => Promise.resolve(7))).toBe(7)
    })
    expect(uncaughtExceptions).toEqual([new Error('a bug of the subscriber')])
  })
})
