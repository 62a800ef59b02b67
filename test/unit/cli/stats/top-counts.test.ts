import { assert, array, integer, property } from 'fast-check'
import { describe, expect, test } from 'vitest'

import { TopCounts } from '../../../../src/cli/stats/bounded-counts.ts'

function countsOf(names: readonly string[], capacity?: number): TopCounts {
  const counts = new TopCounts(capacity)
  for (const name of names) counts.add(name)
  return counts
}

describe('TopCounts', () => {
  test('is exact as long as there is room', () => {
    const counts = countsOf(['ada', 'bob', 'ada', 'eve', 'ada', 'bob'])
    expect(counts.top(2)).toEqual([
      { name: 'ada', count: 3 },
      { name: 'bob', count: 2 },
    ])
    expect([counts.names, counts.error]).toEqual([3, 0])
  })

  test('keeps the frequent ones of many, and says how far it may be off', () => {
    const rare = Array.from({ length: 1000 }, (_, index) => `rare ${index}`)
    const counts = countsOf([...rare.flatMap(name => [name, 'ada']), ...rare.slice(0, 10)], 100)
    const [first] = counts.top(1)
    expect(first?.name).toBe('ada')
    expect(counts.names).toBeUndefined()
    expect((first?.count ?? 0) + counts.error).toBeGreaterThanOrEqual(1000)
    expect(first?.count).toBeLessThanOrEqual(1000)
    expect(counts.top(Infinity).length).toBeLessThanOrEqual(100)
  })

  test('is never too high, nor lower than it says, and misses no name that is more frequent', () => {
    assert(
      property(array(integer({ min: 0, max: 12 }), { maxLength: 200 }), numbers => {
        const counts = countsOf(numbers.map(String), 5)
        const found = new Map(counts.top(Infinity).map(({ name, count }) => [name, count]))
        for (let number = 0; number <= 12; number++) {
          const exact = numbers.filter(each => each === number).length
          const count = found.get(String(number)) ?? 0
          expect(count).toBeLessThanOrEqual(exact)
          expect(count + counts.error).toBeGreaterThanOrEqual(exact)
        }
        // What the error costs: each step takes it from half of the names at least.
        expect(counts.error * 3).toBeLessThanOrEqual(numbers.length)
      }),
    )
  })
})
