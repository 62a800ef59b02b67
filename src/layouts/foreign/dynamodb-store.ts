import type { AttributeValue, Item } from '../../types.ts'
import type { Layout } from '../layout.ts'
import { documentOfText, textOfDocument } from './document-codec.ts'
import { expiryIn } from './expiry-rule.ts'
import { type ForeignKeys, foreignLayout } from './foreign-layout.ts'
import { documentTextOf, mapCodec, mapIn } from './stored-data.ts'

const DATA = 'sess'
const EXPIRES = 'expires'
const COOKIE = 'cookie'
/** What the cookie of express-session has besides its own settings, and the store writes with them. */
const COOKIE_INTERNALS: ReadonlySet<string> = new Set(['_expires', 'data', 'maxAge'])

/**
 * The items of dynamodb-store: `sess` is a map, `expires` seconds. The key `updated` that it puts into the session is data
 * like any other.
 *
 * It writes the cookie as an object of express-session, internals and all, and dates as empty maps. Reading leaves the
 * internals out, and takes the date of the cookie from the item's expiry.
 */
export function dynamoDBStoreLayout(keys: ForeignKeys): Layout {
  const expiry = expiryIn([{ name: EXPIRES, unit: 's' }])
  return foreignLayout({
    ...keys,
    name: 'dynamodb-store',
    dataAttribute: DATA,
    otherAttributes: [EXPIRES],
    codec: mapCodec,
    expiry,
    dataOf: ({ text }) => ({ M: documentOfText(text) }),
    textOf: (value, item) => {
      const map = mapIn(value)
      const cookie = mapIn(map?.[COOKIE])
      if (map === undefined || cookie === undefined) return documentTextOf(value, DATA)
      return textOfDocument({ ...map, [COOKIE]: { M: usableCookie(cookie, expiry.expiryOf(item)) } })
    },
  })
}

function usableCookie(cookie: Item, expiresMs: number): Item {
  const settings = Object.entries(cookie).filter(([name]) => !COOKIE_INTERNALS.has(name))
  const usable: Record<string, AttributeValue> = Object.fromEntries(settings)
  if (mapIn(usable[EXPIRES]) !== undefined) {
    const date = new Date(expiresMs)
    usable[EXPIRES] = Number.isNaN(date.getTime()) ? { NULL: true } : { S: date.toISOString() }
  }
  return usable
}
