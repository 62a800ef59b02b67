import { callerMistake, SessionCorruptError } from '../errors.ts'
import type { AttributeValue, Item } from '../types.ts'
import { parseSessionData, stringifySessionData } from './json.ts'
import type { Condition, Layout, StoredSession } from './layout.ts'

/** Options of {@link nativeLayout}. */
export interface NativeLayoutOptions {
  /** Name of the partition key attribute. */
  readonly partitionKey: string
  /** What every key of this namespace starts with. */
  readonly prefix: string
  /** Turns a session ID into what is stored of it, behind the prefix. */
  readonly nameOf: (id: string) => string
  /** Length of every name, when all have the same. It tells apart namespaces whose prefixes overlap. */
  readonly nameLength: number | undefined
}

const DATA = 'data'
const EXPIRES = 'expires'
const EXPIRES_MS = 'expiresMs'
const REVISION = 'rev'
const CREATED = 'created'

/** A number above this is not a time in seconds (it would be after the year 5000) but in milliseconds. */
const LARGEST_SECONDS = 1e11

/**
 * The package's own item layout: `docs/storage-schema.md` describes it as a contract.
 *
 * `expires` is always an integer of epoch seconds, rounded up, so that the table's TTL can act on it and never
 * acts early; `expiresMs` is the exact expiry (G5).
 *
 * @throws {TypeError} `INVALID_OPTION` when the partition key has the name of another attribute of the layout.
 */
export function nativeLayout({ partitionKey, prefix, nameOf, nameLength }: NativeLayoutOptions): Layout {
  if ([DATA, EXPIRES, EXPIRES_MS, REVISION, CREATED].includes(partitionKey)) {
    throw callerMistake(
      'INVALID_OPTION',
      `the option "partitionKey" cannot be "${partitionKey}", an attribute that holds something else of a session`,
    )
  }
  return {
    name: 'native',
    partitionKey,
    keyOf: id => prefix + nameOf(id),
    keyOfItem: item => textOf(item[partitionKey]),
    toItem: session => ({
      [partitionKey]: { S: session.key },
      [DATA]: { S: stringifySessionData(session.data) },
      ...expiryAttributes(session.expiresMs),
      ...(session.revision !== undefined && { [REVISION]: { S: session.revision } }),
      ...(session.createdMs !== undefined && { [CREATED]: { N: wholeSeconds(session.createdMs) } }),
    }),
    expiryOf,
    fromItem: item => fromItem(item, partitionKey),
    expiryAttributes,
    liveAt,
    sameSessionAs,
    namespace: () => namespace(partitionKey, prefix, nameLength),
  }
}

function fromItem(item: Item, partitionKey: string): StoredSession {
  const key = textOf(item[partitionKey])
  const data = textOf(item[DATA])
  if (key === undefined || data === undefined) {
    throw new SessionCorruptError(
      `the stored item has no attribute "${key === undefined ? partitionKey : DATA}" of type S, so it is no session of ` +
        'this layout; it was left as it is',
    )
  }
  const createdSeconds = numberOf(item[CREATED])
  return {
    key,
    data: parseSessionData(data),
    revision: textOf(item[REVISION]),
    createdMs: createdSeconds === undefined ? undefined : createdSeconds * 1000,
    expiresMs: expiryOf(item),
  }
}

function expiryOf(item: Item): number {
  const exact = numberOf(item[EXPIRES_MS])
  if (exact !== undefined) return exact
  const expires = numberOf(item[EXPIRES])
  if (expires === undefined) {
    throw new SessionCorruptError(
      `the stored item has no attribute "${EXPIRES}" of type N; it was left as it is`,
    )
  }
  return expires > LARGEST_SECONDS ? expires : expires * 1000
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
      '#expiresMs > :nowMs OR (attribute_not_exists(#expiresMs) AND #expires > :nowSeconds AND ' +
      '(#expires <= :largestSeconds OR #expires > :nowMs))',
    names: { '#expiresMs': EXPIRES_MS, '#expires': EXPIRES },
    values: {
      ':nowMs': { N: String(nowMs) },
      ':nowSeconds': { N: String(nowMs / 1000) },
      ':largestSeconds': { N: String(LARGEST_SECONDS) },
    },
  }
}

function sameSessionAs({ createdMs }: Pick<StoredSession, 'createdMs'>): Condition | undefined {
  if (createdMs === undefined) return undefined
  return {
    expression: '#created = :created',
    names: { '#created': CREATED },
    values: { ':created': { N: wholeSeconds(createdMs) } },
  }
}

function namespace(
  partitionKey: string,
  prefix: string,
  nameLength: number | undefined,
): Condition | undefined {
  const parts: string[] = []
  const values: Record<string, AttributeValue> = {}
  if (prefix !== '') {
    parts.push('begins_with(#key, :prefix)')
    values[':prefix'] = { S: prefix }
  }
  if (nameLength !== undefined) {
    parts.push('size(#key) = :keyLength')
    values[':keyLength'] = { N: String(prefix.length + nameLength) }
  }
  return parts.length === 0
    ? undefined
    : { expression: parts.join(' AND '), names: { '#key': partitionKey }, values }
}

function wholeSeconds(ms: number): string {
  return String(Math.floor(ms / 1000))
}

function textOf(value: unknown): string | undefined {
  return contentOf(value, 'S')
}

function numberOf(value: unknown): number | undefined {
  const number = Number(contentOf(value, 'N') || Number.NaN)
  return Number.isFinite(number) ? number : undefined
}

/** What an attribute value of one type holds. It comes off the wire and need not be an attribute value at all. */
function contentOf(value: unknown, type: 'S' | 'N'): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const content: unknown = Reflect.get(value, type)
  return typeof content === 'string' ? content : undefined
}
