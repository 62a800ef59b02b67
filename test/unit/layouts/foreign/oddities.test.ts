import { describe, expect, test } from 'vitest'

import { SessionCorruptError } from '../../../../src/errors.ts'
import { NEVER_MS } from '../../../../src/layouts/foreign/define-layout.ts'
import { openLayout } from '../../../../src/layouts/open-layout.ts'
import type { AttributeValue, Item } from '../../../../src/types.ts'
import { sessionIn } from './stored-session.ts'

const EXPIRES_MS = 1_937_000_000_000
const EXPIRES = { N: '1937000000' }
const refused = expect.objectContaining({ name: 'TypeError', code: 'INVALID_SESSION_DATA' }) as Error

describe('connect-dynamodb', () => {
  const specialKeys = [
    { name: 'user', type: 'S' },
    { name: 'visits', type: 'N' },
    { name: 'admin', type: 'BOOL' },
  ] as const

  test('writes special keys beside the session, and leaves absent ones out', async () => {
    const layout = await openLayout({ layout: 'connect-dynamodb', specialKeys })
    expect(layout.optionalAttributes).toEqual(['user', 'visits', 'admin'])
    const all = { user: 'ada', visits: 1e21, admin: false }
    expect(layout.toItem(sessionIn(layout, 'a', all, EXPIRES_MS))).toMatchObject({
      user: { S: 'ada' },
      visits: { N: `1${'0'.repeat(21)}` },
      admin: { BOOL: false },
    })
    const few = layout.toItem(sessionIn(layout, 'a', { user: null, constructor: 'x' }, EXPIRES_MS))
    expect(Object.keys(few).sort()).toEqual(['expires', 'id', 'sess', 'type'])
  })

  test('refuses a value that is not of the type of its special key', async () => {
    const layout = await openLayout({ layout: 'connect-dynamodb', specialKeys })
    for (const data of [{ user: 5 }, { visits: '5' }, { admin: 1 }, { user: {} }]) {
      expect(() => layout.toItem(sessionIn(layout, 'a', data, EXPIRES_MS))).toThrow(refused)
    }
  })

  test.each(['id', 'sess', 'expires'])('has no special key "%s"', async name => {
    const options = { layout: 'connect-dynamodb', specialKeys: [{ name, type: 'S' }] } as const
    await expect(openLayout(options)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('a special key "type" takes the place of the mark', async () => {
    const layout = await openLayout({
      layout: 'connect-dynamodb',
      specialKeys: [{ name: 'type', type: 'S' }],
    })
    expect(layout.toItem(sessionIn(layout, 'a', { type: 'b' }, EXPIRES_MS))['type']).toEqual({ S: 'b' })
    expect(layout.toItem(sessionIn(layout, 'a', {}, EXPIRES_MS))['type']).toEqual({ S: 'connect-session' })
    expect(layout.optionalAttributes).toEqual([])
  })

  test('reads data of type M as well', async () => {
    const layout = await openLayout({ layout: 'connect-dynamodb' })
    const sess = { M: { user: { S: 'ada' }, tags: { SS: ['a'] } } }
    const read = layout.fromItem({ id: { S: 'sess:a' }, sess, expires: EXPIRES })
    expect(read.data).toEqual({ user: 'ada', tags: ['a'] })
    expect(read.version).toEqual(sess)
  })
})

describe('dynamodb-store', () => {
  const cookie: Record<string, AttributeValue> = {
    path: { S: '/' },
    _expires: { M: {} },
    originalMaxAge: { N: '3600000' },
    httpOnly: { BOOL: true },
    expires: { M: {} },
    maxAge: { N: '3599999' },
    data: { M: { originalMaxAge: { N: '3600000' }, expires: { M: {} } } },
  }
  const item = (changes: Item): Item => ({
    sessionId: { S: 'sess:a' },
    sess: {
      M: { cookie: { M: { ...cookie, ...changes } }, updated: { N: '1936999999999' }, lost: { M: {} } },
    },
    expires: EXPIRES,
  })

  test('takes the lost date of the cookie from the item, and leaves its internals out', async () => {
    const layout = await openLayout({ layout: 'dynamodb-store' })
    const read = layout.fromItem(item({}))
    expect(read.data).toEqual({
      cookie: {
        path: '/',
        originalMaxAge: 3_600_000,
        httpOnly: true,
        expires: new Date(EXPIRES_MS).toISOString(),
      },
      updated: 1_936_999_999_999,
      lost: {},
    })
    expect(read.version).toEqual(item({})['sess'])
    expect(layout.codec.encode(read.data, read.text)).toBe(read.text)
  })

  test.each<[string, AttributeValue, unknown]>([
    ['a text', { S: '2031-01-01T00:00:00.000Z' }, '2031-01-01T00:00:00.000Z'],
    ['null', { NULL: true }, null],
  ])('keeps an expiry of the cookie that is %s', async (_, expires, expected) => {
    const layout = await openLayout({ layout: 'dynamodb-store' })
    expect(layout.fromItem(item({ expires })).data).toMatchObject({ cookie: { expires: expected } })
  })

  test('reads sessions without a cookie, and as JSON text', async () => {
    const layout = await openLayout({ layout: 'dynamodb-store' })
    const key = { sessionId: { S: 'sess:a' }, expires: EXPIRES }
    expect(layout.fromItem({ ...key, sess: { M: { a: { N: '1' } } } }).data).toEqual({ a: 1 })
    expect(layout.fromItem({ ...key, sess: { S: '{"a":1}' } }).data).toEqual({ a: 1 })
  })
})

describe('pwrdrvr', () => {
  test('reads JSON text, and writes a map', async () => {
    const layout = await openLayout({ layout: 'pwrdrvr' })
    const stored = { id: { S: 'session#a' }, sess: { S: '{"a":[1],"lastModified":"x"}' }, expires: EXPIRES }
    const read = layout.fromItem(stored)
    expect(read.data).toEqual({ a: [1], lastModified: 'x' })
    expect(layout.toItem(read)['sess']).toEqual({
      M: { a: { L: [{ N: '1' }] }, lastModified: { S: 'x' } },
    })
    expect(() => layout.fromItem({ ...stored, sess: { S: '[1]' } })).toThrow(SessionCorruptError)
  })
})

describe('serverless-dynamodb-session-store', () => {
  test('takes sessions without an expiry for endless ones', async () => {
    const layout = await openLayout({ layout: 'serverless-dynamodb-session-store' })
    const item = { sessionId: { S: 'a' }, session_data: { S: '{}' } }
    expect(layout.expiryOf({ ...item, expireTime: { NULL: true }, expireTime_TTL: { NULL: true } })).toBe(
      NEVER_MS,
    )
    expect(layout.expiryOf({ ...item, expireTime: { NULL: true }, expireTime_TTL: EXPIRES })).toBe(EXPIRES_MS)
  })
})

describe('adonis', () => {
  test('knows the envelope by the ID without the prefix', async () => {
    const layout = await openLayout({ layout: 'adonis', prefix: 'app:' })
    expect(layout.fromItem(adonisItem({ b: 1 }, 'a')).data).toEqual({ b: 1 })
  })

  test.each([
    ['of another session', adonisItem({}, 'b')],
    ['of no session', adonisItem({}, undefined)],
    ['of a list', adonisItem([], 'a')],
    ['of nothing', adonisItem(null, 'a')],
    ['of a text', adonisItem('x', 'a')],
  ])('refuses an envelope %s', async (_, item) => {
    const layout = await openLayout({ layout: 'adonis', prefix: 'app:' })
    expect(() => layout.fromItem(item)).toThrow(SessionCorruptError)
  })
})

describe('aws-ruby', () => {
  test('says what to do about the Marshal format', async () => {
    const layout = await openLayout({ layout: 'aws-ruby' })
    // Marshal.dump of { "user" => "ada" }, {}, nil and [].
    for (const data of ['BAh7BkkiCXVzZXIGOgZFVEkiCGFkYQY7AFQ=\n', 'BAh7AA==\n', 'BAgw\n', 'BAhbAA==\n']) {
      const item = { session_id: { S: 'a' }, data: { S: data }, expire_at: EXPIRES }
      expect(() => layout.fromItem(item)).toThrow(/Marshal.*:json_allow_marshal/)
    }
  })

  test.each([
    ['1936000000.1234567', 1_936_000_000_123],
    ['1936000000.0', 1_936_000_000_000],
    ['1936000000.5', 1_936_000_000_500],
    ['1936000000', 1_936_000_000_000],
  ])('tells a session that began at %s from others', async (text, createdMs) => {
    const layout = await openLayout({ layout: 'aws-ruby' })
    expect(layout.createdOf({ created_at: { S: text } })).toBe(createdMs)
    const same = layout.sameSessionAs({ createdMs })
    const [from, before] = Object.values(same?.values ?? {}).map(value => ('S' in value ? value.S : ''))
    expect(text >= String(from) && text < String(before)).toBe(true)
    const other = layout.sameSessionAs({ createdMs: createdMs + 1000 })
    const [otherFrom] = Object.values(other?.values ?? {}).map(value => ('S' in value ? value.S : ''))
    expect(text < String(otherFrom)).toBe(true)
  })

  test('does not know when a session began that does not say', async () => {
    const layout = await openLayout({ layout: 'aws-ruby' })
    expect(layout.createdOf({})).toBeUndefined()
    expect(layout.createdOf({ created_at: { S: 'x' } })).toBeUndefined()
    expect(layout.sameSessionAs({ createdMs: undefined })).toBeUndefined()
  })
})

describe('architect', () => {
  test('has the keys of the session as attributes', async () => {
    const layout = await openLayout({ layout: 'architect' })
    const item = { _idx: { S: 'a' }, _ttl: EXPIRES, user: { S: 'ada' }, tags: { SS: ['x'] } }
    const read = layout.fromItem(item)
    expect(read.data).toEqual({ user: 'ada', tags: ['x'] })
    expect(layout.toItem(read)).toEqual(item)
    expect(layout.replacesItems).toBe(true)
    expect(layout.versionAttribute).toBeUndefined()
  })

  test('takes items with nothing but a key for empty sessions that never end', async () => {
    const layout = await openLayout({ layout: 'architect' })
    const item = { _idx: { S: 'a' } }
    expect(layout.hasNoData(item)).toBe(false)
    expect(layout.fromItem(item)).toMatchObject({ data: {}, expiresMs: NEVER_MS })
  })

  test('refuses session keys that are the attributes of the item', async () => {
    const layout = await openLayout({ layout: 'architect', partitionKey: 'id' })
    expect(() => layout.codec.encode({ _ttl: 1 }, undefined)).toThrow(refused)
    expect(() => layout.codec.encode({ id: 1 }, undefined)).toThrow(refused)
    expect(layout.codec.encode({ _idx: 1 }, undefined)).toBe('{"_idx":{"N":"1"}}')
  })
})

function adonisItem(message: unknown, purpose: unknown): Item {
  return {
    key: { S: 'app:a' },
    value: { S: JSON.stringify({ message, purpose }) },
    expires_at: { N: String(EXPIRES_MS) },
  }
}
