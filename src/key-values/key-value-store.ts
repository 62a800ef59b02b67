import type { SendOptions, TimedOptions } from '../aws/dynamodb/client-options.ts'
import type { DynamoDBClient } from '../aws/dynamodb/client.ts'
import { itemSizeBytes, MAX_ITEM_BYTES } from '../aws/dynamodb/item-size.ts'
import { DynamoDBSessionsError, SessionConflictError, SessionTooLargeError } from '../errors.ts'
import { allOf, type Condition } from '../layouts/layout.ts'
import { lateRequestGuard } from '../layouts/native.ts'
import type { Item } from '../types.ts'
import { openClient } from '../store/open-client.ts'
import { writeConditionally } from '../items/conditional-write.ts'
import { ItemTable, type Outcome } from '../items/item-table.ts'
import { vacantAt } from '../items/lifecycle.ts'
import { KeyValueCounters } from './counters.ts'
import { KeyValueLayout, type StoredValue } from './key-value-layout.ts'
import { type CallOptions, callRows } from '../options/call-options.ts'
import { validateCallOptions } from '../internal/option.ts'
import type { KeyValuesOptions } from '../options/key-value-options.ts'
import { isWriteOf, newMarker, revisionAfter } from '../items/session-record.ts'

export type { StoredValue } from './key-value-layout.ts'
import { processEnvironment } from '../internal/process-environment.ts'

/** What an adapter decides about its key-value storage. */
interface KeyValuesSetup {
  /** Comes after `prefix` in every partition key, and keeps the items of adapters and sessions apart. */
  readonly namespace: string
  readonly hashKeys: boolean
}

/** How a value is to be written. */
interface NewValueOptions extends SendOptions {
  /** Exact expiry, epoch milliseconds; absent for a value that does not expire. */
  readonly expiresMs: number | undefined
}

/** The outcome of a write that depends on what is stored. */
export interface Replacement {
  readonly applied: boolean
  /** What is stored now; absent when nothing is. */
  readonly value: StoredValue | undefined
}

/**
 * Values under keys in a DynamoDB table, for adapters whose framework wants no more than that.
 *
 * A value is absent from the millisecond in which it expires, a failed read is never an absent value, and every
 * call settles within `deadlineMs`. Writes replace whatever is there, but for {@link replace} and {@link deleteIf}; a copy
 * of a request that is carried out late leaves newer values alone, and counters count exactly.
 */
export class KeyValues {
  readonly #client: DynamoDBClient
  readonly #layout: KeyValueLayout
  readonly #hashKeys: boolean
  readonly #table: ItemTable
  readonly #counters: KeyValueCounters
  readonly #tableUnder: (base: string) => ItemTable

  /** @param settings options that have been checked against `keyValuesRows`. */
  constructor(settings: KeyValuesOptions, { namespace, hashKeys }: KeyValuesSetup) {
    const { table, prefix = '', consistentRead } = settings
    this.#hashKeys = settings.hashKeys ?? hashKeys
    this.#layout = new KeyValueLayout({ ...settings, prefix: prefix + namespace, hashKeys: this.#hashKeys })
    this.#client = openClient(settings, processEnvironment())
    this.#tableUnder = base => {
      return new ItemTable(this.#client, this.#layout.layoutUnder(base), { table, consistentRead })
    }
    this.#table = this.#tableUnder('')
    this.#counters = new KeyValueCounters(this.#table, this.#layout)
  }

  /** What the time is, epoch milliseconds. */
  now(): number {
    return this.#client.clock.now()
  }

  /** Lets everything that one call takes share one deadline. */
  timed(options: SendOptions): TimedOptions {
    return this.#table.timed(options)
  }

  /** How far that is ahead of the clock of this machine. */
  get clockOffsetMs(): number {
    return this.#client.clock.offsetMs
  }

  /** Does what writes an expiry, and again when the clock it was reckoned by has turned out to be wrong meanwhile. */
  retryAfterClockCorrection<Value>(action: () => Promise<Value>): Promise<Value> {
    return this.#client.clock.retryAfterClockCorrection(action)
  }

  /**
   * Reads a value.
   *
   * @returns `undefined` when there is none or it has expired.
   * @throws {SessionCorruptError | SessionDecryptionError} when the item holds no value that can be read.
   */
  async read(key: string, options: SendOptions = {}): Promise<StoredValue | undefined> {
    return this.#valueOf(await this.#table.find(this.#layout.keyOf(key), options))
  }

  /**
   * Creates or replaces a value, whatever is there.
   *
   * @throws {SessionTooLargeError} when the item would exceed 400 KB; nothing was sent.
   */
  async write(key: string, text: string, { expiresMs, ...options }: NewValueOptions): Promise<void> {
    const marker = newMarker()
    const { stored, item } = await this.#newItem(key, text, expiresMs, marker)
    await this.#overOlder(options, async (older, timed) => {
      const outcome = await this.#table.replace(stored, item, older, timed)
      const isOwn =
        outcome.item !== undefined && isWriteOf(marker, this.#table.layout.revisionOf(outcome.item))
      return isOwn ? { applied: true, item } : outcome
    })
  }

  /**
   * Writes a value if what is stored is what was read.
   *
   * @param basis what was read; `undefined` when there was nothing.
   * @returns the value that is stored now.
   */
  async replace(
    key: string,
    text: string,
    basis: StoredValue | undefined,
    { expiresMs, ...options }: NewValueOptions,
  ): Promise<Replacement> {
    const marker = newMarker()
    const revision = revisionAfter(basis?.revision, marker)
    const { stored, item, value } = await this.#newItem(key, text, expiresMs, revision)
    const outcome = await this.#table.replace(stored, item, this.#unchanged(basis), options)
    if (outcome.applied) return { applied: true, value }
    // A write whose response was lost meets itself, or what others have made of it since.
    const found = outcome.item && this.#table.layout.revisionOf(outcome.item)
    const applied = isWriteOf(marker, found)
    return applied && found === revision
      ? { applied, value }
      : { applied, value: await this.#valueOf(outcome.item) }
  }

  /** Deletes a value; deleting one that does not exist is no error. */
  async delete(key: string, options: SendOptions = {}): Promise<void> {
    const stored = this.#layout.keyOf(key)
    await this.#overOlder(options, async (older, timed) => {
      const outcome = await this.#table.deleteIf(stored, older, timed)
      return outcome.item === undefined ? { applied: true, item: undefined } : outcome
    })
  }

  /** Deletes a value if what is stored is what was read. */
  async deleteIf(key: string, basis: StoredValue, options: SendOptions = {}): Promise<Replacement> {
    const stored = this.#layout.keyOf(key)
    const { applied, item } = await this.#table.deleteIf(stored, this.#unchanged(basis), options)
    const value = applied ? undefined : await this.#valueOf(item)
    return { applied: value === undefined, value }
  }

  /**
   * Reads and deletes a value: of parallel calls one at most gets it, and a call whose response was lost gets it when the
   * request is sent again.
   *
   * It is marked as deleted in one conditional write, which makes it absent for all, and then deleted: a delete alone would
   * find nothing when it is sent again, and could not tell whether it had been the one.
   *
   * @returns `undefined` when there is none or it has expired.
   * @throws {SessionCorruptError | SessionDecryptionError} when it cannot be read; it is marked then, and not deleted.
   */
  getAndDelete(key: string, options: SendOptions = {}): Promise<string | undefined> {
    return this.retryAfterClockCorrection(async () => {
      const table = this.#table
      const stored = this.#layout.keyOf(key)
      const nowMs = this.now()
      const revision = newMarker()
      const set = this.#layout.deletionAttributes(revision, nowMs)
      const { applied, item } = await this.#overOlder(options, async (older, timed) => {
        const condition = allOf(table.liveAt(nowMs), older)
        const outcome = await table.update(stored, { set, remove: [], condition, returnsItem: true }, timed)
        const isAbsent = outcome.item === undefined || !table.isLive(outcome.item, nowMs)
        return isAbsent ? { applied: true, item: outcome.item } : outcome
      })
      if (!applied) {
        throw new SessionConflictError(
          'the value may or may not have been taken: a response was lost, and another value has been written since',
          { attempts: 2 },
        )
      }
      if (item === undefined || table.layout.revisionOf(item) !== revision) return undefined
      const { text } = await this.#layout.valueOf(item)
      // It is taken, whatever becomes of the delete: what that leaves behind is expired, for time to live to remove.
      await Promise.allSettled([table.deleteIf(stored, this.#isWrite(revision), options)])
      return text
    })
  }

  /**
   * Adds 1 to a counter, which begins at 0 and expires some time after its first increment. Parallel increments get different
   * numbers, and each counts once, also when an answer was lost and the request was sent again.
   *
   * @param ttlMs lifetime of the counter if this begins it; absent when it is not to expire.
   * @returns how far it has counted.
   * @throws {DynamoDBSessionsError} `NOT_A_COUNTER` when the key holds a text.
   */
  async increment(key: string, ttlMs: number | undefined): Promise<number> {
    return this.#counters.increment(this.#layout.keyOf(key), ttlMs)
  }

  /**
   * The keys that begin with `base` and have not expired. Reads the whole table, a page at a time.
   *
   * @throws {DynamoDBSessionsError} `KEYS_NOT_LISTABLE` when keys are stored as hashes.
   */
  async *keys(base: string, options: SendOptions = {}): AsyncGenerator<string, void, undefined> {
    this.#requirePlainKeys()
    const table = this.#tableUnder(base)
    const { listItems } = await import('../scan/scan.ts')
    for await (const item of listItems(table, true, options)) {
      const stored = table.layout.keyOfItem(item)
      if (stored !== undefined) yield stored.slice(this.#layout.prefix.length)
    }
  }

  /**
   * Deletes the values whose keys begin with `base`, expired ones too. Reads the whole table.
   *
   * @throws {DynamoDBSessionsError} `KEYS_NOT_LISTABLE` when there is a `base` and keys are stored as hashes.
   */
  async clear(base: string, options: SendOptions = {}): Promise<void> {
    if (base !== '') this.#requirePlainKeys()
    const { deleteItems } = await import('../scan/scan.ts')
    await deleteItems(this.#tableUnder(base), options)
  }

  /**
   * Checks at start that values can be kept.
   *
   * @throws the same as `SessionStore.ready`.
   */
  async ready(options: CallOptions = {}): Promise<void> {
    validateCallOptions(options, callRows)
    const { requireReady } = await import('../items/readiness.ts')
    await requireReady(this.#table, this.timed(options), false)
  }

  /** Lets calls under way finish, refuses new ones and closes the connections. */
  async close(): Promise<void> {
    await this.#client.close()
  }

  /**
   * Does what is to concern only what was written before now: a copy of the request that is carried out late leaves alone what
   * was written since. When something newer is found, by a clock that is ahead of this one, it is done to exactly that; but
   * not when an earlier request may have been carried out.
   *
   * @returns what did not happen came before what was found, as far as anybody can tell.
   */
  #overOlder(
    options: SendOptions,
    attempt: (older: Condition, options: TimedOptions) => Promise<Outcome>,
  ): Promise<Outcome> {
    const guard = lateRequestGuard(this.#table.layout.partitionKey)
    const older = guard.startedBy(this.now())
    let condition = older
    return writeConditionally<Item | undefined, Outcome>(
      {
        trouble: 'others kept on writing a value while it was written, taken or deleted; nothing was done',
        apply: async send => {
          const outcome = await attempt(condition, send)
          const { applied, item: found } = outcome
          return applied || (send.doubts > 0 && found !== undefined) ? { result: outcome } : { found }
        },
        resolve: found => {
          condition = found === undefined ? older : guard.isStill(found)
          return undefined
        },
      },
      this.timed(options),
    )
  }

  async #newItem(
    key: string,
    text: string,
    expiresMs: number | undefined,
    revision: string,
  ): Promise<{ stored: string; item: Item; value: StoredValue }> {
    const stored = this.#layout.keyOf(key)
    const nowMs = this.now()
    const item = await this.#layout.itemOf(stored, { text, revision, nowMs, expiresMs })
    const sizeBytes = itemSizeBytes(item)
    if (sizeBytes > MAX_ITEM_BYTES) throw new SessionTooLargeError(sizeBytes, MAX_ITEM_BYTES)
    return { stored, item, value: { text, revision, writtenMs: nowMs, expiresMs } }
  }

  async #valueOf(item: Item | undefined): Promise<StoredValue | undefined> {
    return item !== undefined && this.#table.isLive(item, this.now()) ? this.#layout.valueOf(item) : undefined
  }

  /** Holds while what is stored is what was read; of something expired, or absent, that there is still nothing. */
  #unchanged(basis: StoredValue | undefined): Condition {
    const { versionAttribute = '', partitionKey } = this.#table.layout
    if (basis === undefined) return vacantAt(this.#table, this.now())
    if (basis.revision === undefined) {
      return {
        expression: 'attribute_exists(#there) AND attribute_not_exists(#version)',
        names: { '#there': partitionKey, '#version': versionAttribute },
        values: {},
      }
    }
    return allOf(this.#table.liveAt(this.now()), this.#isWrite(basis.revision))
  }

  #isWrite(revision: string): Condition {
    const { versionAttribute = '' } = this.#table.layout
    return {
      expression: '#version = :version',
      names: { '#version': versionAttribute },
      values: { ':version': { S: revision } },
    }
  }

  #requirePlainKeys(): void {
    if (!this.#hashKeys) return
    throw new DynamoDBSessionsError(
      'KEYS_NOT_LISTABLE',
      'keys are stored as hashes and cannot be listed or deleted by their beginning; that needs hashKeys: false',
    )
  }
}
