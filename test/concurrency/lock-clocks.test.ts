import { describe, expect, test } from 'vitest'

import { SessionLockedError } from '../../src/errors.ts'
import type { SessionStore } from '../../src/store/session-store.ts'
import { engine } from '../support/engines.ts'
import { newId } from '../support/session-ids.ts'
import { numberText } from '../support/session-table.ts'
import { type Content, concurrencySubject } from './concurrency-subject.ts'

const LEASE_MS = 30_000
const terms = { leaseSeconds: LEASE_MS / 1000, maxWaitMs: 0, renew: false }
/** A date has whole seconds, and a machine is busy: times are compared to 10 s. `toBeCloseTo` takes digits after the point. */
const SECONDS = -4.3

const offsets = Object.entries({
  '20 s': 20_000,
  '4 min': 240_000,
  '10 min': 600_000,
  '5 h': 18_000_000,
}).flatMap(([name, ms]): [string, number][] => [
  [`${name} ahead`, ms],
  [`${name} behind`, -ms],
])

describe('a process whose clock is', () => {
  const subject = concurrencySubject(engine)

  function storeWithClock(clock: { offMs: number }): SessionStore<Content> {
    return subject.store({ clock: { now: () => Date.now() + clock.offMs } })
  }

  /** How long the lock of a session still lasts, by a clock that is right. */
  async function remainingMs(id: string): Promise<number> {
    return Number(numberText(await subject.table.item(id), 'lock')) - Date.now()
  }

  async function storedSession(): Promise<string> {
    const id = newId()
    await subject.store().write(id, {})
    return id
  }

  test.each(offsets)('%s does not take a live lock, with its first call (G10)', async (_, offMs) => {
    const id = await storedSession()
    const lock = await subject.store().lock(id, terms)
    expect(await refusedForMs(storeWithClock({ offMs }), id)).toBeCloseTo(LEASE_MS, SECONDS)
    await lock?.release()
  })

  test.each(offsets)('%s locks for as long as others, with its first call (G10)', async (_, offMs) => {
    const id = await storedSession()
    const lock = await storeWithClock({ offMs }).lock(id, terms)
    expect(await refusedForMs(subject.store(), id)).toBeCloseTo(LEASE_MS, SECONDS)
    expect(await remainingMs(id)).toBeCloseTo(LEASE_MS, SECONDS)
    await lock?.release()
  })

  test.each(offsets)(
    'set %s while it runs neither takes a live lock nor lets its own end (G10)',
    async (_, offMs) => {
      const [theirs, own] = [await storedSession(), await storedSession()]
      const clock = { offMs: 0 }
      const store = storeWithClock(clock)
      await store.read(own)
      const other = subject.store()
      const lock = await other.lock(theirs, terms)
      clock.offMs = offMs
      expect(await refusedForMs(store, theirs)).toBeCloseTo(LEASE_MS, SECONDS)
      clock.offMs = -offMs
      const mine = await store.lock(own, terms)
      expect(await refusedForMs(other, own)).toBeCloseTo(LEASE_MS, SECONDS)
      await Promise.all([lock?.release(), mine?.release()])
    },
  )

  test.each(offsets)('%s takes a lock whose lease has ended at once', async (_, offMs) => {
    const id = await storedSession()
    const ended = { lock: { N: String(Date.now() - 2000) }, lockOwner: { S: 'somebody' } }
    await subject.table.put({ ...(await subject.table.item(id)), ...ended })
    const lock = await storeWithClock({ offMs }).lock(id, terms)
    expect(lock?.isHeld).toBe(true)
    expect(await remainingMs(id)).toBeCloseTo(LEASE_MS, SECONDS)
    await lock?.release()
  })
})

/** For how long a lock is refused; `undefined` when it is not. */
async function refusedForMs(store: SessionStore<Content>, id: string): Promise<number | undefined> {
  const outcome: unknown = await store.lock(id, terms).catch((error: unknown) => error)
  return outcome instanceof SessionLockedError ? outcome.remainingMs : undefined
}
