import { assert, array, integer, property } from 'fast-check'
import { describe, expect, test } from 'vitest'

import { Buckets, TimeHistogram } from '../../../../src/cli/stats/bounded-counts.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

function histogramOf(times: readonly number[], fromMs = 0, toMs = 1000 * DAY_MS): TimeHistogram {
  const histogram = new TimeHistogram(fromMs, toMs)
  for (const time of times) histogram.add(time)
  return histogram
}

describe('TimeHistogram', () => {
  test('has no bins without times', () => {
    expect(histogramOf([]).bins()).toEqual([])
  })

  test('counts by the minute, and has a bin for each, those without anything, too', () => {
    const histogram = histogramOf([60_000, 119_999, 180_000])
    expect(histogram.bins()).toEqual([
      { from: 60_000, to: 120_000, count: 2 },
      { from: 120_000, to: 180_000, count: 0 },
      { from: 180_000, to: 240_000, count: 1 },
    ])
  })

  test('joins bins when the times spread, and loses none', () => {
    const histogram = histogramOf([0, 59 * MINUTE_MS])
    expect(histogram.bins()).toHaveLength(60)
    histogram.add(HOUR_MS)
    expect(histogram.widthMs).toBe(5 * MINUTE_MS)
    expect(histogram.bins().map(({ count }) => count)).toEqual([1, ...Array<number>(10).fill(0), 1, 1])
    histogram.add(100 * DAY_MS)
    expect(histogram.widthMs).toBe(7 * DAY_MS)
    expect(histogram.bins().map(({ count }) => count)).toEqual([3, ...Array<number>(13).fill(0), 1])
  })

  test('counts what is beyond its limits apart', () => {
    const histogram = histogramOf([0, 999, 1000, 2000, 2001, 9000], 1000, 2000)
    expect([histogram.earlier, histogram.later]).toEqual([2, 2])
    expect(histogram.bins()).toEqual([{ from: 0, to: 60_000, count: 2 }])
  })

  test('is right and small, whatever the times', () => {
    assert(
      property(array(integer({ min: 0, max: 700 * DAY_MS }), { minLength: 1, maxLength: 50 }), times => {
        const bins = histogramOf(times).bins()
        expect(bins.length).toBeLessThanOrEqual(60)
        for (const { from, to, count } of bins)
          expect(count).toBe(times.filter(time => time >= from && time < to).length)
        expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(times.length)
      }),
    )
  })
})

test('Buckets count and add up between limits, which belong to what is below', () => {
  const buckets = new Buckets([1024, 2048])
  for (const value of [0, 1024, 1025, 2048, 2049, 9000]) buckets.add(value)
  buckets.add(1, 500)
  expect(buckets.bins()).toEqual([
    { from: 0, to: 1024, count: 3, sum: 1524 },
    { from: 1024, to: 2048, count: 2, sum: 3073 },
    { from: 2048, to: Infinity, count: 2, sum: 11_049 },
  ])
})
