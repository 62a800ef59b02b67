import { beforeEach, describe, expect, test } from 'vitest'

import { ServerClock } from '../../../../src/aws/http/server-clock.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const start = Date.UTC(2026, 10, 23, 12)
const SECOND_MS = 1000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** The time of day at the server. */
let server = new ManualClock(start)
/** The time of day on this machine. */
let machine = new ManualClock(start)
/** What nobody sets. */
let monotonic = new ManualClock(0)
let clock = new ServerClock(machine)

beforeEach(() => {
  open(0)
})

function open(aheadMs: number): void {
  server = new ManualClock(start)
  machine = new ManualClock(start + aheadMs)
  monotonic = new ManualClock(5000)
  clock = new ServerClock(machine, () => monotonic.now())
}

function pass(ms: number): void {
  for (const each of [server, machine, monotonic]) each.advance(ms)
}

/** A request that takes `tookMs`; the server answers half-way. */
function answer(tookMs = 10, headers: Readonly<Record<string, string>> = {}): void {
  const sentAtMs = monotonic.now()
  pass(tookMs / 2)
  const date = new Date(server.now()).toUTCString()
  pass(tookMs / 2)
  clock.observe(new Map(Object.entries({ date, ...headers })), sentAtMs)
}

/** How exactly the server's time is known; `Infinity` when it is not, or is another. */
function exactnessMs(): number {
  const { earliestMs, latestMs, isKnown } = clock.serverNow()
  const isRight = isKnown && earliestMs <= server.now() && latestMs >= server.now()
  return isRight ? latestMs - earliestMs : Infinity
}

describe('serverNow', () => {
  test('is not known before any response', () => {
    expect(clock.serverNow()).toEqual({ earliestMs: start, latestMs: start, isKnown: false })
  })

  test.each([0, 7, 500, 993])('is exactly the time of a machine that is right, %i ms after a second', ms => {
    pass(ms)
    answer()
    expect(clock.serverNow()).toEqual({ earliestMs: server.now(), latestMs: server.now(), isKnown: true })
  })

  describe.each([1.5 * SECOND_MS, 8 * SECOND_MS, 4 * MINUTE_MS, 10 * MINUTE_MS, 5 * HOUR_MS])(
    'of a clock that is off by %i ms',
    offMs => {
      test.each([offMs, -offMs])('(%i) is within a second of the truth after one response', aheadMs => {
        open(aheadMs)
        pass(300)
        answer()
        expect(exactnessMs()).toBeLessThanOrEqual(SECOND_MS + 10)
      })

      test.each([offMs, -offMs])('(%i) gets more exact with every response', aheadMs => {
        open(aheadMs)
        for (let count = 0; count < 40; count++) {
          answer(2)
          pass(37)
        }
        expect(exactnessMs()).toBeLessThanOrEqual(100)
      })

      test.each([offMs, -offMs])('(%i) is remembered for hours, as far as clocks do not drift', aheadMs => {
        open(aheadMs)
        answer()
        pass(2 * HOUR_MS)
        expect(exactnessMs()).toBeLessThanOrEqual(10 * SECOND_MS)
      })

      test.each([offMs, -offMs])('(set by %i) is not known until the next response', steppedMs => {
        answer()
        machine.advance(steppedMs)
        expect(clock.serverNow().isKnown).toBe(false)
        // What is to last must last, whichever clock is right.
        expect(clock.serverNow().latestMs).toBeGreaterThanOrEqual(server.now())
        answer()
        expect(exactnessMs()).toBeLessThanOrEqual(SECOND_MS + 10)
      })

      test('while the machine was suspended is not known until the next response', () => {
        answer()
        server.advance(offMs)
        machine.advance(offMs)
        expect(clock.serverNow().isKnown).toBe(false)
        expect(clock.serverNow().latestMs).toBeGreaterThanOrEqual(server.now())
        answer()
        expect(clock.serverNow()).toEqual({
          earliestMs: server.now(),
          latestMs: server.now(),
          isKnown: true,
        })
      })
    },
  )

  test('of a busy process is known after five minutes as it was at first', () => {
    open(MINUTE_MS)
    for (let count = 0; count < 400; count++) {
      answer(2)
      pass(SECOND_MS - 3)
      expect(exactnessMs()).toBeLessThanOrEqual(SECOND_MS + 10)
    }
  })

  test('holds the truth when the clocks drift', () => {
    open(-8 * SECOND_MS)
    for (let count = 0; count < 100; count++) {
      answer(2)
      pass(10 * SECOND_MS)
      server.advance(4)
      expect(exactnessMs()).toBeLessThanOrEqual(SECOND_MS + 20)
    }
  })

  test('holds the truth when one server of several is late', () => {
    open(8 * SECOND_MS)
    answer()
    answer(10, { date: new Date(server.now() - 3 * SECOND_MS).toUTCString() })
    expect(exactnessMs()).toBeLessThanOrEqual(5 * SECOND_MS)
    for (let count = 0; count < 40; count++) {
      answer(2)
      pass(37)
    }
    expect(exactnessMs()).toBeLessThanOrEqual(100)
  })

  test('starts over when the clock of the server was set', () => {
    answer()
    server.advance(-MINUTE_MS)
    answer()
    expect(exactnessMs()).toBeLessThanOrEqual(SECOND_MS + 10)
  })

  test('is that of this clock when that is another one on purpose', () => {
    open(1000 * HOUR_MS)
    answer()
    expect(clock.serverNow()).toEqual({ earliestMs: machine.now(), latestMs: machine.now(), isKnown: true })
    machine.advance(5 * SECOND_MS)
    expect(clock.serverNow()).toEqual({ earliestMs: machine.now(), latestMs: machine.now(), isKnown: true })
  })

  test('is not told by a date that a cache has kept', () => {
    answer(10, { age: '1' })
    expect(clock.serverNow().isKnown).toBe(false)
  })

  test.each(['', 'yesterday'])('is not told by the date %j', date => {
    answer(10, { date })
    clock.observe(new Map(), monotonic.now())
    expect(clock.serverNow().isKnown).toBe(false)
  })
})

describe('retryAfterClockCorrection', () => {
  const refusal = new Error('refused for its time')

  test('does again what was refused for its time', async () => {
    clock.markSkewed(refusal)
    expect(await clock.retryAfterClockCorrection(failingAtFirst(refusal))).toBe('done again')
  })

  test('does nothing again that failed for something else, though the clock has been put right meanwhile', async () => {
    const other = new Error('it took too long')
    const failing = clock.retryAfterClockCorrection(async () => {
      clock.correct(new Map([['date', new Date(start + 600_000).toUTCString()]]))
      return failingAtFirst(other)()
    })
    await expect(failing).rejects.toBe(other)
  })
})

describe('correct', () => {
  test('takes the time of the server over when the clock is minutes off, and only then', () => {
    expect(clock.correct(new Map([['date', new Date(start + 200_000).toUTCString()]]))).toBe(false)
    expect(clock.correct(new Map([['date', new Date(start + 600_000).toUTCString()]]))).toBe(true)
    expect(clock.now()).toBe(start + 600_000)
  })

  test("leaves the server's time as exact as the date is", () => {
    open(-HOUR_MS)
    pass(300)
    answer()
    expect(clock.correct(new Map([['date', new Date(server.now()).toUTCString()]]))).toBe(true)
    expect(exactnessMs()).toBeLessThanOrEqual(SECOND_MS + 10)
  })

  test('does not believe what a cache has kept', () => {
    const headers = new Map([
      ['date', new Date(start + 600_000).toUTCString()],
      ['age', '1'],
    ])
    expect(clock.correct(headers)).toBe(false)
    expect(clock.correct(new Map())).toBe(false)
  })
})

function failingAtFirst(error: Error): () => Promise<string> {
  let calls = 0
  return async () => {
    if (++calls === 1) throw error
    return 'done again'
  }
}
