import { beforeEach, describe, expect, test } from 'vitest'

import { ServerClock } from '../../../src/dynamodb/server-clock.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const start = Date.UTC(2026, 10, 23, 12)
let machine = new ManualClock(start)
let clock = new ServerClock(machine)

beforeEach(() => {
  machine = new ManualClock(start)
  clock = new ServerClock(machine)
})

/** An answer that took `tookMs` and that the server made at `serverMs`, half-way. */
function answer(serverMs: number, tookMs: number): void {
  const sentMs = clock.now()
  machine.advance(tookMs)
  clock.observe(new Date(serverMs).toUTCString(), sentMs)
}

describe('sharedNow', () => {
  test('is the time of the machine before any answer', () => {
    expect(clock.sharedNow()).toBe(start)
  })

  test.each([
    ['on time', 0],
    ['half a second ahead: a date has whole seconds', 500],
  ])('is the time of the machine when the server is %s', (_, aheadMs) => {
    answer(start + 5 + aheadMs, 10)
    expect(clock.sharedNow()).toBe(clock.now())
  })

  test('is later when the server is ahead, by what is certain', () => {
    answer(start + 8000, 10)
    expect(clock.sharedNow() - clock.now()).toBe(7990)
  })

  test('is earlier when the server is behind, by what is certain', () => {
    answer(start - 8000, 10)
    expect(clock.sharedNow() - clock.now()).toBe(-7000)
  })

  test('gets more exact with every answer', () => {
    for (let count = 0; count < 40; count++) {
      answer(machine.now() + 2500 + 1, 2)
      machine.advance(37)
    }
    expect(clock.sharedNow() - clock.now()).toBeGreaterThan(2400)
    expect(clock.sharedNow() - clock.now()).toBeLessThanOrEqual(2501)
  })

  test('starts over when a clock has been set', () => {
    answer(start + 8000, 10)
    machine.advance(60_000)
    answer(machine.now(), 10)
    expect(clock.sharedNow()).toBe(clock.now())
  })

  test('forgets what was seen minutes ago', () => {
    answer(start + 8000, 10)
    machine.advance(299_000)
    expect(clock.sharedNow() - clock.now()).toBe(7990)
    machine.advance(2000)
    expect(clock.sharedNow()).toBe(clock.now())
  })

  test('follows a clock that is as far off as AWS lets pass', () => {
    answer(start + 299_000, 10)
    expect(clock.sharedNow() - clock.now()).toBe(298_990)
  })

  test('leaves a clock alone that is farther off: a request that the server refuses for it corrects it', () => {
    answer(start + 400_000, 10)
    expect(clock.sharedNow()).toBe(clock.now())
  })

  test.each([undefined, '', 'yesterday'])('passes over the date %j', date => {
    clock.observe(date, clock.now())
    expect(clock.sharedNow()).toBe(start)
  })
})

describe('atRightTime', () => {
  const refusal = new Error('refused for its time')

  test('does again what was refused for its time', async () => {
    clock.noteRefusal(refusal)
    expect(await clock.atRightTime(failingAtFirst(refusal))).toBe('done again')
  })

  test('does nothing again that failed for something else, though the clock has been put right meanwhile', async () => {
    const other = new Error('it took too long')
    const failing = clock.atRightTime(async () => {
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
    expect(clock.sharedNow()).toBe(start + 600_000)
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
