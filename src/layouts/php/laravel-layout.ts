import { isUtf8 } from 'node:buffer'

import { invalidArgument, SessionCorruptError } from '../../errors.ts'
import { textOf } from '../attributes.ts'
import { expiryIn } from '../foreign/expiry-rule.ts'
import { type ForeignKeys, foreignLayout, noSession } from '../foreign/foreign-layout.ts'
import { sourceJsonCodec } from '../foreign/source-json.ts'
import type { SessionData } from '../../types.ts'
import type { Layout, SessionCodec } from '../layout.ts'
import { latin1Codec } from './php-layout.ts'
import { phpSerialize } from './serialize.ts'
import { phpUnserialize } from './unserialize.ts'
import { PhpBytes } from './values.ts'

/** Options of {@link laravelLayout}. */
export interface LaravelLayoutOptions extends ForeignKeys {
  /**
   * How new sessions are written: Laravel's `session.serialization`. A stored session keeps its own.
   *
   * @default 'php'
   */
  readonly serialization?: 'php' | 'json' | undefined
}

const DATA = 'value'
const EXPIRES = 'expires_at'
/** Laravel takes no other session IDs. */
const SESSION_ID = /^[A-Za-z\d]{40}$/

/**
 * The items of Laravel's session driver `dynamodb`, which keeps sessions in its cache: `value` is a serialised PHP string,
 * in which the session is serialised once more, in PHP's format or as JSON.
 *
 * Other entries of the cache share the table and the prefix. Those whose keys are as long as those of sessions cannot be
 * told from sessions by their key.
 */
export function laravelLayout({ serialization = 'php', ...keys }: LaravelLayoutOptions): Layout {
  return foreignLayout({
    ...keys,
    name: 'laravel',
    dataAttribute: DATA,
    otherAttributes: [EXPIRES],
    idLength: 40,
    codec: payloadCodec(serialization),
    expiry: expiryIn([{ name: EXPIRES, unit: 's' }]),
    dataOf: ({ key, text }) => {
      if (!SESSION_ID.test(key.slice(keys.prefix.length))) {
        throw invalidArgument(
          'INVALID_SESSION_ID',
          'Laravel takes session IDs of exactly 40 letters and digits; have the framework make such IDs (its option is ' +
            'often called "genid")',
        )
      }
      const bytes = Buffer.from(text, 'latin1')
      if (!isUtf8(bytes)) {
        throw invalidArgument(
          'INVALID_SESSION_DATA',
          'the session data have bytes that are not UTF-8, which Laravel cannot keep in DynamoDB either',
        )
      }
      return { S: Buffer.from(phpSerialize(bytes)).toString() }
    },
    textOf: value => {
      const stored = textOf(value)
      if (stored === undefined) throw noSession(DATA)
      const payload = phpUnserialize(Buffer.from(stored))
      if (typeof payload === 'string') return Buffer.from(payload).toString('latin1')
      if (payload instanceof PhpBytes) return Buffer.from(payload.bytes).toString('latin1')
      throw noSession(DATA)
    },
  })
}

function payloadCodec(serialization: 'php' | 'json'): SessionCodec {
  const php = latin1Codec({ serializer: 'php_serialize' })
  const codecOf = (text: string): typeof jsonPayload => {
    if (text.startsWith('a:')) return php
    if (text.startsWith('{') || text.startsWith('[')) return jsonPayload
    throw new SessionCorruptError(
      'the stored session is neither serialised PHP nor JSON; it is encrypted if Laravel has session.encrypt on, which this ' +
        'layout cannot read; it was left as it is',
    )
  }
  const forNew = serialization === 'json' ? jsonPayload : php
  return {
    encode: (data, basis) => (basis === undefined ? forNew : codecOf(basis)).encode(data, basis),
    decode: text => codecOf(text).decode(text),
    decodeExactly: text => codecOf(text).decodeExactly(text),
    isSame: (left, right) => php.isSame(left, right),
  }
}

const jsonPayload: Omit<SessionCodec, 'isSame'> = {
  encode: (data, basis) => {
    const stored = basis === undefined ? undefined : utf8Of(basis)
    return Buffer.from(sourceJsonCodec.encode(data, stored)).toString('latin1')
  },
  decode: jsonDataOf,
  decodeExactly: jsonDataOf,
}

/** PHP writes the empty array of an empty session as a list. */
function jsonDataOf(text: string): SessionData {
  return text === '[]' ? {} : sourceJsonCodec.decode(utf8Of(text))
}

function utf8Of(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString()
}
