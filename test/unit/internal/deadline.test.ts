import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { Deadline } from '../../../src/internal/deadline.ts'

describe('Deadline', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('tells how much time is left', () => {
    const deadline = new Deadline(100)
    vi.advanceTimersByTime(40)
    expect(deadline.remainingMs).toBe(60)
    expect(deadline.limitMs).toBe(100)
    expect(deadline.atMs).toBe(performance.now() + 60)
  })

  test('is over at the instant that it names', () => {
    const deadline = new Deadline(100)
    vi.advanceTimersByTime(99)
    expect(deadline.isExpired()).toBe(false)
    vi.advanceTimersByTime(1)
    expect(deadline.isExpired()).toBe(true)
  })

  test('tells whether a pause leaves time', () => {
    const deadline = new Deadline(100)
    expect(deadline.isExpired(99)).toBe(false)
    expect(deadline.isExpired(100)).toBe(true)
  })

  test('a part of a call has the earlier of two deadlines', () => {
    const deadline = new Deadline(100)
    vi.advanceTimersByTime(40)
    expect(deadline.within(60)).toBe(deadline)
    expect(deadline.within(59).remainingMs).toBe(59)
    expect(new Deadline(Infinity).within(Infinity).remainingMs).toBe(Infinity)
  })
})
