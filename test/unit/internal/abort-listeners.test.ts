import { getEventListeners } from 'node:events'

import { describe, expect, it } from 'vitest'

import { offAbort, onAbort } from '../../../src/internal/timers.ts'

function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length
}

describe('callbacks for the abort of a signal', () => {
  it('are all called, by one listener, which is gone afterwards', () => {
    const controller = new AbortController()
    const { signal } = controller
    const called: number[] = []
    for (let number = 0; number < 3; number++) onAbort(signal, () => called.push(number))
    expect(listeners(signal)).toBe(1)
    controller.abort()
    expect(called).toEqual([0, 1, 2])
    expect(listeners(signal)).toBe(0)
  })

  it('leave no listener when the last is taken back', () => {
    const { signal } = new AbortController()
    const callbacks = [(): void => undefined, (): void => undefined]
    for (const callback of callbacks) onAbort(signal, callback)
    for (const [index, callback] of callbacks.entries()) {
      expect(listeners(signal)).toBe(1)
      offAbort(signal, callback)
      offAbort(signal, callback)
      expect(listeners(signal)).toBe(1 - index)
    }
  })

  it('can come again after the last was taken back', () => {
    const controller = new AbortController()
    const { signal } = controller
    const called: string[] = []
    const first = (): void => void called.push('first')
    onAbort(signal, first)
    offAbort(signal, first)
    onAbort(signal, () => called.push('second'))
    controller.abort()
    expect(called).toEqual(['second'])
  })

  it('are not called when another of them takes them back', () => {
    const controller = new AbortController()
    const { signal } = controller
    const called: string[] = []
    const second = (): void => void called.push('second')
    onAbort(signal, () => {
      offAbort(signal, second)
    })
    onAbort(signal, second)
    controller.abort()
    expect(called).toEqual([])
    expect(listeners(signal)).toBe(0)
  })

  it('do not know those of other signals', () => {
    const [one, other] = [new AbortController(), new AbortController()]
    const called: string[] = []
    onAbort(one.signal, () => called.push('one'))
    onAbort(other.signal, () => called.push('other'))
    one.abort()
    expect(called).toEqual(['one'])
    expect(listeners(other.signal)).toBe(1)
  })
})
