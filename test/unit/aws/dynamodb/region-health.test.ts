import { describe, expect, test } from 'vitest'

import { RegionHealth } from '../../../../src/aws/dynamodb/region-health.ts'
import { SeededRandom } from '../../../support/fault-rig/random.ts'

const MIN_STAY_MS = 60_000

/** A breaker with a clock that the test sets. */
class Rig {
  nowMs = 1_000_000
  readonly events: string[] = []
  readonly health: RegionHealth

  constructor(random: () => number = () => 0, minStayMs = MIN_STAY_MS) {
    this.health = new RegionHealth({
      now: () => this.nowMs,
      random,
      minStayMs,
      onOpened: code => this.events.push(`opened by ${code}`),
      onClosed: () => this.events.push('closed'),
    })
  }

  /** An attempt that takes a while, and then fails. */
  fail(tookMs = 10, code = 'CONNECTION_LOST'): void {
    const startedAtMs = this.nowMs
    this.nowMs += tookMs
    this.health.failed(startedAtMs, code)
  }

  succeed(tookMs = 5): void {
    const startedAtMs = this.nowMs
    this.nowMs += tookMs
    this.health.succeeded(startedAtMs)
  }

  open(): void {
    while (this.health.state === 'closed') this.fail()
  }

  probe(isWell: boolean): boolean {
    if (!this.health.takeProbe()) return false
    if (isWell) this.succeed()
    else this.fail()
    this.health.endProbe()
    return true
  }
}

describe('a Region is left', () => {
  test('when three attempts in a row fail, each started after the one before had failed', () => {
    const rig = new Rig()
    rig.fail()
    rig.fail()
    expect(rig.health.state).toBe('closed')
    rig.fail(750, 'ATTEMPT_TIMEOUT')
    expect(rig.health.state).toBe('open')
    expect(rig.events).toEqual(['opened by ATTEMPT_TIMEOUT'])
    expect(rig.health.lastFailure).toEqual({ code: 'ATTEMPT_TIMEOUT', atMs: rig.nowMs })
  })

  test('not when hundreds of connections are cut at once', () => {
    const rig = new Rig()
    for (let count = 0; count < 600; count++) rig.succeed(1)
    const startedAtMs = rig.nowMs
    rig.nowMs += 20
    for (let count = 0; count < 500; count++) rig.health.failed(startedAtMs, 'CONNECTION_LOST')
    expect(rig.health.state).toBe('closed')
  })

  test('when half of at least twenty attempts fail within ten seconds', () => {
    const rig = new Rig()
    for (let count = 0; count < 9; count++) {
      rig.succeed()
      rig.fail()
    }
    expect(rig.health.state).toBe('closed')
    rig.succeed()
    rig.fail()
    expect(rig.health.state).toBe('open')
  })

  test('not when they fail over a longer time', () => {
    const rig = new Rig()
    for (let count = 0; count < 100; count++) {
      rig.succeed(600)
      rig.fail(600)
    }
    expect(rig.health.state).toBe('closed')
  })
})

describe('a Region that was left', () => {
  test('is left alone for the minimum stay, and up to twice as long by chance', () => {
    for (const random of [0, 0.5, 0.999]) {
      const rig = new Rig(() => random)
      rig.open()
      rig.nowMs += MIN_STAY_MS * (1 + random) - 1
      expect(rig.health.state).toBe('open')
      expect(rig.probe(true)).toBe(false)
      rig.nowMs += 1
      expect(rig.health.state).toBe('half-open')
    }
  })

  test('is returned to after five good probes, one at a time and half a second apart at least', () => {
    const rig = new Rig()
    rig.open()
    rig.nowMs += MIN_STAY_MS
    for (let good = 0; good < 5; good++) {
      expect(rig.health.state).toBe('half-open')
      expect(rig.health.takeProbe()).toBe(true)
      expect(rig.health.takeProbe()).toBe(false)
      rig.succeed()
      rig.health.endProbe()
      expect(rig.health.takeProbe()).toBe(false)
      rig.nowMs += 500
    }
    expect(rig.health.state).toBe('closed')
    expect(rig.events).toEqual(['opened by CONNECTION_LOST', 'closed'])
    rig.fail()
    rig.fail()
    expect(rig.health.state).toBe('closed')
  })

  test('is left alone again after a bad one, and what was good before does not count', () => {
    const rig = new Rig()
    rig.open()
    rig.nowMs += MIN_STAY_MS
    for (let good = 0; good < 4; good++) {
      rig.probe(true)
      rig.nowMs += 500
    }
    expect(rig.probe(false)).toBe(true)
    expect(rig.health.state).toBe('open')
    rig.nowMs += MIN_STAY_MS
    rig.probe(true)
    expect(rig.health.state).toBe('half-open')
    expect(rig.events).toHaveLength(1)
  })

  test('is not judged by what was sent before it was to be tried again', () => {
    const rig = new Rig()
    const startedAtMs = rig.nowMs
    rig.open()
    rig.nowMs += MIN_STAY_MS
    for (let count = 0; count < 10; count++) rig.health.succeeded(startedAtMs)
    rig.health.failed(startedAtMs, 'ATTEMPT_TIMEOUT')
    expect(rig.health.state).toBe('half-open')
  })
})

test('a Region without another one is never left alone, and well again when requests succeed', () => {
  const rig = new Rig(() => 0.5, 0)
  rig.open()
  expect(rig.health.state).toBe('half-open')
  for (let count = 0; count < 5; count++) rig.succeed()
  expect(rig.health.state).toBe('closed')
})

/** Plays at random, and returns the rules that were broken. */
function brokenRules(seed: number): string[] {
  const generator = new SeededRandom(seed)
  const random = (): number => generator.next()
  const rig = new Rig(random)
  const broken: string[] = []
  let openedAtMs = -Infinity
  let goodInARow = 0
  let failed = 0
  const opened = (): void => {
    openedAtMs = rig.nowMs
    goodInARow = 0
  }
  for (let step = 0; step < 2000; step++) {
    rig.nowMs += random() < 0.02 ? random() * 2 * MIN_STAY_MS : random() * 400
    const before = rig.health.state
    const isWell = random() < (Math.floor(step / 200) % 2 === 0 ? 0.9 : 0.2)
    if (before === 'closed') {
      if (isWell) rig.succeed()
      else rig.fail()
      failed = isWell ? 0 : failed + 1
      if (rig.health.state !== 'closed') opened()
      if (rig.health.state === 'closed' && failed >= 3) broken.push('three failures in a row open it')
      if (rig.health.state !== 'closed' && isWell) broken.push('no success opens it')
      continue
    }
    if (!rig.probe(isWell)) continue
    if (before !== 'half-open') broken.push('nothing is sent to a Region that is left alone')
    if (rig.nowMs - openedAtMs < MIN_STAY_MS) broken.push('it is left alone for the minimum stay')
    goodInARow++
    const expected = isWell ? (goodInARow === 5 ? 'closed' : 'half-open') : 'open'
    if (rig.health.state !== expected) broken.push(`it is ${expected} after ${goodInARow} probes`)
    if (!isWell) opened()
    failed = 0
  }
  const transitions = rig.events.map(event => event.split(' ')[0])
  if (transitions.some((event, index) => event !== (index % 2 === 0 ? 'opened' : 'closed'))) {
    broken.push('it opens and closes by turns')
  }
  return broken
}

test('whatever happens, the rules hold', () => {
  const seeds = Array.from({ length: 50 }, (_, seed) => seed)
  expect(seeds.flatMap(brokenRules)).toEqual([])
})

describe('latencies', () => {
  test('are known to a tenth, for five minutes', () => {
    const rig = new Rig()
    expect(rig.health.latencies).toBeUndefined()
    for (let count = 1; count <= 1000; count++) rig.succeed(count <= 980 ? 4 : 100)
    const { p50 = 0, p95 = 0, p99 = 0 } = rig.health.latencies ?? {}
    for (const [percentile, value] of [
      [p50, 4],
      [p95, 4],
      [p99, 100],
    ] as const) {
      expect(percentile).toBeGreaterThanOrEqual(value)
      expect(percentile).toBeLessThan(value * 1.1)
    }
    rig.nowMs += 5 * 60_000
    expect(rig.health.latencies).toBeUndefined()
  })

  test('may be anything', () => {
    const rig = new Rig()
    rig.succeed(0)
    expect(rig.health.latencies).toEqual({ p50: 0.1, p95: 0.1, p99: 0.1 })
    rig.succeed(1e9)
    expect(rig.health.latencies?.p99).toBeGreaterThan(200_000)
  })
})
