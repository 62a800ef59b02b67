import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'

import { engines } from '../support/engines.ts'
import { SessionTable } from '../support/session-table.ts'
import type { Call } from './interleaving-actor.ts'
import { World } from './interleaving-world.ts'

/** Longer than a lease. */
const TOO_LATE_MS = 5100

describe.each(engines)('$name, an interleaving in which', engine => {
  let table: SessionTable
  let world: World

  beforeAll(async () => {
    table = await SessionTable.create(engine)
  })
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    world = await World.create(table)
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  test('a holder learns from a renewal that the lock is lost, and writes while the next one has it (G10)', async () => {
    await complete(0, 'lock')
    await world.advance(TOO_LATE_MS)
    await complete(2, 'lock')
    await world.answerAll(undefined)
    await complete(0, 'write')
    await complete(2, 'write')
    expect(await finished()).toBe('')
  })

  test('a holder has not heard of its lease for too long, and writes before the renewal is answered (G10)', async () => {
    await complete(0, 'lock')
    await world.advance(TOO_LATE_MS)
    await complete(2, 'lock')
    await complete(0, 'write')
    await complete(2, 'write')
    expect(await finished()).toBe('')
  })

  test('of two holders whose leases are both over, the first one writes before the second one (G10)', async () => {
    await complete(2, 'lock')
    await world.advance(TOO_LATE_MS)
    await complete(0, 'lock')
    await begin(0, 'write')
    await world.answerAll(undefined)
    await world.advance(TOO_LATE_MS)
    await complete(2, 'write')
    await world.answerAll(world.actors[0])
    expect(await finished()).toBe('')
  })

  test('the lock that somebody was given late is over already (G10)', async () => {
    await begin(0, 'lock')
    await world.advance(TOO_LATE_MS)
    await complete(2, 'lock')
    await world.answerAll(world.actors[0])
    await complete(2, 'write')
    expect(await finished()).toBe('')
  })

  test('the answer to a write is lost, and the write is given up for a conflict that there is not (G11)', async () => {
    await complete(3, 'read')
    await begin(3, 'write')
    await world.pass(0, 'drop')
    await world.advance(100)
    await world.answerAll(world.actors[3])
    expect(await finished()).toBe('')
  })

  test('a request that was given up arrives after the session was destroyed (G3)', async () => {
    await complete(0, 'read')
    await begin(0, 'write')
    await world.pass(0, 'delay')
    await complete(2, 'destroy')
    expect(await finished()).toBe('')
  })

  async function begin(index: number, call: Call): Promise<void> {
    const actor = world.actors[index]
    expect(actor?.can(call)).toBe(true)
    await world.start(`${index} ${call}`, () => actor?.begin(call))
  }

  async function complete(index: number, call: Call): Promise<void> {
    await begin(index, call)
    await world.answerAll(world.actors[index])
  }

  async function finished(): Promise<string> {
    await world.finish()
    return world.report
  }
})
