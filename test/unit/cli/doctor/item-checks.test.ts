import { describe, expect, test } from 'vitest'

import { writerOf } from '../../../../src/cli/doctor/item-checks.ts'
import type { Item } from '../../../../src/types.ts'

const S = { S: 'text' }
const N = { N: '1795491987' }
const B = { B: 'AAAA' }
const M = { M: {} }

const items: readonly (readonly [string, Item])[] = [
  ['dynamodb-sessions', { id: S, data: S, expires: N, expiresMs: N, rev: S, created: N }],
  ['dynamodb-sessions', { sid: S, data: B, expires: N, expiresMs: N, rev: S }],
  ['connect-dynamodb', { id: { S: 'sess:x' }, sess: S, expires: { N: '1795398547.969' }, type: S }],
  ['@pwrdrvr/dynamodb-session-store', { id: { S: 'session#x' }, sess: M, expires: N, lastModified: S }],
  ['@pwrdrvr/dynamodb-session-store', { id: { S: 'session#x' }, sess: S, expires: N }],
  ['dynamodb-store', { sessionId: { S: 'sess:x' }, sess: M, expires: N, updated: N }],
  ['connect-dynamodb-session', { id: S, content: S, expires: N, lastModified: N }],
  ['serverless-dynamodb-session-store', { sessionId: S, session_data: S, expireTime: { NULL: true } }],
  ['koa-session-dynamodb', { sessionId: S, session: M, expires: N }],
  ['Laravel', { key: S, value: { S: 's:6:"a:0:{}";' }, expires_at: N }],
  ['AdonisJS', { key: S, value: S, expires_at: N }],
  ['Remix or React Router (architect)', { _idx: S, _ttl: N, user: S }],
  ['the AWS SDK for PHP', { id: { S: 'PHPSESSID_x' }, data: S, expires: N }],
  ['the AWS SDK for PHP', { id: S, data: B, expires: N, lock: N }],
  ['the AWS SDK for Ruby', { session_id: S, data: S, expire_at: N, created_at: N }],
  ['flask-session', { id: S, val: B, expiration: { N: '1795398547.9' } }],
  ['a touch of a session that was gone', { id: S, expires: N }],
  ['other software', { id: S, name: S }],
  ['other software', {}],
]

describe('writerOf', () => {
  test.each(items)('%s (%j)', (writer, item) => {
    expect(writerOf(item)).toBe(writer)
  })
})
