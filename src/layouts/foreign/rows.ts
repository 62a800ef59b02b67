import { isJsonObject } from '../../internal/core-objects.ts'
import { corrupt, invalidSessionData, SessionCorruptError } from '../../errors.ts'
import type { AttributeValue, Item } from '../../types.ts'
import { jsonCodec, parseSessionData, stringifySessionData } from '../json.ts'
import type { Condition, Layout, SessionCodec, SessionIdentity, StoredSession } from '../layout.ts'
import { mapOf, textOf } from '../attributes.ts'
import type { LayoutOptions, LayoutName, SpecialKey } from '../layout-settings.ts'
import {
  decimalText,
  documentCodec,
  documentOfText,
  documentTextIn,
  jsonTextIn,
  mapCodec,
  sourceJsonCodec,
  textOfDocument,
} from './codecs.ts'
import { defineLayout, expiryIn, type LayoutRow, noSession } from './define-layout.ts'

/** Name of a layout that is a row here. */
export type ForeignLayoutName = Exclude<LayoutName, 'native' | 'php' | 'laravel'>

const SECONDS = expiryIn({ expires: 's' })

/** Everything about the layouts, one by one; what depends on the options of a store is a function of them. */
const rows: Readonly<Record<ForeignLayoutName, LayoutRow | ((settings: LayoutOptions) => LayoutRow)>> = {
  'connect-dynamodb': connectDynamoDB,

  'dynamodb-store': {
    partitionKey: 'sessionId',
    prefix: 'sess:',
    ...mapIn('sess'),
    textOf: dynamoDBStoreTextOf,
    expiry: SECONDS,
  },

  // Its key `lastModified`, as that of pwrdrvr and `updated` of dynamodb-store, is session data like any other.
  'connect-dynamodb-session': {
    partitionKey: 'id',
    ...jsonIn('content'),
    expiry: expiryIn({ expires: 'ms' }),
  },

  pwrdrvr: {
    partitionKey: 'id',
    prefix: 'session#',
    ...mapIn('sess'),
    expiry: SECONDS,
  },

  'serverless-dynamodb-session-store': {
    partitionKey: 'sessionId',
    ...jsonIn('session_data'),
    // Both are NULL for cookies that end with the browser; such sessions never expire.
    expiry: expiryIn({ expireTime: 'ms', expireTime_TTL: 's' }, true),
  },

  'koa-session-dynamodb': {
    partitionKey: 'sessionId',
    ...mapIn('session'),
    expiry: SECONDS,
  },

  adonis: {
    partitionKey: 'key',
    ...jsonIn('value'),
    attributesOf: ({ text }, id) => ({
      value: { S: `{"message":${text},"purpose":${JSON.stringify(id)}}` },
    }),
    textOf: adonisTextOf,
    expiry: expiryIn({ expires_at: 'ms' }),
  },

  architect,

  'aws-ruby': {
    partitionKey: 'session_id',
    ...jsonIn('data'),
    codec: sourceJsonCodec,
    attributesOf: ({ text, createdMs }) => ({
      data: { S: text },
      ...(createdMs !== undefined && { created_at: { S: rubySeconds(createdMs) } }),
    }),
    textOf: rubyTextOf,
    // What else is there (`updated_at`, `locked_at`) stays as it is.
    optionalAttributes: ['created_at'],
    expiry: expiryIn({ expire_at: 's' }),
    createdOf: rubyCreatedOf,
    sameSessionAs: sameRubySession,
  },
}

/**
 * The layout of other software.
 */
export function foreignLayout(name: ForeignLayoutName, settings: LayoutOptions): Layout {
  const row = rows[name]
  return defineLayout(name, typeof row === 'function' ? row(settings) : row, settings)
}

type DataRule = Pick<LayoutRow, 'dataAttribute' | 'codec' | 'attributesOf' | 'textOf'>

/** Session data that are JSON text. */
function jsonIn(dataAttribute: string): DataRule {
  return {
    dataAttribute,
    codec: jsonCodec,
    attributesOf: ({ text }) => ({ [dataAttribute]: { S: text } }),
    textOf: item => jsonTextIn(item, dataAttribute),
  }
}

/** Session data that are a map. */
function mapIn(dataAttribute: string): DataRule {
  return {
    dataAttribute,
    codec: mapCodec,
    attributesOf: ({ text }) => ({ [dataAttribute]: { M: documentOfText(text) } }),
    textOf: item => documentTextIn(item, dataAttribute),
  }
}

/**
 * connect-dynamodb: a special key that the session does not have is removed from the item. Items whose `expires` is missing or
 * no number never expire, until a save or touch gives them one, as in connect-dynamodb itself. A special key may be called
 * `type`, and takes the place of the mark that is there otherwise.
 */
function connectDynamoDB({ specialKeys = [] }: LayoutOptions): LayoutRow {
  return {
    partitionKey: 'id',
    prefix: 'sess:',
    ...jsonIn('sess'),
    attributesOf: session => ({
      type: { S: 'connect-session' },
      ...specialAttributes(session, specialKeys),
      sess: { S: session.text },
    }),
    optionalAttributes: specialKeys.map(({ name }) => name).filter(name => name !== 'type'),
    expiry: expiryIn({ expires: 's' }, true),
  }
}

function specialAttributes({ text }: StoredSession, specialKeys: readonly SpecialKey[]): Item {
  if (specialKeys.length === 0) return {}
  // What is stored counts, not the object, which may have a toJSON.
  const data = jsonCodec.decode(text)
  const attributes: [string, AttributeValue][] = []
  for (const { name, type } of specialKeys) {
    const value = Object.hasOwn(data, name) ? data[name] : undefined
    if (value !== undefined && value !== null) attributes.push([name, specialAttribute(name, type, value)])
  }
  return Object.fromEntries(attributes)
}

function specialAttribute(name: string, type: SpecialKey['type'], value: unknown): AttributeValue {
  if (type === 'S' && typeof value === 'string') return { S: value }
  if (type === 'N' && typeof value === 'number') return { N: decimalText(value) }
  if (type === 'BOOL' && typeof value === 'boolean') return { BOOL: value }
  throw invalidSessionData(
    `the session has a value for the special key "${name}" that is not of its type, ${type}`,
  )
}

/** What the cookie of express-session has besides its own settings, and dynamodb-store writes with them. */
const COOKIE_INTERNALS: ReadonlySet<string> = new Set(['_expires', 'data', 'maxAge'])

/**
 * dynamodb-store writes the cookie as an object of express-session, internals and all, and dates as empty maps. Reading leaves
 * the internals out, and takes the date of the cookie from the item's expiry.
 */
function dynamoDBStoreTextOf(item: Item): string {
  const map = mapOf(item['sess'])
  const cookie = mapOf(map?.['cookie'])
  if (map === undefined || cookie === undefined) return documentTextIn(item, 'sess')
  const settings = Object.entries(cookie).filter(([name]) => !COOKIE_INTERNALS.has(name))
  const usable: Record<string, AttributeValue> = Object.fromEntries(settings)
  if (mapOf(usable['expires']) !== undefined) {
    const date = new Date(SECONDS.expiryOf(item))
    usable['expires'] = Number.isNaN(date.getTime()) ? { NULL: true } : { S: date.toISOString() }
  }
  return textOfDocument({ ...map, cookie: { M: usable } })
}

/** AdonisJS puts the session into an envelope with the ID that it belongs to. */
function adonisTextOf(item: Item, id: string): string {
  const envelope = textOf(item['value'])
  if (envelope === undefined) throw noSession('value')
  const { message, purpose } = parseSessionData(envelope)
  if (purpose !== id) {
    throw corrupt('the attribute "value" of the stored item was written for another session')
  }
  if (!isJsonObject(message)) throw noSession('value')
  return stringifySessionData(message)
}

/**
 * Remix and React Router on Architect: the keys of the session are attributes of the item, beside its key and `_ttl`. Items
 * without `_ttl` never expire.
 */
function architect({ partitionKey = '_idx' }: LayoutOptions): LayoutRow {
  return {
    partitionKey: '_idx',
    dataAttribute: undefined,
    codec: attributeCodec([partitionKey, '_ttl']),
    attributesOf: ({ text }) => documentOfText(text),
    textOf: item => {
      const { [partitionKey]: _key, _ttl, ...document } = item
      return textOfDocument(document)
    },
    expiry: expiryIn({ _ttl: 's' }, true),
  }
}

/** A codec for data whose keys become attributes, and must not be any of the layout's own. */
function attributeCodec(reserved: readonly string[]): SessionCodec {
  const codec = documentCodec(0)
  return {
    ...codec,
    encode: (data, basis) => {
      const text = codec.encode(data, basis)
      const document = documentOfText(text)
      const name = reserved.find(attribute => Object.hasOwn(document, attribute))
      if (name === undefined) return text
      throw invalidSessionData(
        `the session data have the key "${name}", an attribute that holds something else of a session`,
      )
    },
  }
}

/** Base64 of what every value of Ruby's Marshal format 4.8 starts with. */
const MARSHAL = /^BA[gh]/

function rubyTextOf(item: Item): string {
  const text = textOf(item['data'])
  if (text === undefined) throw noSession('data')
  if (!MARSHAL.test(text)) return text
  throw new SessionCorruptError(
    "the stored session is in Ruby's Marshal format, which nothing but Ruby can read; it was left as it is. Let the " +
      'Ruby application write JSON first: aws-sessionstore-dynamodb 3.1 or newer with serializer: :json_allow_marshal',
  )
}

/** The milliseconds of a text of seconds, cut off there: Ruby writes up to seven digits behind the point. */
function rubyCreatedOf(item: Item): number | undefined {
  const match = /^(\d{1,12})(?:\.(\d+))?$/.exec(textOf(item['created_at']) ?? '')
  if (match === null) return undefined
  const [, seconds = '', fraction = ''] = match
  return Number(seconds + fraction.slice(0, 3).padEnd(3, '0'))
}

/** Texts of the same number of digits before the point are in the order of the numbers. */
function sameRubySession({ createdMs }: SessionIdentity): Condition | undefined {
  if (createdMs === undefined) return undefined
  return {
    expression: '#began >= :beganFrom AND #began < :beganBefore',
    names: { '#began': 'created_at' },
    values: {
      ':beganFrom': { S: rubySeconds(createdMs).replace(/\.0$/, '') },
      ':beganBefore': { S: rubySeconds(createdMs + 1).replace(/\.0$/, '') },
    },
  }
}

/** Seconds as Ruby writes them: without a zero at the end, but the one behind the point. */
function rubySeconds(ms: number): string {
  return (ms / 1000).toFixed(3).replace(/0{1,2}$/, '')
}
