import { nativeKey, sessionId, table } from './session-names.mjs'

export { nativeKey, sessionId, table }

/** @typedef {import('../../dist/types.js').Item} Item */

/** What every contender is configured with. */
export const region = 'us-east-1'
export const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}

/** Sizes of sessions, in bytes of JSON; the first is little more than the cookie of express-session. */
export const itemSizes = [102, 512, 4096, 65_536, 399_360]

/** A scan of the stub server finds this many pages, in each segment where it is asked for some. */
export const pagesPerScan = 20
export const itemsPerPage = 250

/** When the one session of the benchmark expires: far enough ahead for every run. */
export const expiresMs = Date.UTC(2100, 0, 1)

/**
 * Data of a session as express-session keeps it, whose JSON has about the given size.
 *
 * @param {number} itemBytes
 */
export function sessionData(itemBytes) {
  const cookie = {
    originalMaxAge: 86_400_000,
    expires: new Date(expiresMs).toISOString(),
    httpOnly: true,
    path: '/',
  }
  if (itemBytes < 300) return { cookie }
  const data = {
    cookie,
    user: { id: 48_113, name: 'Ada Lovelace', roles: ['customer'] },
    csrfToken: 'mJ4Yt0o1Rk2b9cVQ7xWzLg',
    cart: /** @type {{ sku: string, title: string, quantity: number, price: number }[]} */ ([]),
    note: '',
  }
  const entry = { sku: 'SKU-1000', title: 'A cup, hand made', quantity: 1, price: 1250 }
  const room = itemBytes - JSON.stringify(data).length
  for (let index = 0; index < Math.floor(room / (JSON.stringify(entry).length + 3)); index++) {
    data.cart.push({ ...entry, sku: `SKU-${1000 + index}`, quantity: 1 + (index % 3) })
  }
  data.note = 'x'.repeat(Math.max(0, itemBytes - JSON.stringify(data).length))
  return data
}

/**
 * The session as an item.
 *
 * @param {import('../types.d.ts').LayoutName} layout
 * @param {number} itemBytes
 * @returns {Item}
 */
export function storedItem(layout, itemBytes) {
  const text = JSON.stringify(sessionData(itemBytes))
  const expires = { N: String(expiresMs / 1000) }
  return layout === 'native'
    ? {
        id: { S: nativeKey },
        data: { S: text },
        expires,
        expiresMs: { N: String(expiresMs) },
        rev: { S: 'q0sXbVJ3c1Zy' },
        created: { N: '1760000000' },
      }
    : { id: { S: `sess:${sessionId}` }, expires, type: { S: 'connect-session' }, sess: { S: text } }
}

/**
 * Fails when an answer is not what the stub server serves: a contender that reads nothing is not measured.
 *
 * @param {import('../types.d.ts').Job} job
 * @param {unknown} answer Parsed output of the operation.
 */
export function verifyOutput({ operation, itemBytes }, answer) {
  const expected = operation === 'get' ? { Item: storedItem('native', itemBytes) } : {}
  if (JSON.stringify(answer) !== JSON.stringify(expected))
    throw new Error(`unexpected answer to ${operation}`)
}
