import { hash } from 'node:crypto'

import { compresses, encryptsWrites, type PayloadCodecOptions } from '../encryption/encryption-options.ts'
import { lazyPayloadCodec } from '../encryption/lazy-payload-codec.ts'
import { corrupt, type SessionCorruptError } from '../errors.ts'
import { withinDateRange } from '../internal/core-objects.ts'
import type { PayloadCodec } from '../encryption/payload-codec.ts'
import type { AttributeValue, Item } from '../types.ts'
import { jsonCodec } from './json.ts'
import {
  type Condition,
  keysWith,
  type LateRequestGuard,
  type Layout,
  type LockProtocol,
  type MoveMarks,
  type SessionIdentity,
  type StoredSession,
} from './layout.ts'
import { binaryOf, epochMsOf, LARGEST_SECONDS, numberOf, textOf } from './attributes.ts'
import type { LayoutOptions } from './layout-settings.ts'
import { userIndex } from './user-index.ts'

/** Options of {@link nativeLayout}: those of a store that are about it. */
export interface NativeLayoutOptions
  extends Pick<LayoutOptions, 'partitionKey' | 'prefix'>, PayloadCodecOptions {
  /**
   * Whether keys have the hash of the session ID in place of itself.
   *
   * @default true
   */
  readonly hashIds?: boolean | undefined
}

/** Partition key when nothing else says. */
export const DEFAULT_PARTITION_KEY = 'id'

/** Length of what {@link hashSessionId} returns. */
export const SESSION_ID_HASH_LENGTH = 43

const DATA = 'data'
const EXPIRES = 'expires'
const EXPIRES_MS = 'expiresMs'
const REVISION = 'rev'
const CREATED = 'created'
const BIRTH = 'birth'
const LATE_UNTIL = 'lateUntil'
const MOVED = 'moved'
const MOVED_TO = 'movedTo'
const USER = 'user'
const LOCK = 'lock'
const LOCK_OWNER = 'lockOwner'
/**
 * For how long a request may be carried out after it was sent. AWS refuses a signature that is more than five minutes off, and
 * clocks that differ by five minutes are not put right.
 */
export const LATE_REQUESTS_MS = 600_000
/** For how long a Region that is cut off may keep writes to itself. */
const LATE_REPLICATION_MS = 86_400_000
/** Epoch milliseconds have that many until the year 2286. */
const BIRTH_TIME_DIGITS = 13
const BIRTH_RANDOM_LENGTH = 8
export const NATIVE_ATTRIBUTES: readonly string[] = [
  DATA,
  EXPIRES,
  EXPIRES_MS,
  REVISION,
  CREATED,
  BIRTH,
  LATE_UNTIL,
  MOVED,
  MOVED_TO,
  USER,
  LOCK,
  LOCK_OWNER,
]

/**
 * The package's own item layout: `docs/storage-schema.md` describes it as a contract.
 *
 * `expires` is always an integer of epoch seconds, rounded up, so that the table's TTL can act on it and never
 * acts early; `expiresMs` is the exact expiry (G5).
 */
export function nativeLayout(options: NativeLayoutOptions): Layout {
  const { partitionKey = DEFAULT_PARTITION_KEY, prefix = '', hashIds = true } = options
  const isEncrypting = encryptsWrites(options)
  const loadCodec = lazyPayloadCodec(options)
  let payloads: PayloadCodec | undefined
  const load = async (): Promise<void> => {
    payloads = await loadCodec()
  }
  return {
    name: 'native',
    partitionKey,
    codec: jsonCodec,
    lock: leases,
    userIndex,
    optionalAttributes: [USER],
    versionAttribute: REVISION,
    replacesItems: false,
    prepareToRead: item =>
      payloads === undefined && (isEncrypting || binaryOf(item[DATA]) !== undefined) ? load() : undefined,
    prepareToWrite: text => {
      if (payloads !== undefined) return undefined
      if (isEncrypting) return load()
      // A session that cannot be made smaller is still one that can be saved.
      return compresses(text, options) ? load().catch(() => undefined) : undefined
    },
    keyOf: id => prefix + (hashIds ? hashSessionId(id) : id),
    idOfKey: key => (!hashIds && key.startsWith(prefix) ? key.slice(prefix.length) : undefined),
    keyOfItem: item => textOf(item[partitionKey]),
    toItem: session => toItem(session, partitionKey, payloads),
    expiryOf,
    createdOf,
    revisionOf: item => textOf(item[REVISION]),
    hasNoData: () => false,
    fromItem: item => fromItem(item, partitionKey, payloads),
    expiryAttributes,
    liveAt,
    expiredAt,
    createdAfter,
    sameSessionAs,
    isSameSession,
    lateRequests: lateRequestGuard(partitionKey),
    moves: moveMarks,
    // The length tells apart namespaces whose prefixes overlap.
    namespace: () => keysWith(partitionKey, prefix, hashIds ? SESSION_ID_HASH_LENGTH : undefined),
  }
}

/**
 * The name under which a session is stored: base64url of the SHA-256 of its ID.
 *
 * Whoever reads the table, a backup or a log of keys cannot get from it to a session ID that a server would
 * accept. Session IDs are long and random, so the hash needs neither salt nor stretching.
 */
export function hashSessionId(id: string): string {
  return hash('sha256', id, 'base64url')
}

/** For `attribute_type`. Rules about attributes of the wrong type have to be the same in conditions and in code. */
const NUMBER_TYPE: AttributeValue = { S: 'N' }
const STRING_TYPE: AttributeValue = { S: 'S' }

/** Locks that end by themselves: `lock` is the end of the lease in epoch milliseconds, `lockOwner` who has it. */
const leases: LockProtocol = {
  attributes: [LOCK, LOCK_OWNER],
  taken: (owner, untilMs) => ({ [LOCK]: { N: String(Math.round(untilMs)) }, [LOCK_OWNER]: { S: owner } }),
  freeFor: (owner, nowMs) => ({
    // Like holderOf, it takes nothing but a number for a lock.
    expression: 'NOT attribute_type(#lock, :lockType) OR #lock <= :lockNow OR #lockOwner = :lockOwner',
    names: { '#lock': LOCK, '#lockOwner': LOCK_OWNER },
    values: {
      ':lockType': NUMBER_TYPE,
      ':lockNow': { N: String(nowMs) },
      ':lockOwner': { S: owner },
    },
  }),
  heldBy: owner => ({
    expression: '#lockOwner = :lockOwner',
    names: { '#lockOwner': LOCK_OWNER },
    values: { ':lockOwner': { S: owner } },
  }),
  holderOf: item => {
    const untilMs = numberOf(item[LOCK])
    return untilMs === undefined ? undefined : { owner: textOf(item[LOCK_OWNER]), untilMs }
  },
}

function toItem(session: StoredSession, partitionKey: string, payloads: PayloadCodec | undefined): Item {
  const { key, text, expiresMs, revision, createdMs, birth, user } = session
  const item: Record<string, AttributeValue> = {
    [partitionKey]: { S: key },
    [DATA]: payloads === undefined ? { S: text } : payloads.encode(text, key),
    ...expiryAttributes(expiresMs),
  }
  if (revision !== undefined) item[REVISION] = { S: revision }
  if (createdMs !== undefined) item[CREATED] = { N: wholeSeconds(createdMs) }
  if (birth !== undefined) item[BIRTH] = { S: birth }
  if (user !== undefined) item[USER] = { S: user }
  return item
}

function fromItem(item: Item, partitionKey: string, payloads: PayloadCodec | undefined): StoredSession {
  const key = textOf(item[partitionKey])
  if (key === undefined) throw missing(partitionKey, 'S')
  const text = dataText(item, key, payloads)
  return {
    key,
    text,
    data: jsonCodec.decode(text),
    revision: textOf(item[REVISION]),
    version: item[REVISION],
    createdMs: createdOf(item),
    birth: textOf(item[BIRTH]),
    expiresMs: expiryOf(item),
    user: textOf(item[USER]),
  }
}

function dataText(item: Item, key: string, payloads: PayloadCodec | undefined): string {
  const plain = textOf(item[DATA])
  if (plain !== undefined) return payloads === undefined ? plain : payloads.decode({ S: plain }, key)
  const binary = binaryOf(item[DATA])
  if (binary === undefined) throw missing(DATA, 'S or B')
  if (payloads === undefined) throw new Error('encoded data is read before the layout was prepared for it')
  return payloads.decode({ B: binary }, key)
}

function expiryOf(item: Item): number {
  const exact = numberOf(item[EXPIRES_MS])
  if (exact !== undefined) return withinDateRange(exact)
  const expires = numberOf(item[EXPIRES])
  if (expires === undefined) throw missing(EXPIRES, 'N')
  return epochMsOf(expires)
}

function createdOf(item: Item): number | undefined {
  const seconds = numberOf(item[CREATED])
  return seconds === undefined ? undefined : withinDateRange(seconds * 1000)
}

function expiryAttributes(expiresMs: number): Item {
  return {
    [EXPIRES]: { N: String(Math.ceil(expiresMs / 1000)) },
    [EXPIRES_MS]: { N: String(expiresMs) },
  }
}

/** The same rule as {@link expiryOf}, in DynamoDB's words. */
function liveAt(nowMs: number): Condition {
  return {
    expression:
      '#expiresMs > :nowMs OR (NOT attribute_type(#expiresMs, :liveType) AND #expires > :nowSeconds AND ' +
      '(#expires <= :largestSeconds OR #expires > :nowMs))',
    names: { '#expiresMs': EXPIRES_MS, '#expires': EXPIRES },
    values: {
      ':liveType': NUMBER_TYPE,
      ':nowMs': { N: String(nowMs) },
      ':nowSeconds': { N: String(nowMs / 1000) },
      ':largestSeconds': { N: String(LARGEST_SECONDS) },
    },
  }
}

/** Comparisons hold for numbers alone, so that an item with another type of expiry does not say that it has expired. */
function expiredAt(nowMs: number, createdUntilMs?: number): Condition {
  const expired: Condition = {
    expression:
      '#lapsesMs <= :lapsedMs OR (NOT attribute_type(#lapsesMs, :lapsesType) AND (#lapses <= :lapsedSeconds OR ' +
      '(#lapses > :mostSeconds AND #lapses <= :lapsedMs)))',
    names: { '#lapsesMs': EXPIRES_MS, '#lapses': EXPIRES },
    values: {
      ':lapsesType': NUMBER_TYPE,
      ':lapsedMs': { N: String(nowMs) },
      ':lapsedSeconds': { N: String(nowMs / 1000) },
      ':mostSeconds': { N: String(LARGEST_SECONDS) },
    },
  }
  if (createdUntilMs === undefined) return expired
  return {
    expression:
      `${expired.expression} OR ` +
      '(#began <= :beganUntil AND (#lapsesMs > :lapsedMs OR #lapses > :lapsedSeconds))',
    names: { ...expired.names, '#began': CREATED },
    values: { ...expired.values, ':beganUntil': { N: String(createdUntilMs / 1000) } },
  }
}

function createdAfter(epochMs: number): Condition {
  return {
    expression: 'NOT attribute_type(#created, :createdType) OR #created > :createdAfter',
    names: { '#created': CREATED },
    values: { ':createdType': NUMBER_TYPE, ':createdAfter': { N: String(epochMs / 1000) } },
  }
}

/** By {@link BIRTH}; a session that an older version created has none, and is known by the second of its start. */
function sameSessionAs(session: SessionIdentity | undefined): Condition {
  // An item may be left that has nothing but an expiry.
  if (session === undefined) {
    return { expression: 'attribute_exists(#data)', names: { '#data': DATA }, values: {} }
  }
  const { birth, createdMs } = session
  if (birth !== undefined) {
    return { expression: '#birth = :birth', names: { '#birth': BIRTH }, values: { ':birth': { S: birth } } }
  }
  const names = { '#data': DATA, '#birth': BIRTH, '#created': CREATED }
  const isOlder = 'attribute_exists(#data) AND NOT attribute_type(#birth, :birthType)'
  if (createdMs === undefined) {
    return {
      expression: `${isOlder} AND NOT attribute_type(#created, :createdType)`,
      names,
      values: { ':birthType': STRING_TYPE, ':createdType': NUMBER_TYPE },
    }
  }
  const second = Math.floor(createdMs / 1000)
  return {
    expression: `${isOlder} AND #created >= :created AND #created < :createdBefore`,
    names,
    values: {
      ':birthType': STRING_TYPE,
      ':created': { N: String(second) },
      ':createdBefore': { N: String(second + 1) },
    },
  }
}

function isSameSession(item: Item, { birth, createdMs }: SessionIdentity): boolean {
  const birthNow = textOf(item[BIRTH])
  if (birth !== undefined || birthNow !== undefined) return birth === birthNow
  const createdNowMs = createdOf(item)
  if (createdMs === undefined || createdNowMs === undefined) return createdMs === createdNowMs
  return wholeSeconds(createdMs) === wholeSeconds(createdNowMs)
}

/** A birth starts with its time, so that births are in the order of their times. */
function startedBy(epochMs: number): Condition {
  return {
    expression: 'NOT attribute_type(#birth, :birthType) OR #birth < :birthAfter',
    names: { '#birth': BIRTH },
    values: { ':birthType': STRING_TYPE, ':birthAfter': { S: birthTimeOf(Math.floor(epochMs) + 1) } },
  }
}

function lateUntil(nowMs: number, keptMs = LATE_REQUESTS_MS): AttributeValue {
  return { N: String(Math.ceil((nowMs + keptMs) / 1000)) }
}

/**
 * A mark is a gravestone that also says where the session went. It has its birth, by which a request that had read the session
 * is known, and of the new session ID nothing but the key, which every reader of the table sees.
 */
const moveMarks: MoveMarks = {
  attributes: ({ birth }, nowMs, nextKey) => ({
    [MOVED]: { N: String(Math.floor(nowMs)) },
    ...(birth !== undefined && { [BIRTH]: { S: birth } }),
    ...(nextKey !== undefined && { [MOVED_TO]: { S: nextKey } }),
  }),
  read: (item, nowMs) => {
    const movedMs = numberOf(item[MOVED])
    if (movedMs === undefined || item[DATA] !== undefined || movedMs + LATE_REQUESTS_MS <= nowMs)
      return undefined
    return { movedMs, nextKey: textOf(item[MOVED_TO]) }
  },
  leadsAs: item => {
    const names = { '#movedTo': MOVED_TO }
    const movedTo = item?.[MOVED_TO]
    return movedTo === undefined
      ? { expression: 'attribute_not_exists(#movedTo)', names, values: {} }
      : { expression: '#movedTo = :movedTo', names, values: { ':movedTo': movedTo } }
  },
  areOfOneSession: (item, other) => {
    const birth = textOf(item[BIRTH])
    return birth !== undefined && birth === textOf(other[BIRTH])
  },
}

/** What keeps late requests for items with a {@link birthAttribute} without effect. */
export function lateRequestGuard(partitionKey: string): LateRequestGuard {
  return {
    startedBy,
    isStill: item => {
      const birth = item[BIRTH]
      const names = { '#birth': BIRTH }
      if (birth === undefined) return { expression: 'attribute_not_exists(#birth)', names, values: {} }
      return {
        expression: 'attribute_not_exists(#birth) OR #birth = :birth',
        names,
        values: { ':birth': birth },
      }
    },
    creationExpected: nowMs => ({ [LATE_UNTIL]: lateUntil(nowMs) }),
    noCreationExpected: nowMs => ({
      expression: 'NOT attribute_type(#lateUntil, :lateType) OR #lateUntil <= :lateNow',
      names: { '#lateUntil': LATE_UNTIL },
      values: { ':lateType': NUMBER_TYPE, ':lateNow': { N: String(nowMs / 1000) } },
    }),
    isCreationExpected: (item, nowMs) => (numberOf(item[LATE_UNTIL]) ?? 0) > nowMs / 1000,
    isGravestone: item => item[DATA] === undefined && numberOf(item[EXPIRES_MS]) === 0,
    // It has expired by every clock, and time to live removes it when it is not needed any more.
    gravestone: (key, nowMs, hasReplicas) => {
      const until = lateUntil(nowMs, hasReplicas ? LATE_REPLICATION_MS : LATE_REQUESTS_MS)
      return {
        [partitionKey]: { S: key },
        [EXPIRES]: until,
        [EXPIRES_MS]: { N: '0' },
        [LATE_UNTIL]: until,
      }
    },
  }
}

/**
 * The marker of a session that starts at a moment: that moment, and something random.
 *
 * @param random at least as many random characters as are used.
 */
export function birthAt(epochMs: number, random: string): string {
  return birthTimeOf(epochMs) + random.slice(0, BIRTH_RANDOM_LENGTH)
}

/** The attribute that holds it. */
export function birthAttribute(epochMs: number, random: string): Item {
  return { [BIRTH]: { S: birthAt(epochMs, random) } }
}

function birthTimeOf(epochMs: number): string {
  return String(Math.floor(epochMs)).padStart(BIRTH_TIME_DIGITS, '0')
}

function wholeSeconds(ms: number): string {
  return String(Math.floor(ms / 1000))
}

function missing(attribute: string, type: string): SessionCorruptError {
  return corrupt(
    `the stored item has no attribute "${attribute}" of type ${type}, so it is no session of this layout`,
  )
}
