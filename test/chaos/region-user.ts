import type { SessionRecord } from '../../src/items/session-record.ts'
import type { SessionStore } from '../../src/store/session-store.ts'
import type { FaultRig } from '../support/fault-rig/fault-rig.ts'
import { SeededRandom } from '../support/fault-rig/random.ts'
import type { GlobalTable } from '../support/global-table.ts'
import { isExpected } from './session-user.ts'
import type { TaggedTransport } from './tagged-transport.ts'

/** What every {@link RegionUser} of a run shares. */
export interface RegionSurroundings {
  readonly store: SessionStore
  readonly transport: TaggedTransport
  readonly rigs: readonly FaultRig[]
  readonly table: GlobalTable
  readonly seed: number
}

/** A session with a key for each write: what a reader sees tells which writes it has. */
interface History {
  readonly id: string
  /** Keys of writes that were acknowledged, and whether they had arrived in every Region at some time. */
  readonly acknowledged: Map<string, 'under way' | 'replicated'>
  /** Keys of writes of which nobody can say whether they happened. */
  readonly unknown: Set<string>
}

/** A session ends after so many writes, and the next one begins. */
const WRITES = 6

/**
 * The only user of one session at a time, one call after the other. Between Regions a write can be missing until it has arrived, and
 * is lost for good when the session is written meanwhile in the Region where it is missing. Once it has arrived, it has to be
 * there, and a session that was destroyed must not come back.
 */
export class RegionUser {
  readonly violations: string[] = []
  /** IDs of sessions whose end was acknowledged. */
  readonly destroyed: string[] = []
  readonly counts: { acknowledged: number; failed: number; excused: number } = {
    acknowledged: 0,
    failed: 0,
    excused: 0,
  }
  readonly #name: string
  readonly #surroundings: RegionSurroundings
  readonly #random: SeededRandom
  #call = 0
  #sessions = 0
  #writes = 0
  #history: History
  #basis: SessionRecord | undefined

  constructor(name: string, surroundings: RegionSurroundings) {
    this.#name = name
    this.#surroundings = surroundings
    this.#random = new SeededRandom(surroundings.seed, 'region user', name)
    this.#history = this.#next()
  }

  /** The session that it has now, with the keys that have to be there at the end. */
  get session(): { readonly id: string; readonly keys: readonly string[] } {
    const { id, acknowledged } = this.#history
    return { id, keys: [...acknowledged.keys()] }
  }

  /** Makes the next call. */
  async step(): Promise<void> {
    if (this.#writes >= WRITES) await this.#end()
    else if (this.#random.chance(0.4)) await this.read()
    else await this.#write()
  }

  /** Reads the session. @returns whether the read came to a result. */
  async read(): Promise<boolean> {
    const { id, acknowledged, unknown } = this.#history
    const due = [...acknowledged].filter(([, state]) => state === 'replicated').map(([key]) => key)
    const result = await this.#perform(id, 'read', async () => ({
      record: await this.#surroundings.store.read(id),
    }))
    if (result === undefined) return false
    const { record } = result
    const shown = new Set(Object.keys(record?.data ?? {}))
    for (const key of due) if (!shown.has(key)) this.violations.push(`${id}: ${key} had arrived, and is gone`)
    for (const key of acknowledged.keys()) {
      if (shown.has(key)) continue
      acknowledged.delete(key)
      unknown.add(key)
      this.counts.excused++
    }
    for (const key of shown) {
      if (acknowledged.has(key) || unknown.has(key)) continue
      this.violations.push(`${id}: shows ${key}, which it has never written`)
    }
    this.#basis = record
    return true
  }

  async #write(): Promise<void> {
    const { id, acknowledged, unknown } = this.#history
    const { store, table } = this.#surroundings
    const basis = this.#basis
    const key = `${id}/${++this.#writes}`
    unknown.add(key)
    const result = await this.#perform(id, 'write', async () => ({
      record:
        basis === undefined
          ? await store.write(id, { [key]: 1 })
          : await store.write(id, { ...basis.data, [key]: 1 }, { basis }),
    }))
    if (result?.record === undefined) return
    // Without a basis it has replaced whatever was there.
    if (basis === undefined) for (const other of acknowledged.keys()) this.#excuse(other)
    this.#basis = result.record
    unknown.delete(key)
    acknowledged.set(key, 'under way')
    table.replicated().then(
      () => {
        if (acknowledged.has(key)) acknowledged.set(key, 'replicated')
      },
      () => undefined,
    )
  }

  /** Signs out. A request that had loaded the session before saves it once the end of it is known everywhere. */
  async #end(): Promise<void> {
    const { id } = this.#history
    const { store, table } = this.#surroundings
    const basis = this.#basis
    const ended = await this.#perform(id, 'destroy', async () => {
      await store.destroy(id)
      return true
    })
    if (ended === true) {
      await table.replicated()
      const late = await this.#perform(id, 'late save', async () => ({
        record: basis && (await store.write(id, { ...basis.data, late: 1 }, { basis })),
      }))
      if (late?.record !== undefined) this.violations.push(`${id}: was brought back by a late save`)
      this.destroyed.push(id)
    }
    this.#history = this.#next()
  }

  #excuse(key: string): void {
    const { acknowledged, unknown } = this.#history
    acknowledged.delete(key)
    unknown.add(key)
    this.counts.excused++
  }

  #next(): History {
    this.#writes = 0
    this.#basis = undefined
    return { id: `${this.#name}-${++this.#sessions}`, acknowledged: new Map(), unknown: new Set() }
  }

  /** @returns nothing when it failed, and nobody can say whether it happened. */
  async #perform<Value>(id: string, name: string, call: () => Promise<Value>): Promise<Value | undefined> {
    const { transport, rigs } = this.#surroundings
    const number = ++this.#call
    transport.begin(id, number)
    try {
      const value = await call()
      this.counts.acknowledged++
      return value
    } catch (error) {
      this.counts.failed++
      if (!isExpected(error)) this.violations.push(`${id}: ${name} failed with ${String(error)}`)
      return undefined
    } finally {
      // What is late in one of the Regions is dropped from now on.
      await Promise.all(rigs.map(async rig => rig.settled(id, number)))
    }
  }
}
