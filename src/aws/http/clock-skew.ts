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

/** A clock that can be put right by what a server says. */
export interface CorrectableClock extends Clock {
  /**
   * Takes the server's time over.
   *
   * @param headers of the response that refused a request.
   * @returns whether the clock was wrong and has been put right.
   */
  correct(headers: ReadonlyMap<string, string>): boolean
}

/** Whether AWS may have refused a request for its time. */
export function canBeClockSkew({ awsCode }: { readonly awsCode: string }): boolean {
  return SKEW_RELATED_CODES.has(awsCode)
}

/**
 * How far the server's clock is ahead of `nowMs`, by the `Date` of a response; `undefined` where it does not say, or the
 * difference is none that AWS minds. A `Date` that a cache has kept (`Age`) says nothing.
 */
export function clockSkewMs(headers: ReadonlyMap<string, string>, nowMs: number): number | undefined {
  const serverMs = headers.has('age') ? Number.NaN : Date.parse(headers.get('date') ?? '')
  const skewMs = serverMs - nowMs
  return Math.abs(skewMs) >= WRONG_FROM_MS ? skewMs : undefined
}

/** A machine's clock that is put right once a server has refused a request for its time. */
export class CorrectedClock implements CorrectableClock {
  readonly #machine: Clock
  #offsetMs = 0

  constructor(machine: Clock) {
    this.#machine = machine
  }

  now(): number {
    return this.#machine.now() + this.#offsetMs
  }

  correct(headers: ReadonlyMap<string, string>): boolean {
    const skewMs = clockSkewMs(headers, this.now())
    this.#offsetMs += skewMs ?? 0
    return skewMs !== undefined
  }
}
