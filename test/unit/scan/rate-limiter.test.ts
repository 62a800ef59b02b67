import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { RateLimiter, ThrottlingPauses } from '../../../src/scan/garbage-collection.ts'

describe('the pace of capacity', () => {
  test('the first request need not wait', () => {
    expect(new RateLimiter(1).reserve(5000)).toEqual({ delayMs: 0, units: 1 })
  })

  test('requests that come at once are spread over the second', () => {
    const pace = new RateLimiter(10)
    const delays = Array.from({ length: 5 }, () => pace.reserve(5000).delayMs)
    // A tenth of a second may be made up for, which is one request more.
    expect(delays).toEqual([0, 0, 100, 200, 300])
  })

  test('what a request used on top of what was set aside makes the next ones wait', () => {
    const pace = new RateLimiter(10)
    const scan = pace.reserve(5000)
    pace.commit(scan, 128)
    expect(pace.reserve(5000)).toEqual({ delayMs: 12_700, units: 128 })
    expect(pace.reserve(5000).delayMs).toBe(25_500)
  })

  test('what was set aside and not used is given back', () => {
    const pace = new RateLimiter(10)
    pace.commit(pace.reserve(0), 50)
    const second = pace.reserve(10_000)
    expect(second).toEqual({ delayMs: 0, units: 50 })
    pace.commit(second, 1)
    expect(pace.reserve(10_000)).toEqual({ delayMs: 0, units: 1 })
    expect(pace.reserve(10_000).delayMs).toBe(100)
  })

  test('capacity that nobody used for long is not saved up', () => {
    const pace = new RateLimiter(10)
    pace.reserve(0)
    const delays = Array.from({ length: 4 }, () => pace.reserve(3_600_000).delayMs)
    expect(delays).toEqual([0, 0, 100, 200])
  })

  test('without a limit nobody waits', () => {
    const pace = new RateLimiter(Infinity)
    for (let request = 0; request < 100; request++) {
      const reservation = pace.reserve(5000)
      expect(reservation.delayMs).toBe(0)
      pace.commit(reservation, 1000)
    }
  })

  test('on average requests use what is allowed and no more', () => {
    const used = fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), used, (unitsPerSecond, requests) => {
        const pace = new RateLimiter(unitsPerSecond)
        let nowMs = 0
        let units = 0
        for (const request of requests) {
          const reservation = pace.reserve(nowMs)
          nowMs += reservation.delayMs
          pace.commit(reservation, request)
          // What was used before this request is paid for by the time that has passed, and so much that lapses not.
          expect(units).toBeLessThanOrEqual(((nowMs + 100) / 1000) * unitsPerSecond + 200 + 1e-6)
          units += request
        }
      }),
    )
  })
})

describe('pauses', () => {
  test('there is none at first', () => {
    const pauses = new ThrottlingPauses(() => 1)
    expect(pauses.count).toBe(0)
    expect(pauses.remainingMs(-5)).toBe(0)
  })

  test('double from a second to a minute while requests are throttled', () => {
    const pauses = new ThrottlingPauses(() => 1)
    const lengths = Array.from({ length: 8 }, () => {
      pauses.throttled(pauses.count, 1000)
      return pauses.remainingMs(1000)
    })
    expect(lengths).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
    expect(pauses.count).toBe(8)
  })

  test('stay a minute however often requests are throttled', () => {
    const pauses = new ThrottlingPauses(() => 1)
    for (let round = 0; round < 5000; round++) pauses.throttled(pauses.count, 0)
    expect(pauses.remainingMs(0)).toBe(60_000)
  })

  test('have full jitter', () => {
    const jitter = [0, 0.25, 0.5]
    const pauses = new ThrottlingPauses(() => jitter.shift() ?? 1)
    const lengths = Array.from({ length: 3 }, () => {
      pauses.throttled(pauses.count, 0)
      return pauses.remainingMs(0)
    })
    expect(lengths).toEqual([0, 500, 2000])
  })

  test('end when their time is over', () => {
    const pauses = new ThrottlingPauses(() => 1)
    pauses.throttled(0, 5000)
    expect([5000, 5999, 6000, 9000].map(nowMs => pauses.remainingMs(nowMs))).toEqual([1000, 1, 0, 0])
  })

  test('are one for all requests that were under way together', () => {
    const pauses = new ThrottlingPauses(() => 1)
    const { count } = pauses
    for (let request = 0; request < 16; request++) pauses.throttled(count, request)
    expect(pauses.count).toBe(1)
    expect(pauses.remainingMs(0)).toBe(1000)
  })

  test('begin anew with a short one after a request that was sent after the last and succeeded', () => {
    const pauses = new ThrottlingPauses(() => 1)
    const before = pauses.count
    pauses.throttled(pauses.count, 0)
    pauses.throttled(pauses.count, 0)
    // This one says nothing about how the table is now.
    pauses.succeeded(before)
    pauses.throttled(pauses.count, 0)
    expect(pauses.remainingMs(0)).toBe(4000)
    pauses.succeeded(pauses.count)
    pauses.throttled(pauses.count, 0)
    expect(pauses.remainingMs(0)).toBe(1000)
  })
})
