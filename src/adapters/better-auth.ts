import { AsyncLocalStorage } from 'node:async_hooks'
import { isDeepStrictEqual } from 'node:util'

import type { TimedOptions } from '../aws/dynamodb/client-options.ts'
import { isObject, LATEST_MS } from '../internal/core-objects.ts'
import { writeConditionally } from '../items/conditional-write.ts'
import { mergeSessionData } from '../items/merge.ts'
import { KeyValues, type Replacement, type StoredValue } from '../key-values/key-value-store.ts'
import type { CallOptions } from '../options/call-options.ts'
import { type KeyValuesOptions, keyValuesRows } from '../options/key-value-options.ts'
import { readOptions } from '../internal/option.ts'
import type { SessionData } from '../types.ts'
import { processEnvironment } from '../internal/process-environment.ts'

/** Options of {@link dynamoDBSecondaryStorage}. */
export type DynamoDBSecondaryStorageOptions = KeyValuesOptions

/** What better-auth 1.7 wants as `secondaryStorage`, and {@link close}. */
export interface DynamoDBSecondaryStorage {
  /** Reads a value; `null` when there is none or it has expired. */
  readonly get: (key: string) => Promise<string | null>
  /**
   * Writes a value. `ttl` is in seconds; without it, and with 0 or less, the value does not expire.
   *
   * A session, or the list of a user's sessions, that the same request has read before is merged with what others have
   * written meanwhile; a session that has been deleted meanwhile is not written.
   */
  readonly set: (key: string, value: string, ttl?: number) => Promise<void>
  /** Deletes a value. */
  readonly delete: (key: string) => Promise<void>
  /**
   * Takes a value away: of parallel calls one at most gets it, and a call whose answer was lost gets it when the request is
   * sent again.
   */
  readonly getAndDelete: (key: string) => Promise<string | null>
  /**
   * Adds 1 to a counter and returns how far it has counted. `ttl` is in seconds and counts from the first increment; with 0 or
   * less, the counter does not expire. Each call counts exactly once.
   */
  readonly increment: (key: string, ttl: number) => Promise<number>
  /** Checks at start that values can be kept, as `SessionStore.ready` does. */
  readonly ready: (options?: CallOptions) => Promise<void>
  /** Lets calls under way finish and closes the connections. */
  readonly close: () => Promise<void>
}

/** A read of a key, and what came of it. */
interface RecentRead {
  readonly key: string
  /** What was read, or written since; absent when there was nothing. */
  value: StoredValue | undefined
  /** What the running code has seen of it: what it read or wrote itself, without what a merge brought in. */
  seen: string | undefined
  /** Whether {@link value} says something: not before the read has succeeded, nor after the key was deleted. */
  isKnown: boolean
}

/** How parallel changes of a value become one. */
interface Merger {
  /** Whether a value that has been deleted since it was read is written all the same. */
  readonly recreates: boolean
  /**
   * The changes of both sides together.
   *
   * @param basis what was read; `undefined` when there was nothing, and for the others likewise.
   * @param ours what is to be written.
   * @param theirs what somebody else has written meanwhile.
   * @returns what to write; `undefined` when nothing is left.
   */
  readonly merge: (
    basis: string | undefined,
    ours: string | undefined,
    theirs: string | undefined,
  ) => string | undefined
}

/** An entry of the list of a user's sessions. */
interface ActiveSession {
  readonly token: string
  readonly expiresAt: number
}

/** A write over what was last known of a value. */
interface Write {
  /** Absent when the value is to be deleted. */
  readonly text: string | undefined
  readonly over: StoredValue | undefined
  readonly expiresMs: number | undefined
}

const NAMESPACE = 'better-auth:'
const LIST_PREFIX = 'active-sessions-'
/** Of the running code. */
const MOST_READS = 16

/**
 * Secondary storage for better-auth in DynamoDB: sessions, verification values and rate limits.
 *
 * - `getAndDelete` and `increment` are atomic across all servers: each is one conditional update that decides. Neither gives a
 *   value out twice or counts twice when an answer is lost and the request is sent again.
 * - A session that was signed out is not brought back by another request that was just about to extend it, and parallel
 *   sign-ins of a user all stay in the list of the user's sessions: the storage remembers what the running code has
 *   read, as long as the runtime has `AsyncLocalStorage.enterWith` (Node, Bun and Deno do).
 * - A value is absent from the millisecond in which it expires; a failed read is an error and never "no session".
 * - Keys, session tokens among them, are stored as their SHA-256 (`hashKeys: false`: as they are). Values have the token in
 *   them: `encryption` hides those.
 *
 * @example
 * ```ts
 * import { betterAuth } from 'better-auth'
 * import { dynamoDBSecondaryStorage } from 'dynamodb-sessions/better-auth'
 *
 * export const auth = betterAuth({
 *   secondaryStorage: dynamoDBSecondaryStorage({ table: 'auth', region: 'eu-west-1' }),
 *   rateLimit: { enabled: true, storage: 'secondary-storage' },
 * })
 * ```
 *
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values. A missing table, region or credential shows at the
 *   first call.
 */
export function dynamoDBSecondaryStorage(
  options: DynamoDBSecondaryStorageOptions = {},
): DynamoDBSecondaryStorage {
  const settings = readOptions<KeyValuesOptions>(options, keyValuesRows, processEnvironment())
  return new SecondaryStorage(new KeyValues(settings, { namespace: NAMESPACE, hashKeys: true }))
}

/** better-auth takes methods out of the object and calls them as functions. */
class SecondaryStorage implements DynamoDBSecondaryStorage {
  readonly #values: KeyValues
  readonly #reads = new RecentReads()

  constructor(values: KeyValues) {
    this.#values = values
  }

  readonly get: DynamoDBSecondaryStorage['get'] = key => this.#read(this.#reads.begin(key))

  readonly set: DynamoDBSecondaryStorage['set'] = (key, text, ttl) =>
    this.#values.retryAfterClockCorrection(() => this.#set(key, text, ttl))

  readonly delete: DynamoDBSecondaryStorage['delete'] = key =>
    this.#values.retryAfterClockCorrection(() => this.#delete(key))

  readonly getAndDelete: DynamoDBSecondaryStorage['getAndDelete'] = async key =>
    (await this.#values.getAndDelete(key)) ?? null

  readonly increment: DynamoDBSecondaryStorage['increment'] = (key, ttl) =>
    this.#values.increment(key, ttl > 0 ? ttl * 1000 : undefined)

  readonly ready: DynamoDBSecondaryStorage['ready'] = options => this.#values.ready(options)

  readonly close: DynamoDBSecondaryStorage['close'] = () => this.#values.close()

  async #set(key: string, text: string, ttl: number | undefined): Promise<void> {
    const expiresMs = expiryOf(this.#values.now(), ttl)
    const read = this.#reads.last(key)
    const merger = read && mergerOf(key, text)
    if (read === undefined || merger === undefined || (read.value === undefined && !merger.recreates)) {
      await this.#values.write(key, text, { expiresMs })
      if (read !== undefined) read.isKnown = false
      return
    }
    await this.#merge(read, merger, text, expiresMs)
  }

  async #delete(key: string): Promise<void> {
    const read = this.#reads.last(key)
    const merger = mergerOf(key, undefined)
    if (read?.value !== undefined && merger !== undefined) {
      await this.#merge(read, merger, undefined, undefined)
      return
    }
    await this.#values.delete(key)
    if (read !== undefined) read.isKnown = false
  }

  async #read(read: RecentRead): Promise<string | null> {
    read.value = await this.#values.read(read.key)
    read.seen = read.value?.text
    read.isKnown = true
    return read.value?.text ?? null
  }

  /** Writes what was made from a read (`undefined`: nothing is left), merged with what others have written since. */
  async #merge(
    read: RecentRead,
    merger: Merger,
    ours: string | undefined,
    expiresMs: number | undefined,
  ): Promise<void> {
    const { value: basis, seen } = read
    // What an earlier write of the running code was merged with is merged in again before anything is sent.
    const text = seen === basis?.text ? ours : merger.merge(seen, ours, basis?.text)
    let write: Write = { text, over: basis, expiresMs }
    await writeConditionally<StoredValue | undefined, void>(
      {
        trouble: 'others kept on writing a value while it was saved; nothing was written',
        apply: async attempt => {
          const { applied, value: theirs } = await this.#writeOver(read.key, write, attempt)
          if (!applied) return { found: theirs }
          read.value = theirs
          read.seen = ours
          return { result: undefined }
        },
        resolve: theirs => {
          // What was read stays the basis: writing again in the same request must not bring it back either.
          if (theirs === undefined && !merger.recreates) return { result: undefined }
          write = {
            text: merger.merge(seen, ours, theirs?.text),
            over: theirs,
            expiresMs: mergedExpiry(ours === undefined ? theirs : { expiresMs }, theirs),
          }
          return undefined
        },
      },
      this.#values.timed({}),
    )
  }

  #writeOver(
    key: string,
    { text, over, expiresMs }: Write,
    timed: TimedOptions,
  ): Promise<Replacement> | Replacement {
    if (text !== undefined) return this.#values.replace(key, text, over, { expiresMs, ...timed })
    return over === undefined ? { applied: true, value: undefined } : this.#values.deleteIf(key, over, timed)
  }
}

/**
 * What the code that is running has read last, so that a write can tell what it was made from. It follows the course of
 * asynchronous calls: code that reads a key, waits, and then writes it finds its own read, and not that of another request.
 */
class RecentReads {
  readonly #reads = new AsyncLocalStorage<readonly RecentRead[]>()

  /**
   * Notes that a key is about to be read. It has to be called before anything is awaited: what is entered then is seen by the
   * code that waits for the read.
   */
  begin(key: string): RecentRead {
    const read: RecentRead = { key, value: undefined, seen: undefined, isKnown: false }
    const others = (this.#reads.getStore() ?? []).filter(other => other.key !== key)
    try {
      this.#reads.enterWith([read, ...others].slice(0, MOST_READS))
    } catch {
      // Not every runtime can do this. Without it, writes do not look at what is stored.
    }
    return read
  }

  /** The last read of a key by the code that is running; `undefined` when it has not read it. */
  last(key: string): RecentRead | undefined {
    const read = this.#reads.getStore()?.find(other => other.key === key)
    return read?.isKnown === true ? read : undefined
  }
}

/** How the values of a key are merged; `undefined` for keys whose writes do not look at what is stored. */
function mergerOf(key: string, text: string | undefined): Merger | undefined {
  if (key.startsWith(LIST_PREFIX)) return isMergeableList(text) ? listMerger : undefined
  return text !== undefined && isSessionOf(key, text) ? sessionMerger : undefined
}

/** A user's list loses no session that another request has added to it. */
const listMerger: Merger = {
  recreates: true,
  merge: (basis, ours, theirs) => {
    const before = new Set(listOf(basis)?.map(({ token }) => token))
    const merged = new Map(listOf(theirs)?.map(entry => [entry.token, entry]))
    const mine = new Map(listOf(ours)?.map(entry => [entry.token, entry]))
    for (const token of before) if (!mine.has(token)) merged.delete(token)
    for (const [token, entry] of mine) {
      // What the other side has removed stays removed.
      if (!before.has(token) || merged.has(token)) merged.set(token, entry)
    }
    const entries = [...merged.values()].toSorted((left, right) => left.expiresAt - right.expiresAt)
    return entries.length === 0 ? undefined : JSON.stringify(entries)
  },
}

/** A session that was deleted stays deleted, and parallel changes of different fields are both kept. */
const sessionMerger: Merger = {
  recreates: false,
  merge: (basis, ours, theirs) => {
    const [before, mine, other] = [objectOf(basis), objectOf(ours), objectOf(theirs)]
    if (before === undefined || mine === undefined || other === undefined) return ours
    const merged = mergeSessionData({ basis: before, ours: mine, theirs: other }, isDeepStrictEqual).data
    for (const part of ['session', 'user']) {
      const [partBefore, partMine, partOther] = [before, mine, other].map(value => recordOf(value[part]))
      if (partBefore === undefined || partMine === undefined || partOther === undefined) continue
      const divergence = { basis: partBefore, ours: partMine, theirs: partOther }
      merged[part] = mergeSessionData(divergence, isDeepStrictEqual).data
    }
    return JSON.stringify(merged)
  },
}

/** Whether a text is a session, as better-auth stores it under its token. */
function isSessionOf(key: string, text: string): boolean {
  return recordOf(objectOf(text)?.['session'])?.['token'] === key
}

function isMergeableList(text: string | undefined): boolean {
  return text === undefined || listOf(text) !== undefined
}

/** The entries of a list; `undefined` for what is no list of sessions. */
function listOf(text: string | undefined): readonly ActiveSession[] | undefined {
  const list = parsed(text)
  return Array.isArray(list) && list.every(isActiveSession) ? list : undefined
}

function isActiveSession(value: unknown): value is ActiveSession {
  const entry = recordOf(value)
  return typeof entry?.['token'] === 'string' && typeof entry['expiresAt'] === 'number'
}

function objectOf(text: string | undefined): SessionData | undefined {
  return recordOf(parsed(text))
}

function recordOf(value: unknown): SessionData | undefined {
  return isObject(value) && !Array.isArray(value) ? (value as SessionData) : undefined
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    return undefined
  }
}

type Expiring = Pick<StoredValue, 'expiresMs'>

/** The later of two expiries, of which an absent one is never. */
function mergedExpiry(ours: Expiring | undefined, theirs: Expiring | undefined): number | undefined {
  const [mine, other] = [ours ?? theirs, theirs ?? ours]
  if (mine?.expiresMs === undefined || other?.expiresMs === undefined) return undefined
  return Math.max(mine.expiresMs, other.expiresMs)
}

function expiryOf(nowMs: number, ttl: number | undefined): number | undefined {
  return ttl !== undefined && ttl > 0 ? Math.min(Math.round(nowMs + ttl * 1000), LATEST_MS) : undefined
}
