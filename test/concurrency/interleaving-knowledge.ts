import { newId } from '../support/session-ids.ts'

/** Lifetime that every write and touch gives. */
export const TTL_SECONDS = 3600
/** How long a lock lasts. */
export const LEASE_SECONDS = 5

/** The item of the session as it was at some moment. */
export interface Snapshot {
  readonly revision: string | undefined
  readonly lockOwner: string | undefined
  /** When the lease of the lock ends; 0 when there is none. */
  readonly lockedUntilMs: number
}

/** Everything that is known about the session, from what the actors were told and from the item. */
export class Knowledge {
  readonly id: string = newId()
  /** What must not happen and did. */
  readonly violations: string[] = []
  /** The item after each request that took effect. */
  readonly snapshots: Snapshot[] = []
  /** What was done, for the report of a failure. */
  readonly history: string[] = []
  /** Before this moment the session has not expired. */
  earliestExpiryMs = 0
  /** From this moment on the session has expired. */
  latestExpiryMs = 0
  destroyStarted = false
  destroyAcknowledged = false
  /** The values of the counter that writes under a lock were acknowledged with. */
  readonly counted: number[] = []
  /** Writes under a lock of which nobody knows whether they happened. */
  uncertainCounts = 0
  /** Whether a request was carried out after its caller had given it up. */
  hasDelayedRequests = false

  /** Number of the latest snapshot. */
  get latest(): number {
    return this.snapshots.length - 1
  }

  /** Whether the item was ever like that, from a snapshot on. */
  wasSeen(from: number, matches: (snapshot: Snapshot) => boolean): boolean {
    return this.snapshots.slice(Math.max(0, from)).some(matches)
  }

  /** Notes something that must not happen. */
  violated(what: string): void {
    this.history.push(`VIOLATION ${what}`)
    this.violations.push(what)
  }
}
