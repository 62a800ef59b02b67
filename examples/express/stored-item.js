/** What the store keeps for a session, worked out from outside: nothing here asks DynamoDB. */
import { createHash } from 'node:crypto'

/**
 * @typedef {object} StoredItem
 * @property {string} key the partition key `id`
 * @property {string} sessionIdStart the first characters of the session ID: enough to compare, too few to use
 * @property {Date} expiresAt
 * @property {number} expires the TTL attribute, in epoch seconds
 * @property {string} data JSON text, indented for reading
 * @property {number} dataBytes size of the JSON text as it is stored, without the indentation
 */

/**
 * Describes the item of a session as the store writes it with its default options.
 *
 * The key is the SHA-256 of the session ID: whoever reads the table cannot make a cookie of what is in it.
 *
 * @param {string} sessionId
 * @param {import('express-session').Session} session
 * @returns {StoredItem}
 */
export function storedItem(sessionId, session) {
  const expiresAt = session.cookie.expires ?? new Date(Number.NaN)
  return {
    key: createHash('sha256').update(sessionId).digest('base64url'),
    sessionIdStart: sessionId.slice(0, 4),
    expiresAt,
    expires: Math.ceil(expiresAt.getTime() / 1000),
    data: JSON.stringify(session, undefined, 2),
    dataBytes: Buffer.byteLength(JSON.stringify(session)),
  }
}
