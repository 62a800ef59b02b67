import { corrupt, invalidArgument } from '../errors.ts'
import { allOf, type Condition, type Layout } from '../layouts/layout.ts'
import { binaryOf, numberOf, textOf } from '../layouts/attributes.ts'
import { birthAttribute, nativeLayout } from '../layouts/native.ts'
import { compresses, encryptsWrites } from '../encryption/encryption-options.ts'
import { lazyPayloadCodec } from '../encryption/lazy-payload-codec.ts'
import type { KeyValuesOptions } from '../options/key-value-options.ts'
import type { AttributeValue, Item } from '../types.ts'
import { newMarker } from '../items/session-record.ts'

/** The options that decide how values are written as items. */
type KeyValueLayoutOptions = Pick<KeyValuesOptions, 'partitionKey' | 'encryption' | 'compression'> & {
  /** What every key starts with. */
  readonly prefix: string
  /** Whether keys are stored as their SHA-256. */
  readonly hashKeys: boolean
}

/** A value as it is stored. */
export interface StoredValue {
  readonly text: string
  /** Random mark of the write that this is. */
  readonly revision: string | undefined
  /** When it was written, epoch milliseconds, to the second. */
  readonly writtenMs: number | undefined
  /** Exact expiry, epoch milliseconds; absent for values that do not expire. */
  readonly expiresMs: number | undefined
}

/** A value as it is to be stored. */
interface NewValue {
  readonly text: string
  readonly revision: string
  readonly nowMs: number
  readonly expiresMs: number | undefined
}

/** Attribute of a counter: how far it has counted. */
export const COUNT = 'count'

const DATA = 'data'
const EXPIRES = 'expires'
const EXPIRES_MS = 'expiresMs'
const REVISION = 'rev'
const CREATED = 'created'

const MAX_KEY_BYTES = 2048

/**
 * How values under keys are written as items: as sessions are in the package's own layout, with two differences. `data` may
 * be any text, and an item without `expires` and `expiresMs` does not expire.
 */
export class KeyValueLayout {
  readonly prefix: string
  readonly #options: KeyValueLayoutOptions
  readonly #layout: Layout
  /** What compresses and encrypts. */
  readonly #payloadCodec: ReturnType<typeof lazyPayloadCodec>

  constructor(options: KeyValueLayoutOptions) {
    this.prefix = options.prefix
    this.#options = options
    this.#layout = this.layoutUnder('')
    this.#payloadCodec = lazyPayloadCodec(options)
  }

  /** The layout as far as an `ItemTable` needs it, for the keys that begin with `base`. */
  layoutUnder(base: string): Layout {
    const { partitionKey, hashKeys } = this.#options
    const native = nativeLayout({ partitionKey, prefix: this.prefix + base, hashIds: hashKeys })
    return {
      ...native,
      name: 'key-value',
      lock: undefined,
      userIndex: undefined,
      // What does not say that it expires does not, here.
      expiryOf: item => (isWithoutExpiry(item) ? Infinity : native.expiryOf(item)),
      liveAt: nowMs => liveAt(native, nowMs),
    }
  }

  /**
   * The partition key of a key.
   *
   * @throws {TypeError} `INVALID_SESSION_ID` for an empty key and one that is too long.
   */
  keyOf(key: string): string {
    if (typeof key !== 'string' || key === '') {
      throw invalidArgument('a key must be a non-empty string')
    }
    const stored = this.#layout.keyOf(key)
    if (Buffer.byteLength(stored) > MAX_KEY_BYTES) {
      throw invalidArgument(
        `the key is too long: with its prefix it has at most ${MAX_KEY_BYTES} bytes; "hashKeys" makes any key short`,
      )
    }
    return stored
  }

  /** The attributes that say when an item expires; none for one that does not. */
  expiryAttributes(expiresMs: number | undefined): Item {
    return expiresMs === undefined ? {} : this.#layout.expiryAttributes(expiresMs)
  }

  /**
   * The attributes of a value that is about to be deleted. It has expired by every clock, however far that is behind; time to
   * live would pass over an `expires` that is long ago.
   */
  deletionAttributes(revision: string, nowMs: number): Item {
    return {
      [REVISION]: { S: revision },
      [EXPIRES]: { N: String(Math.ceil(nowMs / 1000)) },
      [EXPIRES_MS]: { N: '0' },
    }
  }

  /** The attributes that every new item has. */
  head(key: string, nowMs: number): Item {
    return {
      [this.#layout.partitionKey]: { S: key },
      [CREATED]: { N: String(Math.floor(nowMs / 1000)) },
      ...birthAttribute(nowMs, newMarker()),
    }
  }

  /** The whole item of a value. */
  async itemOf(key: string, { text, revision, nowMs, expiresMs }: NewValue): Promise<Item> {
    const isEncoded = encryptsWrites(this.#options) || compresses(text, this.#options)
    const data: AttributeValue = isEncoded ? (await this.#payloadCodec()).encode(text, key) : { S: text }
    return {
      ...this.head(key, nowMs),
      [DATA]: data,
      [REVISION]: { S: revision },
      ...this.expiryAttributes(expiresMs),
    }
  }

  /**
   * The value that an item holds; of a counter, how far it has counted.
   *
   * @throws {SessionCorruptError | SessionDecryptionError} when there is none that can be read.
   */
  async valueOf(item: Item): Promise<StoredValue> {
    const createdSeconds = numberOf(item[CREATED])
    return {
      text: await this.#textOf(item),
      revision: textOf(item[REVISION]),
      writtenMs: createdSeconds === undefined ? undefined : createdSeconds * 1000,
      expiresMs: isWithoutExpiry(item) ? undefined : this.#layout.expiryOf(item),
    }
  }

  async #textOf(item: Item): Promise<string> {
    const count = numberOf(item[COUNT])
    if (count !== undefined) return String(count)
    const plain = textOf(item[DATA])
    if (plain !== undefined && !encryptsWrites(this.#options)) return plain
    const binary = binaryOf(item[DATA])
    const key = this.#layout.keyOfItem(item)
    if ((plain ?? binary) === undefined || key === undefined) {
      throw corrupt(
        `the stored item has no attribute "${DATA}" of type S or B, so it is no value of this layout`,
      )
    }
    const codec = await this.#payloadCodec()
    return codec.decode(plain === undefined ? { B: binary ?? '' } : { S: plain }, key)
  }
}

function isWithoutExpiry(item: Item): boolean {
  return item[EXPIRES] === undefined && item[EXPIRES_MS] === undefined
}

/** Holds for items that exist and have not expired. */
function liveAt({ partitionKey, ...native }: Layout, nowMs: number): Condition {
  const unexpired = native.liveAt(nowMs)
  const withoutExpiry = 'attribute_not_exists(#noExpiresMs) AND attribute_not_exists(#noExpires)'
  return allOf(
    { expression: 'attribute_exists(#liveKey)', names: { '#liveKey': partitionKey }, values: {} },
    {
      ...unexpired,
      expression: `(${unexpired.expression}) OR (${withoutExpiry})`,
      names: { ...unexpired.names, '#noExpiresMs': EXPIRES_MS, '#noExpires': EXPIRES },
    },
  )
}
