import type { OptionSpec } from './option-spec.ts'

/** How sessions are locked. */
export interface LockingOptions {
  /**
   * How long a lock lasts when its holder does not renew it: what others wait at most for a holder that crashed.
   * While its holder is alive it is renewed in the background. Seconds, 1 to 900.
   *
   * @default 10
   */
  readonly leaseSeconds?: number | undefined

  /**
   * How long a lock is renewed at most: what others wait at most for a holder that hangs. Seconds, 1 to 86,400.
   *
   * @default 300
   */
  readonly maxHoldSeconds?: number | undefined

  /**
   * How long to wait for a lock that somebody else has; after that the call fails with `SessionLockedError`.
   * Milliseconds, 0 to 600,000.
   *
   * @default 10000
   */
  readonly maxWaitMs?: number | undefined

  /**
   * First pause before asking again for a lock that somebody else has; pauses double up to `maxRetryMs`, and half of
   * each is random. Milliseconds, 1 to 60,000.
   *
   * @default 50
   */
  readonly minRetryMs?: number | undefined

  /**
   * Longest pause before asking again. Milliseconds, 1 to 60,000.
   *
   * @default 1000
   */
  readonly maxRetryMs?: number | undefined
}

/** {@link LockingOptions} with every setting decided. */
export type LockingTerms = { readonly [Name in keyof LockingOptions]-?: number }

/** What the options of {@link LockingOptions} are when nothing else says. */
export const DEFAULT_LOCKING: LockingTerms = {
  leaseSeconds: 10,
  maxHoldSeconds: 300,
  maxWaitMs: 10_000,
  minRetryMs: 50,
  maxRetryMs: 1000,
}

const LIMITS: Readonly<Record<keyof LockingOptions, readonly [least: number, most: number]>> = {
  leaseSeconds: [1, 900],
  maxHoldSeconds: [1, 86_400],
  maxWaitMs: [0, 600_000],
  minRetryMs: [1, 60_000],
  maxRetryMs: [1, 60_000],
}

/**
 * The specification of the option `locking`.
 *
 * @internal
 */
export const lockingSpec: OptionSpec<boolean | LockingOptions> = {
  takes:
    'true, false or an object of ' +
    Object.entries(LIMITS)
      .map(([name, [least, most]]) => `${name} (${least} to ${most})`)
      .join(', '),
  accepts: (value): value is boolean | LockingOptions => typeof value === 'boolean' || isLocking(value),
  fromText: text => (text === 'true' ? true : text === 'false' ? false : text),
}

/** Whether a value is a {@link LockingOptions}. */
export function isLocking(value: unknown): value is LockingOptions {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(([name, setting]) => {
    if (setting === undefined && Object.hasOwn(LIMITS, name)) return true
    if (!Object.hasOwn(LIMITS, name) || typeof setting !== 'number') return false
    const [least, most] = LIMITS[name as keyof LockingOptions]
    return setting >= least && setting <= most
  })
}
