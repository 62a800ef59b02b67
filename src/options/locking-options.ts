import { invalidOption } from '../errors.ts'
import {
  booleanOption,
  numberOption,
  objectOption,
  type OptionRow,
  type OptionRows,
} from '../internal/option.ts'

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
   * How long to wait for a lock that another request holds; after that the call fails with `SessionLockedError`.
   * Milliseconds, 0 to 600,000.
   *
   * @default 10000
   */
  readonly maxWaitMs?: number | undefined

  /**
   * First pause before asking again for a lock that another request holds; pauses double up to `maxRetryMs`, and half of
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

/**
 * The rows of {@link LockingOptions}. Their defaults give way to a setting that they would contradict: see
 * {@link lockingTerms}.
 *
 * @internal
 */
export const lockingRows: OptionRows<LockingOptions, keyof LockingOptions> = {
  leaseSeconds: { ...numberOption('seconds', 1, 900), default: 10 },
  maxHoldSeconds: { ...numberOption('seconds', 1, 86_400), default: 300 },
  maxWaitMs: { ...numberOption('milliseconds', 0, 600_000), default: 10_000 },
  minRetryMs: { ...numberOption('milliseconds', 1, 60_000), default: 50 },
  maxRetryMs: { ...numberOption('milliseconds', 1, 60_000), default: 1000 },
}

/**
 * The row of the option `locking`. The layouts without it never lock.
 *
 * @internal
 */
export const lockingRow: OptionRow<boolean | LockingOptions> = {
  ...objectOption<boolean | LockingOptions>(
    `true, false or an object of ${Object.entries(lockingRows).map(limits).join(', ')}`,
    lockingRows,
    booleanOption(),
  ),
  default: false,
  layouts: ['native', 'php'],
  elsewhere: false,
  conflict: (locking, { name, nameOf }) => {
    const contradiction = typeof locking === 'boolean' ? undefined : lockingContradiction(locking)
    return contradiction && `${nameOf(name)} ${contradiction}`
  },
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
  if (!isRenewed && call.maxHoldSeconds !== undefined) {
    throw invalidOption(
      'the option "maxHoldSeconds" has no effect with the option "renew" set to false: the lock ends with its lease; leave ' +
        'it out',
    )
  }
  const given: LockingOptions = { ...(typeof locking === 'object' && defined(locking)), ...defined(call) }
  const contradiction = lockingContradiction(given)
  if (contradiction === undefined) return lockingTerms(given)
  throw invalidOption(`the lock, as "locking" and this call have it, ${contradiction}`)
}

/**
 * The settings of a lock, with those that are not given as they are by default. A default gives way to a setting that it
 * would contradict: a lock that is held for 5 seconds at most has a lease of 5 seconds.
 */
function lockingTerms(given: LockingOptions): LockingTerms {
  const usual = (name: keyof LockingOptions): number => lockingRows[name].default
  const { maxWaitMs = usual('maxWaitMs') } = given
  const { leaseSeconds = Math.min(usual('leaseSeconds'), given.maxHoldSeconds ?? Infinity) } = given
  const { minRetryMs = Math.min(usual('minRetryMs'), given.maxRetryMs ?? Infinity) } = given
  const { maxHoldSeconds = Math.max(usual('maxHoldSeconds'), leaseSeconds) } = given
  const { maxRetryMs = Math.max(usual('maxRetryMs'), minRetryMs) } = given
  return { leaseSeconds, maxHoldSeconds, maxWaitMs, minRetryMs, maxRetryMs }
}

/** What in the settings of a lock contradicts itself, as a sentence that follows the name of the option. */
function lockingContradiction(given: LockingOptions): string | undefined {
  const { leaseSeconds, maxHoldSeconds, minRetryMs, maxRetryMs } = lockingTerms(given)
  if (leaseSeconds > maxHoldSeconds) {
    return `has a "leaseSeconds" (${leaseSeconds}) above "maxHoldSeconds" (${maxHoldSeconds}): the lock would last longer than it may be held`
  }
  if (minRetryMs > maxRetryMs) {
    return `has a "minRetryMs" (${minRetryMs}) above "maxRetryMs" (${maxRetryMs}): no pause could be that long`
  }
  return undefined
}

function limits([name, { range }]: [string, OptionRow]): string {
  return `${name} (${range?.join(' to ')})`
}

/** The settings that are not `undefined`, so that they can be laid over others. */
function defined(settings: LockingOptions): LockingOptions {
  return Object.fromEntries(Object.entries(settings).filter(([, setting]) => setting !== undefined))
}
