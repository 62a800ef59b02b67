import { corrupt, invalidSessionData, invalidSessionId } from '../../errors.ts'
import type { AttributeValue, Item, SessionData } from '../../types.ts'
import { sourceJsonCodec } from '../foreign/codecs.ts'
import { defineLayout, expiryIn, type LayoutRow, noSession } from '../foreign/define-layout.ts'
import type { Condition, Layout, LockProtocol, SessionCodec } from '../layout.ts'
import { binaryOf, numberOf, numberTextOf, textOf } from '../attributes.ts'
import type { LayoutOptions } from '../layout-settings.ts'
import { isSamePhpValue } from './js-values.ts'
import { limitsOf } from './node.ts'
import { parseOne } from './parser.ts'
import { phpTextCodec } from './session-format.ts'
import { byteText, decodeUtf8, encodeUtf8, PhpBytes } from './values.ts'

const LOCK = 'lock'
const UNTIL = 'lockUntil'
/** What PHP writes; it looks at nothing but whether the attribute is there. */
const LOCK_OF_PHP = '1'

/** The attributes of a lock. */
const LOCK_ATTRIBUTES: readonly string[] = [LOCK, UNTIL]

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/
/** Laravel takes no other session IDs. */
const LARAVEL_ID = /^[A-Za-z\d]{40}$/

/**
 * The items of PHP's session handlers for DynamoDB: that of the AWS SDK for PHP, and Idealstack's (`base64: true`).
 *
 * The text of a session is the bytes that PHP serialises it to, one character each.
 *
 * @throws {TypeError} `INVALID_OPTION` when two attributes have the same name.
 */
export function phpLayout(settings: LayoutOptions): Layout {
  const { prefix = '', sessionName = 'PHPSESSID', base64 = false } = settings
  const { dataAttribute = 'data', ttlAttribute = 'expires', dataAttributeType = 'string' } = settings
  const { staleLockSeconds = 60 } = settings
  const row: LayoutRow = {
    partitionKey: 'id',
    dataAttribute,
    codec: phpTextCodec(settings),
    expiry: expiryIn({ [ttlAttribute]: 's' }),
    // PHP's handlers trim it at both ends.
    keyOf: id => prefix + `${sessionName}_${id}`.replace(/^_+/, '').replace(/_+$/, ''),
    keyStart: prefix + `${sessionName}_`.replace(/^_+/, ''),
    attributesOf: ({ text }) => {
      const stored = base64 ? btoa(text) : text
      return { [dataAttribute]: dataAttributeType === 'binary' ? { B: btoa(stored) } : { S: utf8Of(stored) } }
    },
    textOf: item => {
      const stored = byteTextOf(item[dataAttribute])
      if (stored === undefined) throw noSession(dataAttribute)
      return base64 ? fromBase64(stored) : stored
    },
    lock: phpLocks({ dataAttribute, ttlAttribute, staleAfterMs: staleLockSeconds * 1000 }),
  }
  return defineLayout('php', row, settings)
}

/**
 * The items of Laravel's session driver `dynamodb`, which keeps sessions in its cache: `value` is a serialised PHP string,
 * in which the session is serialised once more, in PHP's format or as JSON.
 *
 * Other entries of the cache share the table and the prefix. Those whose keys are as long as those of sessions cannot be
 * told from sessions by their key.
 */
export function laravelLayout(settings: LayoutOptions): Layout {
  const row: LayoutRow = {
    partitionKey: 'key',
    dataAttribute: 'value',
    idLength: 40,
    codec: payloadCodec(settings.serialization ?? 'php'),
    expiry: expiryIn({ expires_at: 's' }),
    attributesOf: ({ text }, id) => {
      if (!LARAVEL_ID.test(id)) {
        throw invalidSessionId(
          'Laravel takes session IDs of exactly 40 letters and digits; have the framework make such IDs (its option is ' +
            'often called "genid")',
        )
      }
      const payload = decodeUtf8(text)
      if (payload === undefined) {
        throw invalidSessionData(
          'the session data have bytes that are not UTF-8, which Laravel cannot keep in DynamoDB either',
        )
      }
      return { value: { S: `s:${text.length}:"${payload}";` } }
    },
    textOf: item => {
      const stored = textOf(item['value'])
      if (stored === undefined) throw noSession('value')
      const payload = parseOne(encodeUtf8(stored), limitsOf({}))
      const text = payload.kind === 'scalar' ? payload.value : undefined
      if (text instanceof PhpBytes) return byteText(text.bytes)
      if (typeof text !== 'string') throw noSession('value')
      return encodeUtf8(text)
    },
  }
  return defineLayout('laravel', row, settings)
}

function payloadCodec(serialization: 'php' | 'json'): SessionCodec {
  const php = phpTextCodec({ serializer: 'php_serialize' })
  const codecOf = (text: string): SessionCodec => {
    if (text.startsWith('a:')) return php
    if (text.startsWith('{') || text.startsWith('[')) return jsonPayload
    throw corrupt(
      'the stored session is neither serialised PHP nor JSON; it is encrypted if Laravel has session.encrypt on, which this ' +
        'layout cannot read',
    )
  }
  const forNew = serialization === 'json' ? jsonPayload : php
  return {
    encode: (data, basis) => (basis === undefined ? forNew : codecOf(basis)).encode(data, basis),
    decode: text => codecOf(text).decode(text),
    decodeExactly: text => codecOf(text).decodeExactly(text),
    isSame: isSamePhpValue,
  }
}

const jsonPayload: SessionCodec = {
  ...sourceJsonCodec,
  encode: (data, basis) => encodeUtf8(sourceJsonCodec.encode(data, basis && jsonOf(basis))),
  decode: dataOfJson,
  decodeExactly: dataOfJson,
}

function dataOfJson(text: string): SessionData {
  // PHP writes the empty array of an empty session as a list.
  return text === '[]' ? {} : sourceJsonCodec.decode(jsonOf(text))
}

function jsonOf(text: string): string {
  return Buffer.from(text, 'latin1').toString()
}

/** The bytes of an attribute of type S or B, one character each. */
function byteTextOf(value: AttributeValue | undefined): string | undefined {
  const text = textOf(value)
  if (text !== undefined) return encodeUtf8(text)
  const binary = binaryOf(value)
  return binary === undefined ? undefined : Buffer.from(binary, 'base64').toString('latin1')
}

function fromBase64(stored: string): string {
  if (BASE64.test(stored)) return Buffer.from(stored, 'base64').toString('latin1')
  throw corrupt('the stored session is not in base64, although the option "base64" says so')
}

function utf8Of(stored: string): string {
  const text = decodeUtf8(stored)
  if (text !== undefined) return text
  throw invalidSessionData(
    'the session data have bytes that are not UTF-8, which an attribute of type S cannot hold; use "dataAttributeType": ' +
      '"binary" here and in PHP',
  )
}

/** What a {@link phpLocks} has to know of the items. */
interface PhpLocksOptions {
  readonly dataAttribute: string
  readonly ttlAttribute: string
  /** A lock of PHP that has been seen unchanged for this long has been left behind; 0 when none ever is. */
  readonly staleAfterMs: number
}

/**
 * The locks of the AWS SDK for PHP, which are the existence of `lock`.
 *
 * Where PHP writes 1, this writes the holder as a large number, so that a holder whose lock was taken, by PHP or by
 * another process like this one, cannot write (fencing); and the end of the lease beside it, which PHP neither heeds nor
 * removes. It counts only together with such a number.
 */
export function phpLocks({
  dataAttribute,
  ttlAttribute,
  staleAfterMs,
}: PhpLocksOptions): LockProtocol & Required<Pick<LockProtocol, 'takeOver'>> {
  return {
    attributes: LOCK_ATTRIBUTES,
    taken: (owner, untilMs) => ({
      [LOCK]: { N: numberOfOwner(owner) },
      [UNTIL]: { N: String(Math.round(untilMs)) },
    }),
    freeFor: (owner, nowMs) => ({
      expression:
        'attribute_not_exists(#lock) OR #lock = :lockOwner OR (#lock <> :lockOfPhp AND #lockUntil <= :lockNow)',
      names: { '#lock': LOCK, '#lockUntil': UNTIL },
      values: {
        ':lockOwner': { N: numberOfOwner(owner) },
        ':lockOfPhp': { N: LOCK_OF_PHP },
        ':lockNow': { N: String(nowMs) },
      },
    }),
    heldBy: owner => ({
      expression: '#lock = :lockOwner',
      names: { '#lock': LOCK },
      values: { ':lockOwner': { N: numberOfOwner(owner) } },
    }),
    holderOf: item => {
      if (item[LOCK] === undefined) return undefined
      const owner = ownerOf(item[LOCK])
      return { owner, untilMs: owner === undefined ? undefined : numberOf(item[UNTIL]) }
    },
    staleAfterMs: staleAfterMs === 0 ? undefined : staleAfterMs,
    takeOver: item => {
      const lock = item[LOCK]
      if (lock === undefined || ownerOf(lock) !== undefined) return undefined
      return unchanged(item, { lock: LOCK, data: dataAttribute, expires: ttlAttribute })
    },
  }
}

/** Holds for items whose attributes are what they are here. */
function unchanged(item: Item, attributes: Readonly<Record<string, string>>): Condition {
  const names: Record<string, string> = {}
  const values: Record<string, AttributeValue> = {}
  const parts = Object.entries(attributes).map(([part, attribute]) => {
    names[`#${part}Seen`] = attribute
    const value = item[attribute]
    if (value === undefined) return `attribute_not_exists(#${part}Seen)`
    values[`:${part}Seen`] = value
    return `#${part}Seen = :${part}Seen`
  })
  return { expression: parts.join(' AND '), names, values }
}

/** The bytes of the owner's base64url behind a byte that is 1: a number above PHP's, and of no more than 38 digits. */
function numberOfOwner(owner: string): string {
  return BigInt(`0x01${Buffer.from(owner, 'base64url').toString('hex')}`).toString()
}

function ownerOf(lock: AttributeValue): string | undefined {
  const text = numberTextOf(lock) ?? ''
  const digits = /^\d{3,38}$/.test(text) ? text : ''
  const hex = digits === '' ? '' : BigInt(digits).toString(16)
  // The byte that is 1 has one hexadecimal digit, and all others have two.
  return /^1(?:[0-9a-f]{2})+$/.test(hex) ? Buffer.from(hex.slice(1), 'hex').toString('base64url') : undefined
}
