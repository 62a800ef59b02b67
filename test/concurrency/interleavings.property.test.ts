import { assert, asyncModelRun, asyncProperty, commands } from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'

import { engine } from '../support/engines.ts'
import { SessionTable } from '../support/session-table.ts'
import { everything, mostlyLocks, mostlyLosses } from './interleaving-steps.ts'
import { World } from './interleaving-world.ts'

const SHORT_RUNS = 25
const LONG_RUNS = 2000

/** `vitest run test/concurrency --mode long` is the long version; `CONCURRENCY_RUNS` says how many of each kind. */
const isLong = process.env['MODE'] === 'long'
const numRuns = Number(process.env['CONCURRENCY_RUNS'] ?? (isLong ? LONG_RUNS : SHORT_RUNS))
/** What a failure prints repeats it. The short version is always the same, the long one looks for what is new. */
const seed = Number(process.env['CONCURRENCY_SEED'] ?? (isLong ? Date.now() % 1_000_000 : 20_261_123))
const path = process.env['CONCURRENCY_PATH'] ?? ''
const replayPath = process.env['CONCURRENCY_REPLAY_PATH']

describe('any interleaving of what several requests do with one session', () => {
  let table: SessionTable

  beforeAll(async () => {
    table = await SessionTable.create(engine)
  })
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })
  afterAll(() => {
    process.stdout.write(`interleavings: ${engine.name}, 3 x ${numRuns} runs, CONCURRENCY_SEED=${seed}\n`)
  })

  test.each([
    ['of everything', everything],
    ['of locks that run out', mostlyLocks],
    ['of answers that are lost', mostlyLosses],
  ])(
    '%s loses no change (G2), revives nothing (G3, G4), locks for one at a time (G10) and knows its own writes (G11)',
    async (_name, steps) => {
      const plans = commands([...steps], {
        maxCommands: 150,
        size: 'max',
        ...(replayPath !== undefined && { replayPath }),
      })
      const property = asyncProperty(plans, async plan => {
        const world = await World.create(table)
        await asyncModelRun(() => ({ model: world, real: world }), plan)
        await world.finish()
        expect(world.report).toBe('')
      })
      // Small values and short plans are no more interesting than others here.
      await assert(property, { seed, numRuns, path, unbiased: true, endOnFailure: path !== '' })
    },
    numRuns * 1000 + 120_000,
  )
})
