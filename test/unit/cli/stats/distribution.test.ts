import { assert, array, double, property } from 'fast-check'
import { describe, expect, test } from 'vitest'

import { Distribution } from '../../../../src/cli/stats/bounded-counts.ts'

function distributionOf(values: readonly number[]): Distribution {
  const distribution = new Distribution()
  for (const value of values) distribution.add(value)
  return distribution
}

describe('Distribution', () => {
  test('has no summary without numbers', () => {
    expect(new Distribution().summary()).toBeUndefined()
  })

  test('is exact for small whole numbers', () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1)
    expect(distributionOf(values).summary()).toEqual({ min: 1, median: 50, p95: 95, max: 100 })
  })

  test('takes negative numbers for 0', () => {
    expect(distributionOf([-3, 5]).summary()).toEqual({ min: 0, median: 0, p95: 5, max: 5 })
  })

  test('is within 1 % and 1 for any numbers', () => {
    assert(
      property(array(double({ min: 0, max: 1e13, noNaN: true }), { minLength: 1, maxLength: 60 }), values => {
        const sorted = values.toSorted((left, right) => left - right)
        const summary = distributionOf(values).summary() ?? { min: -1, median: -1, p95: -1, max: -1 }
        expect(summary.min).toBe(sorted[0])
        expect(summary.max).toBe(sorted.at(-1))
        for (const [found, share] of [
          [summary.median, 0.5],
          [summary.p95, 0.95],
        ] as const) {
          const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? -1
          expect(found).toBeGreaterThanOrEqual(Math.floor(exact))
          expect(found).toBeLessThanOrEqual(exact * 1.01 + 1)
        }
      }),
    )
  })

  test('counts and adds up', () => {
    const distribution = distributionOf([1, 2, 1000])
    expect([distribution.count, distribution.sum]).toEqual([3, 1003])
  })
})
