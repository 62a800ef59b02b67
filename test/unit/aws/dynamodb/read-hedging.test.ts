import { describe, expect, test } from 'vitest'

import { type HedgingTerms, ReadHedging } from '../../../../src/aws/dynamodb/hedged-reads.ts'
import { Timeouts } from '../../../../src/aws/http/tick-queue.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { dynamoDBLatency, quantilesOf, seeded } from './latencies.ts'

const usual: HedgingTerms = { budget: 0.02, minDelayMs: 10, maxDelayMs: 200 }

/** Reads of which each takes as long as it says, one after the other. */
function hedgingAfter(
  latenciesMs: readonly number[],
  terms: Partial<HedgingTerms> = {},
): { hedging: ReadHedging; clock: ManualClock } {
  const clock = new ManualClock(1_000_000)
  const hedging = new ReadHedging(
    { ...usual, ...terms },
    { now: () => clock.now(), timeouts: new Timeouts() },
  )
  for (const latencyMs of latenciesMs) {
    hedging.began()
    const startedAtMs = clock.now()
    clock.advance(latencyMs)
    hedging.responded(startedAtMs)
  }
  clock.advance(1000)
  return { hedging, clock }
}

/** From 1 to 100 ms, each as often as any other. */
const even = Array.from({ length: 400 }, (_, index) => (index % 100) + 1)

describe('a read is slow', () => {
  test.each([
    [0.02, 98],
    [0.01, 99],
    [0.05, 95],
    [0.5, 95],
  ])('with a budget of %d from the percentile %d on', (budget, percentile) => {
    const { hedging } = hedgingAfter(even, { budget })
    const delayMs = hedging.began()
    expect(delayMs).toBeGreaterThanOrEqual(percentile)
    expect(delayMs).toBeLessThanOrEqual(percentile * 1.1)
  })

  test('after no less and no more than the limits', () => {
    expect(hedgingAfter(even.map(() => 1)).hedging.began()).toBe(10)
    expect(hedgingAfter(even.map(() => 900)).hedging.began()).toBe(200)
    expect(hedgingAfter(even.slice(0, 99)).hedging.began()).toBe(200)
  })

  test('by what the last minutes were like', () => {
    const { hedging, clock } = hedgingAfter(even.map(() => 150))
    expect(hedging.began()).toBeGreaterThanOrEqual(150)
    clock.advance(400_000)
    expect(hedging.began()).toBe(200)
    for (let count = 0; count < 200; count++) {
      const startedAtMs = clock.now()
      clock.advance(20)
      hedging.responded(startedAtMs)
    }
    expect(hedging.began()).toBeGreaterThanOrEqual(20)
    expect(hedging.began()).toBeLessThanOrEqual(22)
  })
})

describe('the budget', () => {
  test('is a share of the reads that a table cannot exceed, however slow it is', () => {
    const { hedging } = hedgingAfter([])
    for (let count = 0; count < 10_000; count++) {
      hedging.began()
      hedging.takeHedge()
    }
    const { reads, hedges } = hedging.report()
    expect(reads).toBe(10_000)
    expect(hedges).toBeGreaterThanOrEqual(199)
    expect(hedges).toBeLessThanOrEqual(200)
  })

  test('is saved for a slow moment, up to ten hedges', () => {
    const { hedging } = hedgingAfter(even.concat(even, even))
    const taken = Array.from({ length: 20 }, () => hedging.takeHedge())
    expect(taken.filter(Boolean)).toHaveLength(10)
    expect(taken.lastIndexOf(true)).toBe(9)
  })

  test('is empty at first', () => {
    const { hedging } = hedgingAfter([])
    hedging.began()
    expect(hedging.takeHedge()).toBe(false)
    expect(hedging.report()).toEqual({ reads: 1, hedges: 0, won: 0 })
  })
})

/** What 100,000 reads take, 1 ms apart. */
function simulate(terms: HedgingTerms): ReturnType<typeof quantilesOf> & { readonly extraPercent: number } {
  const clock = new ManualClock(1_000_000)
  const random = seeded(1)
  const hedging = new ReadHedging(terms, { now: () => clock.now(), timeouts: new Timeouts() })
  const taken = Array.from({ length: 100_000 }, () => {
    clock.advance(1)
    const delayMs = hedging.began()
    const latencyMs = dynamoDBLatency(random)
    const isHedged = latencyMs > delayMs && hedging.takeHedge()
    hedging.responded(clock.now() - latencyMs)
    return isHedged ? Math.min(latencyMs, delayMs + dynamoDBLatency(random)) : latencyMs
  })
  return {
    ...quantilesOf(taken),
    extraPercent: (hedging.report().hedges / taken.length) * 100,
  }
}

test('hedges cut the tail of a latency as DynamoDB has it, within the budget', () => {
  const plain = simulate({ budget: 0, minDelayMs: 10, maxDelayMs: 200 })
  const usually = simulate(usual)
  const more = simulate({ ...usual, budget: 0.05 })
  expect(plain.extraPercent).toBe(0)
  expect(usually.extraPercent).toBeGreaterThan(1)
  expect(usually.extraPercent).toBeLessThanOrEqual(2)
  expect(usually.p999).toBeLessThan(0.8 * plain.p999)
  expect(usually.p9999).toBeLessThan(0.4 * plain.p9999)
  expect(more.extraPercent).toBeLessThanOrEqual(5)
  expect(more.p999).toBeLessThan(usually.p999 * 1.05)
})
