import { hash } from 'node:crypto'

import type { Condition, LockProtocol } from '../layouts/layout.ts'
import type { Item } from '../types.ts'

interface Observation {
  readonly fingerprint: string
  readonly sinceMs: number
}

/** Sessions whose locks are watched at a time; the one that was observed first is forgotten for another. */
const MOST_WATCHED = 10_000

/**
 * Locks without an end that this process has met, so that one which a crashed request left behind is recognised: it does
 * not change for a long time. Calls that come one after the other watch together.
 */
export class StaleLockDetector {
  readonly #observations = new Map<string, Observation>()

  /**
   * Observes a locked item.
   *
   * @param nowMs instant of `performance.now()`.
   * @returns what has to hold to break the lock: that it still has not changed; `undefined` while it may be alive.
   */
  breakIfStale(key: string, item: Item, protocol: LockProtocol, nowMs: number): Condition | undefined {
    const { staleAfterMs } = protocol
    const unchanged = staleAfterMs === undefined ? undefined : protocol.takeOver?.(item)
    if (unchanged === undefined || staleAfterMs === undefined) {
      this.#observations.delete(key)
      return undefined
    }
    const fingerprint = hash('sha256', JSON.stringify(unchanged.values), 'base64url')
    const observed = this.#observations.get(key)
    if (observed?.fingerprint !== fingerprint) {
      this.#remember(key, { fingerprint, sinceMs: nowMs })
      return undefined
    }
    return nowMs - observed.sinceMs >= staleAfterMs ? unchanged : undefined
  }

  /** The lock of a session was free: one that is met later is another, however much it looks the same. */
  forget(key: string): void {
    this.#observations.delete(key)
  }

  #remember(key: string, observation: Observation): void {
    this.#observations.delete(key)
    this.#observations.set(key, observation)
    if (this.#observations.size <= MOST_WATCHED) return
    const [oldest] = this.#observations.keys()
    if (oldest !== undefined) this.#observations.delete(oldest)
  }
}
