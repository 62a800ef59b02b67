import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  retryDelayMs,
  retryHintMs,
  RetryQuota,
  type RetryDelayInput,
} from '../../../../src/aws/http/retry.ts'

/** The delay with the longest jitter. */
function longestDelayMs(input: Partial<RetryDelayInput>): number {
  return retryDelayMs({ retry: 0, kind: 'transient', baseDelayMs: 50, random: () => 1, ...input })
}

function delaysMs(count: number, input: Partial<RetryDelayInput>): number[] {
  return Array.from({ length: count }, (_, retry) => longestDelayMs({ ...input, retry }))
}

describe('retryDelayMs', () => {
  it('doubles from the base and stops at 20 seconds', () => {
    expect(delaysMs(11, { baseDelayMs: 50 })).toEqual([
      50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 20_000, 20_000,
    ])
  })

  it('starts at 25 ms for DynamoDB', () => {
    expect(delaysMs(4, { baseDelayMs: 25 })).toEqual([25, 50, 100, 200])
  })

  it('starts at one second after throttling, whatever the base', () => {
    for (const baseDelayMs of [25, 50]) {
      expect(delaysMs(7, { kind: 'throttling', baseDelayMs })).toEqual([
        1000, 2000, 4000, 8000, 16_000, 20_000, 20_000,
      ])
    }
  })

  it('stays at 20 seconds after very many retries', () => {
    expect(longestDelayMs({ retry: 5000 })).toBe(20_000)
  })

  it.each([
    [0, 0],
    [0.5, 50],
    [0.299, 29],
    [0.999_999, 99],
  ])('spreads over the whole range and rounds down: %d of 100 ms is %d ms', (jitter, delayMs) => {
    expect(longestDelayMs({ retry: 1, random: () => jitter })).toBe(delayMs)
  })

  it('applies the jitter behind the limit', () => {
    expect(longestDelayMs({ retry: 30, random: () => 0.5 })).toBe(10_000)
  })

  it.each([
    ['1500', 1500],
    ['0', 50],
    ['49', 50],
    ['51', 51],
    ['5050', 5050],
    ['5051', 5050],
    ['10000', 5050],
    ['invalid', 50],
    ['-100', 50],
    [undefined, 50],
  ])('waits after the hint %j for %d ms', (header, delayMs) => {
    expect(longestDelayMs({ hintMs: retryHintMs(header) })).toBe(delayMs)
  })

  it('lengthens a jittered delay by no more than 5 seconds', () => {
    expect(longestDelayMs({ hintMs: 60_000, random: () => 0 })).toBe(5000)
    expect(longestDelayMs({ hintMs: 10, random: () => 0 })).toBe(10)
  })

  it('is never negative, fractional, above the limit or, with a hint, shorter than without', () => {
    const input = fc.record({
      retry: fc.nat(100),
      kind: fc.constantFrom('transient' as const, 'throttling' as const),
      baseDelayMs: fc.constantFrom(25, 50),
    })
    const jitter = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(input, jitter, fc.nat(100_000), (given, share, hintMs) => {
        const delayMs = retryDelayMs({ ...given, random: () => share })
        const hintedMs = retryDelayMs({ ...given, hintMs, random: () => share })
        expect(Number.isInteger(delayMs)).toBe(true)
        expect(delayMs).toBeGreaterThanOrEqual(0)
        expect(delayMs).toBeLessThanOrEqual(20_000)
        expect(hintedMs).toBeGreaterThanOrEqual(delayMs)
        expect(hintedMs).toBeLessThanOrEqual(delayMs + 5000)
      }),
    )
  })
})

describe('retryHintMs', () => {
  it.each([
    ['0', 0],
    ['1500', 1500],
    ['007', 7],
    ['999999999', 999_999_999],
  ])('reads %j', (header, hintMs) => {
    expect(retryHintMs(header)).toBe(hintMs)
  })

  it.each([undefined, '', ' 1', '1 ', '-1', '+1', '1.5', '1e3', '0x10', '1000000000', '1, 2', 'soon'])(
    'has no use for %j',
    header => {
      expect(retryHintMs(header)).toBeUndefined()
    },
  )
})

/** A quota with exactly this many tokens; what can be paid is only a sum of 14s and 5s, less single refunds. */
function quotaOf(tokens: number): RetryQuota {
  const quota = new RetryQuota()
  while (quota.tokens - 14 >= tokens) quota.spend('transient')
  while (quota.tokens - 5 >= tokens) quota.spend('throttling')
  if (quota.tokens > tokens) quota.spend('throttling')
  while (quota.tokens < tokens) quota.succeeded(undefined)
  return quota
}

describe('RetryQuota', () => {
  it('starts with 500 tokens', () => {
    expect(new RetryQuota().tokens).toBe(500)
  })

  it('pays 14 for each retry of the three that follow errors 500 of DynamoDB', () => {
    const quota = new RetryQuota()
    const steps = delaysMs(3, { baseDelayMs: 25 }).map(delayMs => ({
      cost: quota.spend('transient'),
      delayMs,
      tokens: quota.tokens,
    }))
    expect(steps).toEqual([
      { cost: 14, delayMs: 25, tokens: 486 },
      { cost: 14, delayMs: 50, tokens: 472 },
      { cost: 14, delayMs: 100, tokens: 458 },
    ])
  })

  it('gets back what the last retry cost', () => {
    const throttled = new RetryQuota()
    const throttlingCost = throttled.spend('throttling')
    expect([throttlingCost, throttled.tokens]).toEqual([5, 495])
    throttled.succeeded(throttlingCost)
    expect(throttled.tokens).toBe(500)

    const transient = new RetryQuota()
    transient.spend('throttling')
    const lastCost = transient.spend('transient')
    expect(transient.tokens).toBe(481)
    transient.succeeded(lastCost)
    expect(transient.tokens).toBe(495)
  })

  it('gains one for a success without a retry', () => {
    const quota = quotaOf(486)
    quota.succeeded(undefined)
    expect(quota.tokens).toBe(487)
  })

  it('never holds more than 500', () => {
    const quota = new RetryQuota()
    quota.succeeded(undefined)
    expect(quota.tokens).toBe(500)
    const almostFull = quotaOf(490)
    almostFull.succeeded(14)
    expect(almostFull.tokens).toBe(500)
  })

  it.each([
    ['transient', 14],
    ['throttling', 5],
  ] as const)('pays for a %s retry with its last %d tokens and not with one less', (kind, cost) => {
    const enough = quotaOf(cost)
    expect(enough.spend(kind)).toBe(cost)
    expect(enough.tokens).toBe(0)
    const tooFew = quotaOf(cost - 1)
    expect(tooFew.spend(kind)).toBeUndefined()
    expect(tooFew.tokens).toBe(cost - 1)
  })

  it('stops paying after 35 retries without a success', () => {
    const quota = new RetryQuota()
    let retries = 0
    while (quota.spend('transient') !== undefined) retries++
    expect(retries).toBe(35)
    expect(quota.tokens).toBe(10)
    expect(quota.spend('throttling')).toBe(5)
  })
})
