import { weakProperty } from '../../internal/weak-property.ts'
import type { SessionRecord } from '../../items/session-record.ts'
import type { SessionLock } from '../../locks/session-lock.ts'

/** What a session was loaded or last saved as. */
export interface Origin<Data extends object> {
  /** The ID under which. */
  readonly id: string
  readonly record: SessionRecord<Data>
  /** The lock it was loaded under. */
  readonly lock?: SessionLock<Data> | undefined
}

/** What is known of one session object, or of one request. */
interface Tracked<Data extends object, Known extends Origin<Data>> {
  /** The newest first; one for each ID. */
  origins: readonly Known[]
  predecessor?: SessionRecord<Data> | undefined
  isGone?: boolean
}

/** Stands for one load of a session. It holds nothing, and `JSON.stringify` leaves it out. */
class LoadMark {
  toJSON(): undefined {
    return undefined
  }
}

/**
 * Remembers what sessions were loaded or last saved as, so that a save can be one of these (G2, G3).
 *
 * The holder of that knowledge is the session object, which frameworks pass to their store again; or the request, where a
 * framework passes that. It needs no cleaning up: what is known is gone with the holder.
 */
export class SessionTracker<Data extends object, Known extends Origin<Data> = Origin<Data>> {
  readonly #tracked = weakProperty<Tracked<Data, Known>>()
  readonly #markName: string | symbol | undefined

  /**
   * @param markName name of a property by which shallow copies of a session object carry what that was loaded as, for frameworks
   *   that copy what they load.
   */
  constructor(markName?: string | symbol) {
    this.#markName = markName
  }

  /** What a session was loaded or last saved as, provided that it was under this ID. */
  originOf(holder: unknown, id: string): Known | undefined {
    const isIt = (origin: Known): boolean => origin.id === id
    return this.#of(holder)?.origins.find(isIt) ?? this.#of(this.#markOf(holder))?.origins.find(isIt)
  }

  /** What a session was loaded or last saved as, under whichever ID. */
  latestOf(holder: unknown): Known | undefined {
    return this.#of(holder)?.origins[0] ?? this.#of(this.#markOf(holder))?.origins[0]
  }

  /** Remembers what a session was loaded or saved as. */
  remember(holder: object, origin: Known): void {
    const tracked = this.#of(holder)
    if (tracked === undefined) this.#tracked.set(holder, { origins: [origin] })
    else tracked.origins = [origin, ...tracked.origins.filter(({ id }) => id !== origin.id)]
  }

  /** Remembers what a session was loaded as, for all shallow copies of the object too. */
  rememberCopies(loaded: object, origin: Known): void {
    const mark = new LoadMark()
    if (this.#markName !== undefined) Reflect.set(loaded, this.#markName, mark)
    this.remember(mark, origin)
  }

  /** Remembers that a session takes the place of another, under a new ID. */
  setPredecessor(holder: object, record: SessionRecord<Data> | undefined): void {
    this.#orNew(holder).predecessor = record
  }

  /** What a session takes the place of: what was set as that, or what it is a copy of. */
  predecessorOf(holder: unknown): SessionRecord<Data> | undefined {
    return this.#of(holder)?.predecessor ?? this.#of(this.#markOf(holder))?.origins[0]?.record
  }

  /** Remembers that a session has been destroyed, so that nothing may bring it back. */
  markGone(holder: object): void {
    this.#orNew(holder).isGone = true
  }

  /** Whether {@link markGone} was called. */
  isGone(holder: unknown): boolean {
    return this.#of(holder)?.isGone === true
  }

  #of(holder: unknown): Tracked<Data, Known> | undefined {
    return this.#tracked.of(holder)
  }

  #orNew(holder: object): Tracked<Data, Known> {
    const tracked = this.#of(holder) ?? { origins: [] }
    this.#tracked.set(holder, tracked)
    return tracked
  }

  #markOf(holder: unknown): unknown {
    const isMarked = this.#markName !== undefined && typeof holder === 'object' && holder !== null
    return isMarked ? Reflect.get(holder, this.#markName) : undefined
  }
}
