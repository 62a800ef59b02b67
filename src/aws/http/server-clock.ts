import { isObject } from '../../internal/core-objects.ts'
import type { Clock } from '../../types.ts'

/**
 * Difference from which a clock counts as wrong: AWS refuses signatures that are more than 5 minutes off, and a
 * `Date` header is a moment old.
 */
const WRONG_FROM_MS = 240_000

/** Codes with which the services of AWS refuse a request for its time, among other reasons. */
const SKEW_RELATED_CODES: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'AuthFailure',
  'InvalidSignatureException',
  'RequestExpired',
  'RequestInTheFuture',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
])

/** A clock that is farther off tells another time on purpose: one that a test has set. Engines mind none, AWS 5 minutes. */
const OTHER_FROM_MS = 86_400_000

/** A `Date` header has whole seconds: the time that it was made at is up to this much later. */
const DATE_PRECISION_MS = 1000

/** How much two clocks that nobody sets move apart, at most: ten times what quartz does, and as much as NTP slews. */
const DRIFT = 0.0005

/** A clock that is set, or a machine that was suspended, changes the difference of its two clocks by more than this. */
const STEP_MS = 1000

/** Dates contradict each other by less than this because servers are busy, or several; by more after one has been set. */
const JITTER_MS = 10_000

/** The clock of the machine. */
export const systemClock: Clock = { now: () => Date.now() }

/** What the time is for all processes, as far as this one can tell. */
export interface ServerTime {
  /** The server's time is this, or later: what ends before it has ended. */
  readonly earliestMs: number
  /** The server's time is this, or earlier: what is to last for a while is counted from here. */
  readonly latestMs: number
  /** Whether responses have told; if not, both are the time of this machine, which may have any. */
  readonly isKnown: boolean
}

/** What responses have told: by how much the server's clock is ahead of the monotonic one, at least and at most. */
interface Sight {
  readonly leastMs: number
  readonly mostMs: number
  /** Of the last response, by the monotonic clock. */
  readonly atMs: number
  /** By how much the clock of the machine was ahead of the monotonic one then. */
  readonly machineMs: number
}

/**
 * A clock that can be put right by what the server says, when the machine's own is wrong.
 *
 * It is corrected only after the server has refused a request for its time; a `Date` header alone changes nothing, so
 * that the seconds by which it is always off do not blur the expiry of sessions. For what processes have to agree
 * about among themselves, such as the end of a lease, there is {@link serverNow}.
 */
export class ServerClock implements Clock {
  readonly #machine: Clock
  readonly #monotonicNow: () => number
  #offsetMs = 0
  readonly #refusals = new WeakSet()
  #sight: Sight | undefined
  #date: string | undefined
  #dateMs = Number.NaN

  /**
   * @param monotonicNow a clock that nobody sets.
   */
  constructor(machine: Clock, monotonicNow: () => number = () => performance.now()) {
    this.#machine = machine
    this.#monotonicNow = monotonicNow
  }

  now(): number {
    return this.#machine.now() + this.#offsetMs
  }

  /** How far the server's clock is ahead of the machine's; 0 unless that has turned out to be wrong. */
  get offsetMs(): number {
    return this.#offsetMs
  }

  /** Notes that a request was refused for its time, and that the clock has been put right since it was made. */
  markSkewed(error: Error): void {
    this.#refusals.add(error)
  }

  /**
   * Does what depends on the time, and does it again when that was refused for its time: what the request says about the
   * time was wrong, too, and must not be sent again as it was.
   */
  async retryAfterClockCorrection<Value>(action: () => Promise<Value>): Promise<Value> {
    try {
      return await action()
    } catch (error) {
      if (!isObject(error) || !this.#refusals.has(error)) throw error
      return action()
    }
  }

  /**
   * The server's time, as exactly as the `Date` of responses tells; the time of the machine where that agrees with it.
   *
   * It is counted by the monotonic clock, which nobody sets. When that and the machine's clock have moved apart, because one
   * was set or the machine was suspended, the time is unknown until the next response.
   */
  serverNow(): ServerTime {
    const ownMs = this.now()
    const sight = this.#sight
    if (sight === undefined) return { earliestMs: ownMs, latestMs: ownMs, isKnown: false }
    const nowMs = this.#monotonicNow()
    if (Math.abs(nowMs + sight.leastMs - ownMs) > OTHER_FROM_MS) return certainly(ownMs)
    const steppedMs = this.#steppedMs(sight, nowMs)
    if (steppedMs !== 0) {
      return { earliestMs: ownMs, latestMs: nowMs + sight.mostMs + Math.max(0, steppedMs), isKnown: false }
    }
    const aheadMs = ownMs - nowMs
    const agrees = aheadMs >= sight.leastMs && aheadMs <= sight.mostMs
    // A clock that had to be put right has the whole seconds of a date.
    if (agrees && this.#offsetMs === 0) return certainly(ownMs)
    const driftMs = (nowMs - sight.atMs) * DRIFT
    return {
      earliestMs: nowMs + sight.leastMs - driftMs,
      latestMs: nowMs + sight.mostMs + driftMs,
      isKnown: true,
    }
  }

  /**
   * Narrows down what the server's time is, from a response of any kind. A `Date` that a cache has kept (`Age`) says nothing.
   *
   * @param sentAtMs when the request was sent, by the monotonic clock.
   */
  observe(headers: ReadonlyMap<string, string>, sentAtMs: number): void {
    const date = headers.get('date')
    if (date === undefined || headers.has('age')) return
    // It takes time to read a date, and many responses have the same one.
    if (date !== this.#date) {
      this.#date = date
      this.#dateMs = Date.parse(date)
    }
    if (Number.isNaN(this.#dateMs)) return
    const atMs = this.#monotonicNow()
    const machineMs = this.#machine.now() - atMs
    const leastMs = this.#dateMs - atMs
    const mostMs = this.#dateMs + DATE_PRECISION_MS - sentAtMs
    this.#sight = { ...this.#narrowed(leastMs, mostMs, atMs), atMs, machineMs }
  }

  /**
   * Takes the server's time over.
   *
   * @param headers of the answer that refused the request. A `Date` that a cache has kept (`Age`) says nothing.
   * @returns whether the clock was wrong and has been put right.
   */
  correct(headers: ReadonlyMap<string, string>): boolean {
    const serverMs = headers.has('age') ? Number.NaN : Date.parse(headers.get('date') ?? '')
    const skewMs = serverMs - this.now()
    const isWrong = Math.abs(skewMs) >= WRONG_FROM_MS
    if (isWrong) this.#offsetMs += skewMs
    return isWrong
  }

  #narrowed(leastMs: number, mostMs: number, atMs: number): Pick<Sight, 'leastMs' | 'mostMs'> {
    const sight = this.#sight
    if (sight === undefined || this.#steppedMs(sight, atMs) !== 0) return { leastMs, mostMs }
    const driftMs = (atMs - sight.atMs) * DRIFT
    const before = { leastMs: sight.leastMs - driftMs, mostMs: sight.mostMs + driftMs }
    const gapMs = Math.max(leastMs - before.mostMs, before.leastMs - mostMs)
    if (gapMs > JITTER_MS) return { leastMs, mostMs }
    // Of dates that contradict each other a little, either may be right.
    const [higher, lower] = gapMs > 0 ? [Math.min, Math.max] : [Math.max, Math.min]
    return { leastMs: higher(leastMs, before.leastMs), mostMs: lower(mostMs, before.mostMs) }
  }

  /** By how much the machine's clock was set since, or the machine suspended; 0 for what is only drift. */
  #steppedMs({ machineMs, atMs }: Sight, nowMs: number): number {
    const movedMs = this.#machine.now() - nowMs - machineMs
    return Math.abs(movedMs) > STEP_MS + (nowMs - atMs) * DRIFT ? movedMs : 0
  }
}

/** Whether AWS may have refused a request for its time. */
export function canBeClockSkew({ awsCode }: { readonly awsCode: string }): boolean {
  return SKEW_RELATED_CODES.has(awsCode)
}

function certainly(nowMs: number): ServerTime {
  return { earliestMs: nowMs, latestMs: nowMs, isKnown: true }
}
