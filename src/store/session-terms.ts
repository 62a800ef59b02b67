import type { ServerClock } from '../aws/http/server-clock.ts'
import { invalidOption } from '../errors.ts'
import { LATEST_MS } from '../internal/core-objects.ts'
import type { ItemTable } from '../items/item-table.ts'
import { isUserId } from '../layouts/user-index.ts'
import { type DestroyByUserOptions, SessionRecord } from '../items/session-record.ts'
import type { ExpiryOptions } from '../options/call-options.ts'
import { isPositive } from '../internal/option.ts'
import { storeRows, type StoreOptions } from '../options/store-options.ts'

/** What the options of a store say about sessions by their data: how long they live, and whose they are. */
export class SessionTerms<Data extends object> {
  readonly #options: Pick<StoreOptions<Data>, 'ttlSeconds' | 'userId'>

  constructor(options: Pick<StoreOptions<Data>, 'ttlSeconds' | 'userId'>) {
    this.#options = options
  }

  /** The expiry that a write or touch is to give a session; never past its absolute timeout. */
  expiryOf(
    table: ItemTable,
    wanted: ExpiryOptions,
    data: Data | undefined,
    createdMs: number | undefined,
  ): number {
    const expiresMs = expiryAt(table.clock, wanted, () => this.#defaultTtlSeconds(data))
    return Math.min(expiresMs, table.latestExpiryMs(createdMs))
  }

  /** Whose session some data make it; a store that does not know leaves that as it is. */
  userOf(data: Data, current: string | undefined): string | undefined {
    const { userId } = this.#options
    if (userId === undefined) return current
    const user: unknown = userId(data) ?? ''
    if (user === '') return undefined
    if (isUserId(user)) return user
    throw invalidOption(
      'the function "userId" must return a string of at most 2048 bytes, or nothing; it returned something else',
    )
  }

  #defaultTtlSeconds(data: Data | undefined): number {
    const { ttlSeconds: given } = this.#options
    const ttlSeconds = typeof given === 'function' && data !== undefined ? given(data) : given
    return isPositive(ttlSeconds) ? ttlSeconds : storeRows.ttlSeconds.default
  }
}

/**
 * The expiry of a session that is written now: epoch milliseconds, an integer, never in the past. (DynamoDB's TTL passes
 * over moments that are more than five years ago, so that an item dated far back would stay for ever.)
 *
 * @param clock tells the right time; a moment that is asked for is taken to be by the machine's, however wrong.
 * @throws {TypeError} `INVALID_OPTION` when an option is not a number that makes sense.
 */
export function expiryAt(
  clock: Pick<ServerClock, 'now' | 'offsetMs'>,
  wanted: ExpiryOptions,
  defaultTtlSeconds: () => number,
): number {
  const nowMs = clock.now()
  const { expiresMs, ttlSeconds } = wanted
  if (expiresMs !== undefined) {
    if (!Number.isFinite(expiresMs)) {
      throw invalidOption('expiresMs must be a time in epoch milliseconds')
    }
    return withinRange(expiresMs + clock.offsetMs, nowMs)
  }
  if (ttlSeconds !== undefined && !isPositive(ttlSeconds)) {
    throw invalidOption('ttlSeconds must be a positive number of seconds')
  }
  return withinRange(nowMs + (ttlSeconds ?? defaultTtlSeconds()) * 1000, nowMs)
}

function withinRange(expiresMs: number, nowMs: number): number {
  return Math.min(LATEST_MS, Math.max(Math.ceil(nowMs), Math.round(expiresMs)))
}

/** When a session begins that is created now: epoch milliseconds, to the second. */
export function wholeSecond(clock: Pick<ServerClock, 'now'>): number {
  return Math.floor(clock.now() / 1000) * 1000
}

/** The sessions that the option `except` names. */
export function listed<Data extends object>(
  targets: DestroyByUserOptions<Data>['except'],
): readonly (string | SessionRecord<Data>)[] {
  if (targets === undefined) return []
  const all = typeof targets === 'string' || targets instanceof SessionRecord ? [targets] : targets
  const isList: boolean = Array.isArray(all)
  if (isList) return all
  throw invalidOption('the option "except" must be the ID or the record of a session, or an array of them')
}
