import { describe, expect, it, onTestFinished, vi } from 'vitest'

import { Deadline } from '../../../src/internal/deadline.ts'
import { type Flights, sharedFlight } from '../../../src/internal/keyed-calls.ts'
import { type Deferred, deferred } from '../../../src/internal/timers.ts'

/** Calls that the test settles. */
function fixture(longestMs: number): {
  ask: () => Promise<number>
  calls: Deferred<number>[]
  size: () => number
} {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const flights: Flights<number> = new Map()
  const calls: Deferred<number>[] = []
  const ask = (): Promise<number> =>
    sharedFlight(flights, 'key', new Deadline(longestMs), () => {
      const call = deferred<number>()
      calls.push(call)
      return call.promise
    })
  return { ask, calls, size: () => flights.size }
}

describe('sharedFlight', () => {
  it('gives all callers one outcome, and begins anew afterwards', async () => {
    const { ask, calls, size } = fixture(Infinity)
    const callers = Array.from({ length: 20 }, ask)
    calls[0]?.resolve(7)
    expect(await Promise.all(callers)).toStrictEqual(callers.map(() => 7))
    expect(calls).toHaveLength(1)
    expect(size()).toBe(0)
    const next = ask()
    calls[1]?.resolve(8)
    expect(await next).toBe(8)
  })

  it('does not remember a failure', async () => {
    const { ask, calls } = fixture(Infinity)
    const failing = ask()
    calls[0]?.reject(new Error('no'))
    await expect(failing).rejects.toThrow('no')
    const next = ask()
    calls[1]?.resolve(1)
    await expect(next).resolves.toBe(1)
  })

  it('begins anew beside a call that takes too long, one at a time', async () => {
    const { ask, calls, size } = fixture(100)
    const hung = ask()
    vi.advanceTimersByTime(97)
    const sharing = [ask()]
    expect(calls).toHaveLength(1)
    vi.advanceTimersByTime(3)
    const next = ask()
    sharing.push(ask())
    expect(calls).toHaveLength(2)

    // Its end is that of nobody but those who wait for it.
    calls[0]?.resolve(1)
    expect(await hung).toBe(1)
    sharing.push(ask())
    expect(calls).toHaveLength(2)
    calls[1]?.resolve(2)
    expect(await next).toBe(2)
    expect(await Promise.all(sharing)).toStrictEqual([1, 2, 2])
    expect(size()).toBe(0)
  })

  it('tells a call whether a later one has been begun', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const flights: Flights<boolean> = new Map()
    const gate = deferred<void>()
    const ask = (): Promise<boolean> =>
      sharedFlight(flights, 'key', new Deadline(100), async isLatest => {
        await gate.promise
        return isLatest()
      })
    const first = ask()
    vi.advanceTimersByTime(100)
    const second = ask()
    gate.resolve()
    expect(await Promise.all([first, second])).toStrictEqual([false, true])
  })
})
