import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type ExpiryOptions } from '../../../src/options/call-options.ts'
import { isPositive } from '../../../src/internal/option.ts'
import { expiryAt } from '../../../src/store/session-terms.ts'

const nowMs = Date.UTC(2026, 10, 23)
const clock = { now: () => nowMs, offsetMs: 0 }
const latestMs = 8.64e15

function unused(): never {
  throw new Error('the default is not asked for when the caller says')
}

/** Options as JavaScript callers may pass them. */
function asOptions(options: object): ExpiryOptions {
  return options
}

describe('expiryAt', () => {
  test.each<[ExpiryOptions, number]>([
    [{ ttlSeconds: 60 }, nowMs + 60_000],
    [{ ttlSeconds: 0.5 }, nowMs + 500],
    [{ ttlSeconds: 0.0001 }, nowMs],
    [{ ttlSeconds: 1.0006 }, nowMs + 1001],
    [{ ttlSeconds: 1e300 }, latestMs],
    [{ ttlSeconds: Number.MAX_VALUE }, latestMs],
    [{ expiresMs: nowMs + 1 }, nowMs + 1],
    [{ expiresMs: nowMs + 1.5 }, nowMs + 2],
    [{ expiresMs: nowMs }, nowMs],
    [{ expiresMs: nowMs - 1 }, nowMs],
    [{ expiresMs: 0 }, nowMs],
    [{ expiresMs: -1e300 }, nowMs],
    [{ expiresMs: 1e300 }, latestMs],
    [{ expiresMs: nowMs + 5, ttlSeconds: 60 }, nowMs + 5],
    [{ expiresMs: undefined, ttlSeconds: 60 }, nowMs + 60_000],
  ])('%j is %i', (wanted, expected) => {
    expect(expiryAt(clock, wanted, unused)).toBe(expected)
  })

  test.each<[ExpiryOptions]>([[{}], [{ ttlSeconds: undefined, expiresMs: undefined }]])(
    '%j is the default',
    wanted => {
      expect(expiryAt(clock, wanted, () => 30)).toBe(nowMs + 30_000)
    },
  )

  test.each([0, -1, Number.NaN, Infinity, -Infinity, '60', null, true, {}, [60], 60n])(
    'ttlSeconds cannot be %s',
    ttlSeconds => {
      expect(() => expiryAt(clock, asOptions({ ttlSeconds }), unused)).toThrow(
        expect.objectContaining({
          name: 'TypeError',
          code: 'INVALID_OPTION',
          message: 'ttlSeconds must be a positive number of seconds',
        }),
      )
    },
  )

  test.each([Number.NaN, Infinity, -Infinity, '60', null, new Date(), 60n])(
    'expiresMs cannot be %s',
    expiresMs => {
      expect(() => expiryAt(clock, asOptions({ expiresMs }), unused)).toThrow(
        expect.objectContaining({
          name: 'TypeError',
          code: 'INVALID_OPTION',
          message: 'expiresMs must be a time in epoch milliseconds',
        }),
      )
    },
  )

  test('takes a moment to be by the clock of the machine, and a lifetime to begin now', () => {
    const corrected = { now: () => nowMs, offsetMs: 86_400_000 }
    const machineMs = nowMs - corrected.offsetMs
    expect(expiryAt(corrected, { expiresMs: machineMs + 60_000 }, unused)).toBe(nowMs + 60_000)
    expect(expiryAt(corrected, { ttlSeconds: 60 }, unused)).toBe(nowMs + 60_000)
  })

  test('is an integer between now and the last moment of a Date, whatever is asked for', () => {
    const anyNumber = fc.double({ noNaN: true, noDefaultInfinity: true })
    const now = fc.oneof(fc.nat({ max: latestMs }), fc.double({ min: 0, max: 1e13, noNaN: true }))
    fc.assert(
      fc.property(now, anyNumber, fc.boolean(), (at, value, isMoment) => {
        fc.pre(isMoment || value > 0)
        const expiry = expiryAt(
          { now: () => at, offsetMs: 0 },
          isMoment ? { expiresMs: value } : { ttlSeconds: value },
          unused,
        )
        expect(Number.isInteger(expiry)).toBe(true)
        expect(expiry).toBeGreaterThanOrEqual(at)
        expect(expiry).toBeLessThanOrEqual(latestMs)
      }),
      { numRuns: 500 },
    )
  })
})

describe('isPositive', () => {
  test.each([1, 0.001, 86_400, Number.MAX_VALUE])('%s is one', value => {
    expect(isPositive(value)).toBe(true)
  })

  test.each([0, -0, -1, Number.NaN, Infinity, '1', null, undefined, {}, 1n])('%s is none', value => {
    expect(isPositive(value)).toBe(false)
  })
})
