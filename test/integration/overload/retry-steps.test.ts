import * as fc from 'fast-check'

import { RetryQuota, withRetries } from '../../../src/aws/http/retry.ts'
import { type AttemptOutcome, type CallCourse, modelCourse } from './retry-model.ts'
import { afterEach, describe, expect, it, vi } from 'vitest'

const fatal: AttemptOutcome = { result: 'fatal', hintMs: undefined, tookMs: 1 }

afterEach(() => {
  vi.unstubAllGlobals()
})

/** A clock that only the retry loop and the attempts move; pauses take no real time and are written down. */
class Time {
  nowMs = 5000
  delaysMs: number[] = []

  constructor() {
    const realSetTimeout = globalThis.setTimeout
    vi.stubGlobal('performance', { now: () => this.nowMs })
    vi.stubGlobal('setTimeout', (callback: () => void, delayMs: number) => {
      this.delaysMs.push(delayMs)
      this.nowMs += delayMs
      return realSetTimeout(callback, 0)
    })
  }
}

async function realCourse(
  time: Time,
  quota: RetryQuota,
  call: {
    readonly maxAttempts: number
    readonly deadlineMs: number
    readonly nextOutcome: () => AttemptOutcome
    readonly random: () => number
  },
): Promise<CallCourse> {
  let attempts = 0
  let ended: CallCourse['ended'] = 'success'
  time.delaysMs = []
  const attempt = async (): Promise<
    { value: number } | { error: Error; kind?: 'transient' | 'throttling'; hintMs?: number | undefined }
  > => {
    attempts++
    const { result, hintMs, tookMs } = call.nextOutcome()
    time.nowMs += tookMs
    if (result === 'success') return { value: 1 }
    const error = new Error(result)
    return result === 'fatal' ? { error } : { error, kind: result, hintMs }
  }
  try {
    await withRetries(attempt, {
      maxAttempts: call.maxAttempts,
      baseDelayMs: 25,
      deadlineAtMs: time.nowMs + call.deadlineMs,
      quota,
      random: call.random,
      signal: undefined,
      onDeadline: () => new Error('deadline'),
    })
  } catch (error) {
    ended = error instanceof Error && error.message === 'deadline' ? 'deadline' : 'failure'
  }
  return { attempts, delaysMs: time.delaysMs, ended, tokens: quota.tokens }
}

/** A function that returns the items in turn, and then the last one for good. */
function inTurn<Item>(items: readonly Item[], last: Item): () => Item {
  let next = 0
  return () => items[next++] ?? last
}

describe('retries, step by step', () => {
  it('are what the description of the standard retry mode says, call after call on one quota', async () => {
    const outcome: fc.Arbitrary<AttemptOutcome> = fc.record({
      result: fc.oneof(
        { weight: 2, arbitrary: fc.constant('success' as const) },
        { weight: 5, arbitrary: fc.constant('transient' as const) },
        { weight: 5, arbitrary: fc.constant('throttling' as const) },
        { weight: 1, arbitrary: fc.constant('fatal' as const) },
      ),
      hintMs: fc.option(fc.nat(12_000), { nil: undefined, freq: 4 }),
      tookMs: fc.nat(400),
    })
    const aCall = fc.record({
      outcomes: fc.array(outcome, { minLength: 1, maxLength: 8 }),
      jitter: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
        minLength: 8,
        maxLength: 8,
      }),
      maxAttempts: fc.integer({ min: 1, max: 7 }),
      deadlineMs: fc.constantFrom(500, 7000, 100_000),
    })
    const time = new Time()
    await fc.assert(
      fc.asyncProperty(fc.array(aCall, { minLength: 1, maxLength: 40 }), async calls => {
        const quota = new RetryQuota()
        for (const { outcomes, jitter, maxAttempts, deadlineMs } of calls) {
          const { tokens } = quota
          const course = (): Parameters<typeof realCourse>[2] => ({
            maxAttempts,
            deadlineMs,
            nextOutcome: inTurn(outcomes, fatal),
            random: inTurn(jitter, 0),
          })
          const expected = modelCourse({ ...course(), tokens })
          expect(await realCourse(time, quota, course())).toEqual(expected)
        }
      }),
      { numRuns: 60, seed: 20_261_201 },
    )
  })

  it('stop at the numbers of the description: 100 after throttling, 35 after anything else', async () => {
    for (const [result, retries, tokensLeft] of [
      ['throttling', 100, 0],
      ['transient', 35, 10],
    ] as const) {
      const time = new Time()
      const quota = new RetryQuota()
      const failing: AttemptOutcome = { result, hintMs: undefined, tookMs: 1 }
      const courses: CallCourse[] = []
      for (let call = 0; call < 60; call++) {
        courses.push(
          await realCourse(time, quota, {
            maxAttempts: 4,
            deadlineMs: 1_000_000,
            nextOutcome: () => failing,
            random: () => 0.5,
          }),
        )
      }
      const total = courses.reduce((sum, { delaysMs }) => sum + delaysMs.length, 0)
      expect([total, quota.tokens]).toEqual([retries, tokensLeft])
      expect(courses[0]?.delaysMs).toEqual(result === 'throttling' ? [500, 1000, 2000] : [12, 25, 50])
      expect(courses.at(-1)).toEqual({ attempts: 1, delaysMs: [], ended: 'failure', tokens: tokensLeft })
    }
  })
})
