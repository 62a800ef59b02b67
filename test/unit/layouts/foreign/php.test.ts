import { randomBytes } from 'node:crypto'

import { describe, expect, test } from 'vitest'

import { SessionCorruptError } from '../../../../src/errors.ts'
import type { LayoutOptions } from '../../../../src/layouts/layout-settings.ts'
import { checkAttributes } from '../../../../src/layouts/open-layout.ts'
import { phpLayout, phpLocks } from '../../../../src/layouts/php/php-layouts.ts'
import { sessionIn } from './stored-session.ts'

const EXPIRES_MS = 1_937_000_000_000
const keys = { partitionKey: 'id', prefix: '' }
const refused = (code: string): Error => expect.objectContaining({ name: 'TypeError', code }) as Error

describe('phpLayout', () => {
  test.each([
    ['PHPSESSID', 'abc', 'PHPSESSID_abc'],
    ['_app_', 'abc', 'app__abc'],
    ['app', '__abc__', 'app___abc'],
    ['___', 'abc', 'abc'],
    ['app', '_', 'app'],
  ])('with session name %s, the key of %s is %s, as PHP trims it', (sessionName, id, key) => {
    const layout = phpLayout({ ...keys, sessionName })
    expect(layout.keyOf(id)).toBe(key)
  })

  test.each<[string, Partial<LayoutOptions>, object]>([
    ['as text', {}, { S: 'user|s:3:"ada";' }],
    ['as bytes', { dataAttributeType: 'binary' }, { B: 'dXNlcnxzOjM6ImFkYSI7' }],
    ['in base64', { base64: true }, { S: 'dXNlcnxzOjM6ImFkYSI7' }],
    [
      'in base64, as bytes',
      { base64: true, dataAttributeType: 'binary' },
      { B: 'ZFhObGNueHpPak02SW1Ga1lTSTc=' },
    ],
    ['of another serializer', { serializer: 'php_serialize' }, { S: 'a:1:{s:4:"user";s:3:"ada";}' }],
    ['of the third serializer', { serializer: 'php_binary' }, { S: '\u0004users:3:"ada";' }],
  ])('writes and reads data %s', (_, options, stored) => {
    const layout = phpLayout({ ...keys, ...options, dataAttribute: 'blob', ttlAttribute: 'ends' })
    const item = layout.toItem(sessionIn(layout, 'abc', { user: 'ada' }, EXPIRES_MS))
    expect(item).toEqual({ id: { S: 'PHPSESSID_abc' }, blob: stored, ends: { N: '1937000000' } })
    expect(layout.fromItem(item).data).toEqual({ user: 'ada' })
  })

  test('reads bytes where text is written, and text where bytes are', () => {
    const [text, binary] = (['string', 'binary'] as const).map(dataAttributeType =>
      phpLayout({ ...keys, dataAttributeType }),
    )
    const item = text?.toItem(sessionIn(text, 'abc', { user: 'Zoë' }, EXPIRES_MS)) ?? {}
    expect(binary?.fromItem(item).data).toEqual({ user: 'Zoë' })
    const other = binary?.toItem(sessionIn(binary, 'abc', { user: 'Zoë' }, EXPIRES_MS)) ?? {}
    expect(text?.fromItem(other).data).toEqual({ user: 'Zoë' })
  })

  test('an empty session is data, not a leftover', () => {
    const layout = phpLayout(keys)
    const item = layout.toItem(sessionIn(layout, 'abc', {}, EXPIRES_MS))
    expect(item['data']).toEqual({ S: '' })
    expect(layout.hasNoData(item)).toBe(false)
    expect(layout.fromItem(item).data).toEqual({})
  })

  test('writes untouched variables byte for byte as they were', () => {
    const layout = phpLayout(keys)
    const data = 'obj|O:3:"Foo":1:{s:1:"x";d:1.0E+25;}n|d:1;visits|i:1;'
    const read = layout.fromItem({
      id: { S: 'PHPSESSID_abc' },
      data: { S: data },
      expires: { N: '1937000000' },
    })
    const text = layout.codec.encode({ ...read.data, visits: 2 }, read.text)
    expect(layout.toItem({ ...read, text })['data']).toEqual({ S: data.replace('visits|i:1', 'visits|i:2') })
  })

  test('bytes that are not UTF-8 need an attribute for bytes, or base64', () => {
    const data = { bytes: new Uint8Array([0xff, 0xfe]) }
    const text = phpLayout(keys)
    expect(() => text.toItem(sessionIn(text, 'abc', data, EXPIRES_MS))).toThrow(
      refused('INVALID_SESSION_DATA'),
    )
    for (const options of [{ base64: true }, { dataAttributeType: 'binary' }] as const) {
      const layout = phpLayout({ ...keys, ...options })
      const read = layout.fromItem(layout.toItem(sessionIn(layout, 'abc', data, EXPIRES_MS)))
      expect(read.data['bytes']).toMatchObject({ bytes: new Uint8Array([0xff, 0xfe]) })
    }
  })

  test('data that are not in base64 although they should be are corrupt', () => {
    const layout = phpLayout({ ...keys, base64: true })
    const item = { id: { S: 'PHPSESSID_abc' }, expires: { N: '1937000000' } }
    for (const data of ['user|s:3:"ada";', 'dXNl=', 'dXNlc']) {
      expect(() => layout.fromItem({ ...item, data: { S: data } })).toThrow(SessionCorruptError)
    }
  })

  test.each([
    { dataAttribute: 'expires' },
    { ttlAttribute: 'data' },
    { dataAttribute: 'lock' },
    { ttlAttribute: 'lockUntil' },
    { partitionKey: 'data' },
    { partitionKey: 'lock' },
  ])('refuses attributes that are the same: %j', options => {
    expect(() => checkAttributes({ layout: 'php', ...options })).toThrow(refused('INVALID_OPTION'))
  })
})

describe('phpLocks', () => {
  const locks = phpLocks({ dataAttribute: 'data', ttlAttribute: 'expires', staleAfterMs: 60_000 })
  const item = { id: { S: 'x' }, data: { S: 'a|i:1;' }, expires: { N: '1937000000' } }

  test('tells its own holders, and when their lease ends', () => {
    for (let round = 0; round < 200; round++) {
      const owner = randomBytes(12).toString('base64url')
      const taken = locks.taken(owner, EXPIRES_MS)
      expect(taken).toEqual({
        lock: { N: expect.stringMatching(/^[1-9]\d{28,37}$/) as string },
        lockUntil: { N: String(EXPIRES_MS) },
      })
      expect(locks.holderOf({ ...item, ...taken })).toEqual({ owner, untilMs: EXPIRES_MS })
    }
    const zeros = Buffer.alloc(12).toString('base64url')
    expect(locks.holderOf(locks.taken(zeros, 5))).toEqual({ owner: zeros, untilMs: 5 })
  })

  test('knows of the lock of PHP that it is there, and heeds no end that is left of another', () => {
    expect(locks.holderOf(item)).toBeUndefined()
    expect(locks.holderOf({ ...item, lockUntil: { N: '5' } })).toBeUndefined()
    const unknown = { owner: undefined, untilMs: undefined }
    expect(locks.holderOf({ ...item, lock: { N: '1' } })).toEqual(unknown)
    expect(locks.holderOf({ ...item, lock: { N: '1' }, lockUntil: { N: '5' } })).toEqual(unknown)
    expect(locks.holderOf({ ...item, lock: { S: 'x' } })).toEqual(unknown)
    expect(locks.holderOf({ ...item, lock: { N: '12345' } })).toEqual(unknown)
  })

  test('recognises a lock of PHP that has not changed', () => {
    const locked = { ...item, lock: { N: '1' } }
    expect(locks.takeOver(locked)).toEqual({
      expression: '#lockSeen = :lockSeen AND #dataSeen = :dataSeen AND #expiresSeen = :expiresSeen',
      names: { '#lockSeen': 'lock', '#dataSeen': 'data', '#expiresSeen': 'expires' },
      values: { ':lockSeen': { N: '1' }, ':dataSeen': item.data, ':expiresSeen': item.expires },
    })
    expect(locks.takeOver({ id: item.id, lock: { N: '1' } })?.expression).toBe(
      '#lockSeen = :lockSeen AND attribute_not_exists(#dataSeen) AND attribute_not_exists(#expiresSeen)',
    )
  })

  test('takes no lock over that ends by itself, and none at all when it is told not to', () => {
    expect(locks.takeOver(item)).toBeUndefined()
    expect(locks.takeOver({ ...item, ...locks.taken('abcd', 5) })).toBeUndefined()
    const patient = phpLocks({ dataAttribute: 'data', ttlAttribute: 'expires', staleAfterMs: 0 })
    expect(patient.staleAfterMs).toBeUndefined()
    expect(locks.staleAfterMs).toBe(60_000)
  })
})
