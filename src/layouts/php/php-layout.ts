import { isUtf8 } from 'node:buffer'

import { invalidArgument, SessionCorruptError } from '../../errors.ts'
import type { AttributeValue, SessionData } from '../../types.ts'
import { binaryOf, textOf } from '../attributes.ts'
import { expiryIn } from '../foreign/expiry-rule.ts'
import { foreignLayout, noSession } from '../foreign/foreign-layout.ts'
import type { Layout, SessionCodec } from '../layout.ts'
import type { EmptyArray } from './node-reader.ts'
import { LOCK_ATTRIBUTES, phpLocks } from './php-locks.ts'
import { isSamePhpValue } from './same-value.ts'
import { phpSessionCodec } from './session-format.ts'
import type { PhpSerializer } from './session-variables.ts'

/** Options of {@link phpLayout}. What is absent is as PHP's handlers have it. */
export interface PhpLayoutOptions {
  /** Name of the partition key attribute. */
  readonly partitionKey: string
  /** What every key starts with, before the session name. */
  readonly prefix: string
  /** @default 'PHPSESSID' */
  readonly sessionName?: string | undefined
  /** @default 'php' */
  readonly serializer?: PhpSerializer | undefined
  /** @default false */
  readonly base64?: boolean | undefined
  /** @default 'list' */
  readonly emptyArray?: EmptyArray | undefined
  /** @default 'data' */
  readonly dataAttribute?: string | undefined
  /** @default 'string' */
  readonly dataAttributeType?: 'string' | 'binary' | undefined
  /** @default 'expires' */
  readonly ttlAttribute?: string | undefined
  /** @default 60 */
  readonly staleLockSeconds?: number | undefined
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/

/**
 * The items of PHP's session handlers for DynamoDB: that of the AWS SDK for PHP, and Idealstack's (`base64: true`).
 *
 * The text of a session is the bytes that PHP serialises it to, one character each.
 *
 * @throws {TypeError} `INVALID_OPTION` when two attributes have the same name.
 */
export function phpLayout(options: PhpLayoutOptions): Layout {
  const { partitionKey, prefix, sessionName = 'PHPSESSID', base64 = false } = options
  const { dataAttribute = 'data', ttlAttribute = 'expires', dataAttributeType = 'string' } = options
  const { staleLockSeconds = 60 } = options
  if (
    dataAttribute === ttlAttribute ||
    [dataAttribute, ttlAttribute].some(name => LOCK_ATTRIBUTES.includes(name))
  ) {
    throw invalidArgument(
      'INVALID_OPTION',
      'the options "dataAttribute" and "ttlAttribute" have to be different attributes, and neither "lock" nor "lockUntil"',
    )
  }
  return foreignLayout({
    name: 'php',
    partitionKey,
    prefix,
    dataAttribute,
    otherAttributes: [ttlAttribute, ...LOCK_ATTRIBUTES],
    codec: latin1Codec(options),
    expiry: expiryIn([{ name: ttlAttribute, unit: 's' }]),
    keyOf: id => prefix + trimmed(`${sessionName}_${id}`),
    keyStart: prefix + `${sessionName}_`.replace(/^_+/, ''),
    dataOf: ({ text }) => {
      const bytes = Buffer.from(text, 'latin1')
      const stored = base64 ? Buffer.from(bytes.toString('base64')) : bytes
      return dataAttributeType === 'binary' ? { B: stored.toString('base64') } : { S: utf8Of(stored) }
    },
    textOf: value => {
      const stored = bytesOf(value)
      if (stored === undefined) throw noSession(dataAttribute)
      return (base64 ? fromBase64(stored) : stored).toString('latin1')
    },
    lock: phpLocks({ dataAttribute, ttlAttribute, staleAfterMs: staleLockSeconds * 1000 }),
  })
}

/** The codec of PHP sessions whose text is their bytes, one character each. */
export function latin1Codec({
  serializer,
  emptyArray,
}: Pick<PhpLayoutOptions, 'serializer' | 'emptyArray'>): SessionCodec {
  const codec = phpSessionCodec({
    ...(serializer !== undefined && { serializer }),
    ...(emptyArray !== undefined && { emptyArray }),
  })
  return {
    encode: (data, basis) => {
      const bytes = codec.encode(data as SessionData, basis === undefined ? undefined : bytesOfText(basis))
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    },
    decode: text => codec.decode(bytesOfText(text)),
    decodeExactly: text => codec.decodeExactly(bytesOfText(text)),
    isSame: isSamePhpValue,
  }
}

function bytesOfText(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

function bytesOf(value: AttributeValue): Buffer | undefined {
  const text = textOf(value)
  if (text !== undefined) return Buffer.from(text)
  const binary = binaryOf(value)
  return binary === undefined ? undefined : Buffer.from(binary, 'base64')
}

function fromBase64(stored: Buffer): Buffer {
  const text = stored.toString('latin1')
  if (BASE64.test(text)) return Buffer.from(text, 'base64')
  throw new SessionCorruptError(
    'the stored session is not in base64, although the option "base64" says so; it was left as it is',
  )
}

function utf8Of(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString()
  throw invalidArgument(
    'INVALID_SESSION_DATA',
    'the session data have bytes that are not UTF-8, which an attribute of type S cannot hold; use "dataAttributeType": ' +
      '"binary" here and in PHP',
  )
}

/** As PHP's handlers do it, at both ends. */
function trimmed(key: string): string {
  return key.replace(/^_+/, '').replace(/_+$/, '')
}
