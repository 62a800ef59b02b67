import { getEventListeners } from 'node:events'

import { describe, expect, onTestFinished, test } from 'vitest'

import type { Transport } from '../../../src/aws/http/index.ts'
import { SessionStore } from '../../../src/index.ts'
import { rejectionOf } from '../../support/failure.ts'

/** Times so short that a call which keeps them is over at once. */
const LIMITS = { connectTimeoutMs: 20, attemptTimeoutMs: 20, deadlineMs: 400, maxAttempts: 1 }

function storeOver(
  request: (...args: never[]) => unknown,
  limits: Partial<typeof LIMITS> = {},
): SessionStore {
  const transport = { request, close: async () => undefined } as unknown as Transport
  const store = new SessionStore({
    region: 'eu-west-1',
    endpoint: 'http://127.0.0.1:1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    transport,
    ...LIMITS,
    ...limits,
  })
  onTestFinished(() => store.close())
  return store
}

async function never(): Promise<never> {
  return new Promise(() => undefined)
}

describe('a transport of the application', () => {
  test('that does not answer is given up after the time of an attempt, and asked again', async () => {
    let requests = 0
    const store = storeOver(
      () => {
        requests++
        return never()
      },
      { maxAttempts: 2, deadlineMs: 5000 },
    )
    expect(await rejectionOf(store.read('id'))).toMatchObject({
      code: 'ATTEMPT_TIMEOUT',
      message: 'the transport brought no response from http://127.0.0.1:1 within 140 ms',
    })
    expect(requests).toBe(2)
  })

  test('that does not answer is given up at the deadline (G7)', async () => {
    const store = storeOver(never, { attemptTimeoutMs: 50, deadlineMs: 50 })
    expect(await rejectionOf(store.read('id'))).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  })

  test('is told when it is given up, so that it sends nothing that nobody waits for', async () => {
    const signals: AbortSignal[] = []
    const request = async ({ signal }: { readonly signal: AbortSignal }): Promise<never> => {
      signals.push(signal)
      return never()
    }
    await rejectionOf(storeOver(request).read('id'))
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    const controller = new AbortController()
    const store = storeOver(request, { attemptTimeoutMs: 60_000, deadlineMs: 60_000 })
    const call = rejectionOf(store.read('id', { signal: controller.signal }))
    await expect.poll(() => signals.length).toBe(2)
    expect(signals[1]?.aborted).toBe(false)
    const reason = new Error('the visitor has gone')
    controller.abort(reason)
    expect(await call).toBe(reason)
    expect(signals[1]?.reason).toBe(reason)
  })

  test('that does not look at the signal is given up when it is aborted, and keeps no listener', async () => {
    const controller = new AbortController()
    const store = storeOver(never, { attemptTimeoutMs: 60_000, deadlineMs: 60_000 })
    const call = rejectionOf(store.read('id', { signal: controller.signal }))
    const reason = new Error('the visitor has gone')
    controller.abort(reason)
    expect(await call).toBe(reason)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a text', 'HTTP/1.1 200 OK'],
    ['headers that are no Map', { statusCode: 200, headers: {}, body: Buffer.from('{}') }],
    ['a body that is an object', { statusCode: 200, headers: new Map(), body: {} }],
    ['no status', { headers: new Map(), body: Buffer.from('{}') }],
  ])('that returns %s is named', async (_, response) => {
    const error = await rejectionOf(storeOver(() => response).read('id'))
    expect(error).toMatchObject({ code: 'INVALID_RESPONSE', retryable: false })
    expect(error).toHaveProperty('message', expect.stringContaining('statusCode (a number), headers (a Map'))
  })

  test('may answer with plain bytes, which can be a part of more', async () => {
    const body = new TextEncoder().encode('???{}???').subarray(3, 5)
    const headers = new Map([['x-amzn-requestid', 'ID']])
    expect(await storeOver(() => ({ statusCode: 200, headers, body })).read('id')).toBeUndefined()
  })

  test('may give the body as text', async () => {
    const headers = new Map([['x-amzn-requestid', 'ID']])
    expect(await storeOver(() => ({ statusCode: 200, headers, body: '{}' })).read('id')).toBeUndefined()
  })

  test('that throws is heard', async () => {
    const problem = new Error('not today')
    const store = storeOver(() => {
      throw problem
    })
    expect(await rejectionOf(store.read('id'))).toBe(problem)
  })
})
