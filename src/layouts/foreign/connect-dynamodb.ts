import { invalidArgument } from '../../errors.ts'
import type { AttributeValue, Item } from '../../types.ts'
import { jsonCodec } from '../json.ts'
import type { Layout, StoredSession } from '../layout.ts'
import { decimalText } from './decimal.ts'
import { expiryIn } from './expiry-rule.ts'
import { type ForeignKeys, foreignLayout } from './foreign-layout.ts'
import { jsonTextOf } from './stored-data.ts'

/** An attribute that is written beside the session, for indexes. */
export interface SpecialKey {
  /** Top-level key of the session data, and name of the attribute. */
  readonly name: string
  /** DynamoDB type of the attribute. */
  readonly type: 'S' | 'N' | 'BOOL'
}

/** Options of {@link connectDynamoDBLayout}. */
export interface ConnectDynamoDBOptions extends ForeignKeys {
  readonly specialKeys: readonly SpecialKey[]
}

const DATA = 'sess'
const EXPIRES = 'expires'
const TYPE = 'type'

/**
 * The items of connect-dynamodb: `sess` is JSON text, `expires` seconds. A special key that the session does not have is
 * removed from the item. Items whose `expires` is missing or no number never expire, until a save or touch gives them one, as in
 * connect-dynamodb itself. A special key may be called `type`, and takes the place of the mark that is there otherwise.
 *
 * @throws {TypeError} `INVALID_OPTION` when a special key would overwrite the session.
 */
export function connectDynamoDBLayout({ partitionKey, prefix, specialKeys }: ConnectDynamoDBOptions): Layout {
  for (const { name } of specialKeys) {
    if (name === partitionKey || name === DATA || name === EXPIRES) {
      throw invalidArgument(
        'INVALID_OPTION',
        `the option "specialKeys" cannot have "${name}", an attribute that holds something else of a session`,
      )
    }
  }
  return foreignLayout({
    name: 'connect-dynamodb',
    partitionKey,
    prefix,
    dataAttribute: DATA,
    otherAttributes: [EXPIRES, TYPE],
    codec: jsonCodec,
    expiry: expiryIn([{ name: EXPIRES, unit: 's' }], true),
    dataOf: ({ text }) => ({ S: text }),
    textOf: value => jsonTextOf(value, DATA),
    others: session => ({ [TYPE]: { S: 'connect-session' }, ...specialAttributes(session, specialKeys) }),
    optionalAttributes: specialKeys.map(({ name }) => name).filter(name => name !== TYPE),
  })
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
  throw invalidArgument(
    'INVALID_SESSION_DATA',
    `the session has a value for the special key "${name}" that is not of its type, ${type}`,
  )
}
