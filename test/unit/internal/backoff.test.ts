import { describe, expect, test } from 'vitest'

import { backoffMs } from '../../../src/internal/timers.ts'

const pauses = { baseMs: 10, capMs: 100 }
const longest = () => 1

describe('backoffMs', () => {
  test('doubles with each retry, up to the cap', () => {
    expect([0, 1, 2, 3, 4, 1000].map(retry => backoffMs(retry, pauses, longest))).toEqual([
      10, 20, 40, 80, 100, 100,
    ])
  })

  test('is random as a whole', () => {
    expect([0, 0.25, 0.5].map(random => backoffMs(1, pauses, () => random))).toEqual([0, 5, 10])
  })

  test('is random in part where only a share of it may be', () => {
    expect([0, 0.5].map(random => backoffMs(1, { ...pauses, jitter: 0.5 }, () => random))).toEqual([10, 15])
  })
})
