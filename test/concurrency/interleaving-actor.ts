import { AsyncLocalStorage } from 'node:async_hooks'

import {
  DeadlineExceededError,
  DynamoDBSessionsError,
  LockLostError,
  SessionConflictError,
  SessionLockedError,
} from '../../src/errors.ts'
import type { SessionRecord } from '../../src/items/session-record.ts'
import type { SessionLock } from '../../src/locks/lease.ts'
import type { SessionStore } from '../../src/store/session-store.ts'
import type { Content } from './concurrency-subject.ts'
import type { GatedRequest, Sender } from './gate.ts'
import { type Knowledge, LEASE_SECONDS, TTL_SECONDS } from './interleaving-knowledge.ts'

/** What an actor can do. */
export type Call =
  | 'read'
  | 'write'
  | 'save unchanged'
  | 'touch'
  // With the record that was read last instead of its ID.
  | 'touch record'
  | 'destroy'
  | 'lock'
  | 'release'

/** Something that an actor has under way, and what was known when it began. */
interface Operation {
  readonly call: Call
  /** What each actor had been told of its own key. */
  readonly acknowledged: readonly number[]
  readonly wasDestroyed: boolean
  readonly hasExpired: boolean
  readonly firstSnapshot: number
  /** Whether an answer to it was lost. */
  isDisturbed: boolean
  /** Whether it writes the counter. */
  isCounted: boolean
  /** Whether another actor had, or wanted, the lock meanwhile. */
  meetsOthers: boolean
  /** The revisions that it has sent. What an earlier call wrote that failed is news to this one. */
  readonly revisions: Set<string>
  /** The lock owners that it has sent. */
  readonly owners: Set<string>
}

/** What an actor holds of the session. */
interface Basis {
  readonly record: SessionRecord<Content>
  /** Whether it was read under the lock. */
  readonly isLocked: boolean
  readonly snapshot: number
}

const current = new AsyncLocalStorage<Actor>()

/** Who makes the request that is being made. */
export function currentActor(): Actor | undefined {
  return current.getStore()
}

/** Uses the session, one call at a time, changes only its own key of it (and, under a lock, the counter), and checks what it is told. */
export class Actor implements Sender {
  /** The highest value of its key that it was told is stored, and that it tried to store. */
  acknowledged = 0
  attempted = 0
  readonly #known: Knowledge
  readonly #index: number
  /** All of them, this one too. */
  readonly #actors: readonly Actor[]
  readonly #store: SessionStore<Content>
  #operation: Operation | undefined
  #basis: Basis | undefined
  #lock: SessionLock<Content> | undefined
  #lockOwner: string | undefined
  /** Whether a call that gives the lock back failed, so that nobody knows whether it has. */
  #mayBeUnlocked = false

  constructor(known: Knowledge, actors: readonly Actor[], store: SessionStore<Content>) {
    this.#known = known
    this.#index = actors.length
    this.#actors = actors
    this.#store = store
  }

  get name(): string {
    return String(this.#index)
  }

  get isBusy(): boolean {
    return this.#operation !== undefined
  }

  /** Whether it has a lock whose lease has not ended, and does nothing that gives it back. */
  get holdsLock(): boolean {
    if (
      this.#lock?.isHeld !== true ||
      this.#mayBeUnlocked ||
      (this.isBusy && this.#operation?.call !== 'read')
    )
      return false
    const leases = this.#known.snapshots.filter(({ lockOwner }) => lockOwner === this.#lockOwner)
    return leases.some(({ lockedUntilMs }) => lockedUntilMs > Date.now())
  }

  /** Whether a call makes sense now. */
  can(call: Call): boolean {
    if (this.isBusy) return false
    if (call === 'release') return this.#lock !== undefined
    if (call === 'lock') return this.#lock === undefined
    return call === 'read' || call === 'destroy' || call === 'touch' || this.#basis !== undefined
  }

  /** Begins a call. */
  begin(call: Call): void {
    const known = this.#known
    const now = Date.now()
    const operation: Operation = {
      call,
      acknowledged: this.#actors.map(({ acknowledged }) => acknowledged),
      wasDestroyed: known.destroyAcknowledged,
      hasExpired: now >= known.latestExpiryMs,
      firstSnapshot: known.latest,
      isDisturbed: false,
      isCounted: false,
      meetsOthers: false,
      revisions: new Set(),
      owners: new Set(),
    }
    this.#operation = operation
    for (const actor of this.#actors) if (actor !== this) actor.#meets(this)
    const work = current.run(this, () => this.#perform(call, operation))
    work
      .catch((error: unknown) => this.#failed(operation, error))
      .finally(() => {
        this.#operation = undefined
      })
  }

  /** Hears of a request that is made for it. */
  sent({ operation, input }: GatedRequest): void {
    if (operation !== 'UpdateItem') return
    const { revision, owner } = marksOf(input)
    if (revision !== undefined) this.#operation?.revisions.add(revision)
    if (owner !== undefined) this.#operation?.owners.add(owner)
  }

  /** An answer for it was lost. */
  disturbed(): void {
    if (this.#operation !== undefined) this.#operation.isDisturbed = true
  }

  /** Checks the keys of a session that somebody has read. */
  checkOwnKey(when: string, content: Content, least: number): void {
    const value = Number(content[`key${this.#index}`])
    if (value >= least && value <= this.attempted) return
    this.#known.violated(
      `G2: key${this.#index} is ${value} ${when}, and has to be ${least} to ${this.attempted}`,
    )
  }

  #meets(other: Actor): void {
    const wantsLock = other.#operation?.call === 'lock'
    if (this.#operation?.call === 'lock')
      this.#operation.meetsOthers ||= wantsLock || other.#lock !== undefined
    if (other.#operation !== undefined && (this.#lock !== undefined || this.#operation?.call === 'lock')) {
      other.#operation.meetsOthers = true
    }
  }

  async #perform(call: Call, operation: Operation): Promise<void> {
    const { id } = this.#known
    const store = this.#store
    const basis = this.#basis
    if (call === 'read') {
      this.#loaded(operation, await store.read(id))
    } else if (call === 'lock') {
      const lock = await store.lock(id, { leaseSeconds: LEASE_SECONDS, maxWaitMs: 8000 })
      if (lock !== undefined) this.#locked(lock)
      this.#loaded(operation, lock?.record)
    } else if (call === 'release') {
      await this.#lock?.release()
      this.#lock = undefined
    } else if (call === 'destroy') {
      this.#known.destroyStarted = true
      await store.destroy(id)
      this.#known.destroyAcknowledged = true
      this.#lock = undefined
    } else if (call === 'touch') {
      this.#extends()
      this.#checkPresence(operation, await store.touch(id))
    } else if (basis !== undefined) {
      await this.#performWith(basis, call, operation)
    }
  }

  async #performWith({ record, isLocked }: Basis, call: Call, operation: Operation): Promise<void> {
    const { id } = this.#known
    this.#extends()
    if (call === 'touch record') {
      this.#checkPresence(operation, await this.#store.touch(record))
      if (isLocked) this.#lock = undefined
      return
    }
    if (call === 'save unchanged') {
      const saved = await this.#store.write(id, record.data, { basis: record })
      if (isLocked) this.#lock = undefined
      this.#checkPresence(operation, saved !== undefined)
      if (saved !== undefined) this.#basis = { record: saved, isLocked: false, snapshot: this.#known.latest }
      return
    }
    const value = ++this.attempted
    const isCounted = isLocked && this.#lock !== undefined
    const n = Number(record.data['n']) + (isCounted ? 1 : 0)
    operation.isCounted = isCounted
    if (isCounted) this.#known.uncertainCounts++
    const saved = await this.#store.write(
      id,
      { ...record.data, n, [`key${this.#index}`]: value },
      { basis: record },
    )
    if (isLocked) this.#lock = undefined
    this.#checkPresence(operation, saved !== undefined)
    if (isCounted && (saved !== undefined || !operation.isDisturbed)) this.#known.uncertainCounts--
    if (saved === undefined) return
    this.acknowledged = value
    if (isCounted) this.#known.counted.push(n)
    this.checkOwnKey('in what its write returned', saved.data, value)
    this.#basis = { record: saved, isLocked: false, snapshot: this.#known.latest }
  }

  #locked(lock: SessionLock<Content>): void {
    for (const actor of this.#actors) {
      if (actor !== this && actor.holdsLock && !this.#known.hasDelayedRequests) {
        this.#known.violated(`G10: ${this.#index} got the lock that ${actor.#index} has`)
      }
    }
    this.#lock = lock
    this.#mayBeUnlocked = false
    this.#lockOwner = this.#known.snapshots.at(-1)?.lockOwner
  }

  #loaded(operation: Operation, record: SessionRecord<Content> | undefined): void {
    this.#checkPresence(operation, record !== undefined)
    if (record === undefined) return
    for (const actor of this.#actors) {
      const least = operation.acknowledged[actor.#index] ?? 0
      actor.checkOwnKey(`in a ${operation.call}`, record.data, least)
    }
    this.#basis = { record, isLocked: operation.call === 'lock', snapshot: this.#known.latest }
  }

  /** G3, G4 and G5: whether it may be that the session was there, or was not. */
  #checkPresence(operation: Operation, isPresent: boolean): void {
    const known = this.#known
    const { call, wasDestroyed, hasExpired } = operation
    if (isPresent && wasDestroyed) known.violated(`G3: ${call} found the session after it was destroyed`)
    if (isPresent && hasExpired) known.violated(`G4, G5: ${call} found the session after it had expired`)
    if (!isPresent && !known.destroyStarted && Date.now() < known.earliestExpiryMs) {
      known.violated(`${call} found no session`)
    }
  }

  #extends(): void {
    const known = this.#known
    if (Date.now() < known.latestExpiryMs) known.latestExpiryMs = Date.now() + TTL_SECONDS * 1000 + 60_000
  }

  #failed(operation: Operation, error: unknown): void {
    const { call, isDisturbed, isCounted, owners, meetsOthers, firstSnapshot } = operation
    const known = this.#known
    const basis = this.#basis
    const lockOwner = this.#lockOwner
    if (error instanceof LockLostError) {
      const lost = known.wasSeen(basis?.snapshot ?? 0, snapshot => snapshot.lockOwner !== lockOwner)
      if (!lost) known.violated(`G10: ${call} lost a lock that nobody has taken`)
      // The write may have happened when its answer was lost, and others have gone on from there.
      if (isCounted && !isDisturbed) known.uncertainCounts--
      this.#lock = undefined
      return
    }
    if (error instanceof SessionConflictError) {
      const revision = basis?.record.revision
      const isOthers = (mark: string | undefined): boolean =>
        mark !== undefined && mark !== revision && !operation.revisions.has(mark)
      if (!known.wasSeen(basis?.snapshot ?? 0, snapshot => isOthers(snapshot.revision))) {
        known.violated(`G11: ${call} met a conflict with nobody else's write`)
      }
      if (isCounted && !isDisturbed) known.uncertainCounts--
      return
    }
    if (error instanceof SessionLockedError) {
      const isOthers = (mark: string | undefined): boolean => mark !== undefined && !owners.has(mark)
      if (!meetsOthers && !known.wasSeen(firstSnapshot, snapshot => isOthers(snapshot.lockOwner))) {
        known.violated('G11: a lock was refused though nobody else had it')
      }
      return
    }
    this.#mayBeUnlocked = true
    if (error instanceof DeadlineExceededError) {
      // It was held up for longer than that, and may be carried out later.
      known.hasDelayedRequests = true
      return
    }
    if (!(error instanceof DynamoDBSessionsError) || !isDisturbed) {
      known.violated(`${call} failed with ${String(error)}`)
    }
  }
}

/** The revision and the lock owner that an UpdateItem request sets or asks for. */
function marksOf(input: Readonly<Record<string, unknown>>): {
  readonly revision: string | undefined
  readonly owner: string | undefined
} {
  const names = input['ExpressionAttributeNames'] as Readonly<Record<string, string>>
  const values = (input['ExpressionAttributeValues'] ?? {}) as Readonly<
    Record<string, { readonly S?: string }>
  >
  const setValue = (attribute: string): string | undefined => {
    const name = Object.keys(names).find(key => key.startsWith('#a') && names[key] === attribute)
    return name === undefined ? undefined : values[`:${name.slice(1)}`]?.S
  }
  return { revision: setValue('rev'), owner: setValue('lockOwner') }
}
