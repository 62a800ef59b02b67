import { invalidArgument } from '../errors.ts'
import type { OptionSpec } from './option.ts'

/** How sessions are locked. */
export interface LockingOptions {
  /**
   * How long a lock lasts when its holder does not renew it: what others wait at most for a holder that crashed.
   * While its holder is alive it is renewed in the background. Seconds, 1 to 900.
   *
   * @default 10, or `maxHoldSeconds` when that is less
   */
  readonly leaseSeconds?: number | undefined

  /**
   * How long a lock is renewed at most: what others wait at most for a holder that hangs. Seconds, 1 to 86,400.
   *
   * @default 300, or `leaseSeconds` when that is more
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
   * @default 50, or `maxRetryMs` when that is less
   */
  readonly minRetryMs?: number | undefined

  /**
   * Longest pause before asking again. Milliseconds, 1 to 60,000.
   *
   * @default 1000, or `minRetryMs` when that is more
   */
  readonly maxRetryMs?: number | undefined
}

/** {@link LockingOptions} with every setting decided: see {@link lockingTerms}. */
export type LockingTerms = { readonly [Name in keyof LockingOptions]-?: number }

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
  contradiction: value => (typeof value === 'boolean' ? undefined : lockingContradiction(value)),
  fromText: text => (text === 'true' ? true : text === 'false' ? false : text),
}

/**
 * How one call of `lock` locks: as the option `locking` of its store says, except for what the call says itself.
 *
 * @param isRenewed whether the lock is renewed for as long as it is held.
 * @throws {TypeError} `INVALID_OPTION` for settings that contradict each other.
 */
export function lockTerms(
  locking: boolean | LockingOptions | undefined,
  call: LockingOptions,
  isRenewed: boolean,
): LockingTerms {
  if (typeof isRenewed !== 'boolean') {
    throw invalidArgument('INVALID_OPTION', 'the option "renew" takes true or false')
  }
  if (!isLocking(call)) {
    throw invalidArgument(
      'INVALID_OPTION',
      `a setting of the lock has a wrong value; the option "locking" takes ${lockingSpec.takes}`,
    )
  }
  if (!isRenewed && call.maxHoldSeconds !== undefined) {
    throw invalidArgument(
      'INVALID_OPTION',
      'the option "maxHoldSeconds" has no effect with the option "renew" set to false: the lock ends with its lease; leave ' +
        'it out',
    )
  }
  const given: LockingOptions = { ...(typeof locking === 'object' && defined(locking)), ...defined(call) }
  const contradiction = lockingContradiction(given)
  if (contradiction === undefined) return lockingTerms(given)
  throw invalidArgument('INVALID_OPTION', `the lock, as "locking" and this call have it, ${contradiction}`)
}

/**
 * The settings of a lock, with those that are not given as they are by default. A default gives way to a setting that it
 * would contradict: a lock that is held for 5 seconds at most has a lease of 5 seconds.
 */
export function lockingTerms(given: LockingOptions): LockingTerms {
  const { leaseSeconds = Math.min(10, given.maxHoldSeconds ?? Infinity), maxWaitMs = 10_000 } = given
  const { minRetryMs = Math.min(50, given.maxRetryMs ?? Infinity) } = given
  const { maxHoldSeconds = Math.max(300, leaseSeconds), maxRetryMs = Math.max(1000, minRetryMs) } = given
  return { leaseSeconds, maxHoldSeconds, maxWaitMs, minRetryMs, maxRetryMs }
}

/** What in the settings of a lock contradicts itself, as a sentence that follows the name of the option. */
export function lockingContradiction(given: LockingOptions): string | undefined {
  const { leaseSeconds, maxHoldSeconds, minRetryMs, maxRetryMs } = lockingTerms(given)
  if (leaseSeconds > maxHoldSeconds) {
    return `has a "leaseSeconds" (${leaseSeconds}) above "maxHoldSeconds" (${maxHoldSeconds}): the lock would last longer than it may be held`
  }
  if (minRetryMs > maxRetryMs) {
    return `has a "minRetryMs" (${minRetryMs}) above "maxRetryMs" (${maxRetryMs}): no pause could be that long`
  }
  return undefined
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

/** The settings that are not `undefined`, so that they can be laid over others. */
function defined(settings: LockingOptions): LockingOptions {
  return Object.fromEntries(Object.entries(settings).filter(([, setting]) => setting !== undefined))
}
