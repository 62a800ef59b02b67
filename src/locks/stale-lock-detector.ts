import { hash } from 'node:crypto'

import type { Condition, LockProtocol } from '../layouts/layout.ts'
import type { Item } from '../types.ts'

interface Sighting {
  readonly fingerprint: string
  readonly sinceMs: number
}

/** Sessions whose locks are watched at a time; the one that was seen first is forgotten for another. */
const MOST_WATCHED = 10_000

/**
 * Locks without an end that this process has met, so that one which a crashed request left behind is recognised: it does
 * not change for a long time. Calls that come one after the other watch together.
 */
export class StaleLocks {
  readonly #sightings = new Map<string, Sighting>()

  /**
   * Takes note of a locked item.
   *
   * @param nowMs instant of `performance.now()`.
   * @returns what has to hold to take the lock over: that it still has not changed; `undefined` while it may be alive.
   */
  takeOver(key: string, item: Item, protocol: LockProtocol, nowMs: number): Condition | undefined {
    const { staleAfterMs } = protocol
    const unchanged = staleAfterMs === undefined ? undefined : protocol.takeOver?.(item)
    if (unchanged === undefined || staleAfterMs === undefined) {
      this.#sightings.delete(key)
      return undefined
    }
    const fingerprint = hash('sha256', JSON.stringify(unchanged.values), 'base64url')
    const seen = this.#sightings.get(key)
    if (seen?.fingerprint !== fingerprint) {
      this.#remember(key, { fingerprint, sinceMs: nowMs })
      return undefined
    }
    return nowMs - seen.sinceMs >= staleAfterMs ? unchanged : undefined
  }

  /** The lock of a session was free: one that is met later is another, however much it looks the same. */
  forget(key: string): void {
    this.#sightings.delete(key)
  }

  #remember(key: string, sighting: Sighting): void {
    this.#sightings.delete(key)
    this.#sightings.set(key, sighting)
    if (this.#sightings.size <= MOST_WATCHED) return
    const [oldest] = this.#sightings.keys()
    if (oldest !== undefined) this.#sightings.delete(oldest)
  }
}
