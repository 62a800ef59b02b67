import { getEventListeners } from 'node:events'

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { deferred, inBackground, sleep, withTimeout } from '../../../src/internal/timers.ts'

const reason = new Error('the caller gave up')
const timedOut = new Error('too slow')
const onTimeout = (): Error => timedOut

function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length
}

/** Timers that keep the process alive. */
function timeouts(): number {
  return process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
}

/** What became of a promise so far. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  let state: unknown = 'pending'
  promise.then(
    value => {
      state = { value }
    },
    (error: unknown) => {
      state = { error }
    },
  )
  await vi.advanceTimersByTimeAsync(0)
  return state
}

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('sleep', () => {
  it('lasts as long as it is told', async () => {
    const { signal } = new AbortController()
    const sleeping = sleep(100, signal)
    expect(listeners(signal)).toBe(1)
    await vi.advanceTimersByTimeAsync(99)
    expect(await stateOf(sleeping)).toBe('pending')
    await vi.advanceTimersByTimeAsync(1)
    expect(await stateOf(sleeping)).toEqual({ value: undefined })
    expect(listeners(signal)).toBe(0)
  })

  it('needs no signal', async () => {
    const sleeping = sleep(10, undefined)
    await vi.advanceTimersByTimeAsync(10)
    expect(await stateOf(sleeping)).toEqual({ value: undefined })
  })

  it('ends with the reason of the signal at once, and leaves no timer', async () => {
    const controller = new AbortController()
    const sleeping = sleep(100, controller.signal)
    controller.abort(reason)
    expect(await stateOf(sleeping)).toEqual({ error: reason })
    expect(vi.getTimerCount()).toBe(0)
    expect(listeners(controller.signal)).toBe(0)
  })

  it('does not begin when the signal is aborted already', async () => {
    const signal = AbortSignal.abort(reason)
    const sleeping = sleep(100, signal)
    expect(await stateOf(sleeping)).toEqual({ error: reason })
    expect(vi.getTimerCount()).toBe(0)
    expect(listeners(signal)).toBe(0)
  })

  it('keeps the process alive meanwhile', async () => {
    vi.useRealTimers()
    const before = timeouts()
    const controller = new AbortController()
    const sleeping = sleep(60_000, controller.signal)
    const during = timeouts()
    controller.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
    expect(during).toBe(before + 1)
  })
})

describe('withTimeout', () => {
  it('passes a value on and leaves nothing behind', async () => {
    const { signal } = new AbortController()
    const { promise, resolve } = deferred<string>()
    const waiting = withTimeout(promise, 100, signal, onTimeout)
    expect(await stateOf(waiting)).toBe('pending')
    expect(listeners(signal)).toBe(1)
    resolve('value')
    expect(await stateOf(waiting)).toEqual({ value: 'value' })
    expect(vi.getTimerCount()).toBe(0)
    expect(listeners(signal)).toBe(0)
  })

  it('passes a rejection on and leaves nothing behind', async () => {
    const { signal } = new AbortController()
    const error = new Error('failed')
    const waiting = withTimeout(Promise.reject(error), 100, signal, onTimeout)
    expect(await stateOf(waiting)).toEqual({ error })
    expect(vi.getTimerCount()).toBe(0)
    expect(listeners(signal)).toBe(0)
  })

  it('gives up in time, asks for the error only then, and lets the promise go on', async () => {
    const { signal } = new AbortController()
    const { promise, reject } = deferred<string>()
    const makeError = vi.fn<() => Error>(onTimeout)
    const waiting = withTimeout(promise, 100, signal, makeError)
    await vi.advanceTimersByTimeAsync(99)
    expect(await stateOf(waiting)).toBe('pending')
    expect(makeError).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(await stateOf(waiting)).toEqual({ error: timedOut })
    expect(listeners(signal)).toBe(0)
    reject(new Error('late, and nobody has to handle it'))
    expect(await stateOf(waiting)).toEqual({ error: timedOut })
  })

  it('ends with the reason of the signal, and lets the promise go on', async () => {
    const controller = new AbortController()
    const { promise, reject } = deferred<string>()
    const waiting = withTimeout(promise, 100, controller.signal, onTimeout)
    controller.abort(reason)
    expect(await stateOf(waiting)).toEqual({ error: reason })
    expect(vi.getTimerCount()).toBe(0)
    expect(listeners(controller.signal)).toBe(0)
    reject(new Error('late, and nobody has to handle it'))
    expect(await stateOf(waiting)).toEqual({ error: reason })
  })

  it('does not wait when the signal is aborted already, and handles the rejection all the same', async () => {
    const signal = AbortSignal.abort(reason)
    const waiting = withTimeout(Promise.reject(new Error('failed')), 100, signal, onTimeout)
    expect(await stateOf(waiting)).toEqual({ error: reason })
    expect(vi.getTimerCount()).toBe(0)
    expect(listeners(signal)).toBe(0)
  })

  it('needs no signal', async () => {
    expect(await stateOf(withTimeout(Promise.resolve(1), 100, undefined, onTimeout))).toEqual({ value: 1 })
  })
})

describe('a timer in the background', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('does not keep the process alive', () => {
    const before = timeouts()
    const timer = inBackground(setTimeout(() => undefined, 60_000))
    expect(timeouts()).toBe(before)
    expect(timer.hasRef()).toBe(false)
    clearTimeout(timer)
  })

  it('may be a number, which Deno has a function of its own for', () => {
    const unrefTimer = vi.fn<(id: unknown) => void>()
    const number: unknown = 7
    expect(inBackground(number as NodeJS.Timeout)).toBe(7)
    vi.stubGlobal('Deno', { unrefTimer })
    inBackground(number as NodeJS.Timeout)
    expect(unrefTimer).toHaveBeenCalledWith(7)
  })
})
