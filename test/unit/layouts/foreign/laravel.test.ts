import { describe, expect, test } from 'vitest'

import { SessionCorruptError } from '../../../../src/errors.ts'
import { laravelLayout } from '../../../../src/layouts/php/php-layouts.ts'
import { PhpFloat } from '../../../../src/layouts/php/values.ts'
import { hasPhp, phpSerialized } from '../../../integration/php/php-peer.ts'
import { sessionIn } from './stored-session.ts'

const EXPIRES_MS = 1_937_000_000_000
const keys = { partitionKey: 'key', prefix: 'shop_cache_' }
const id = 'a1B2c3D4e5'.repeat(4)
const layout = laravelLayout(keys)

const itemWith = (value: string): Record<string, { S: string } | { N: string }> => ({
  key: { S: `shop_cache_${id}` },
  value: { S: value },
  expires_at: { N: '1937000000' },
})

/** What Laravel stores for the attributes of a session. */
const payload = (attributes: string): string => `s:${Buffer.byteLength(attributes)}:"${attributes}";`

describe('the items of Laravel', () => {
  test('are a serialised session in a serialised string', () => {
    const item = layout.toItem(sessionIn(layout, id, { _token: 'Zoë', n: new PhpFloat(3) }, EXPIRES_MS))
    expect(item).toEqual(itemWith(payload('a:2:{s:6:"_token";s:4:"Zoë";s:1:"n";d:3;}')))
    expect(layout.fromItem(item).data).toEqual({ _token: 'Zoë', n: 3 })
  })

  test('are JSON in a serialised string with session.serialization "json"', () => {
    const json = laravelLayout({ ...keys, serialization: 'json' })
    const item = json.toItem(sessionIn(json, id, { _token: 'Zoë', list: [] }, EXPIRES_MS))
    expect(item).toEqual(itemWith(payload('{"_token":"Zoë","list":[]}')))
    expect(json.fromItem(item).data).toEqual({ _token: 'Zoë', list: [] })
  })

  test.each([
    ['PHP', 'a:1:{s:1:"n";d:3;}', 'a:2:{s:1:"n";d:3;s:1:"x";i:1;}'],
    ['JSON', '{"n":3}', '{"n":3,"x":1}'],
  ])('keep being %s, whatever new ones are', (_, before, after) => {
    for (const serialization of ['php', 'json'] as const) {
      const { codec } = laravelLayout({ ...keys, serialization })
      expect(codec.encode({ ...codec.decode(before), x: 1 }, before)).toBe(after)
    }
  })

  test('may be empty', () => {
    expect(layout.fromItem(itemWith(payload('a:0:{}'))).data).toEqual({})
    expect(layout.fromItem(itemWith(payload('[]'))).data).toEqual({})
  })

  test.each([
    ['an encrypted session', payload('eyJpdiI6Im9uZSIsInZhbHVlIjoidHdvIn0='), /session\.encrypt/],
    ['another entry of the cache', 'a:1:{i:0;i:1;}', /no usable attribute "value"/],
    ['a serialised string that is cut short', 's:9:"a:0:{}";', /malformed/],
    ['JSON that is cut short', payload('{"n":'), /not JSON/],
  ])('%s is no session', (_, value, message) => {
    const read = (): unknown => layout.fromItem(itemWith(value))
    expect(read).toThrow(SessionCorruptError)
    expect(read).toThrow(message)
  })

  test('the counter of a rate limiter is no session', () => {
    const item = { ...itemWith(''), value: { N: '3' } }
    expect(() => layout.fromItem(item)).toThrow(SessionCorruptError)
  })

  test.each(['short', `${id}x`, id.replace('a', '-')])('the session ID %j is refused when writing', other => {
    const write = (): unknown => layout.toItem(sessionIn(layout, other, {}, EXPIRES_MS))
    expect(write).toThrow(expect.objectContaining({ name: 'TypeError', code: 'INVALID_SESSION_ID' }))
  })

  test('other entries of the cache are not listed', () => {
    expect(layout.idOfKey(`shop_cache_${id}`)).toBe(id)
    expect(layout.idOfKey('shop_cache_products')).toBeUndefined()
    expect(layout.namespace()).toMatchObject({
      expression: 'begins_with(#key, :prefix) AND size(#key) = :keyLength',
      values: { ':prefix': { S: 'shop_cache_' }, ':keyLength': { N: '51' } },
    })
  })

  test.skipIf(!hasPhp)('are what a real PHP writes', () => {
    const attributes = "['_token' => 'Zoë', '_flash' => ['old' => [], 'new' => []], 'price' => 3.0]"
    const [asPhp = '', asJson = ''] = phpSerialized([
      `serialize(${attributes})`,
      `json_encode(${attributes}, JSON_PRESERVE_ZERO_FRACTION)`,
    ]).map(text => Buffer.from(text, 'latin1').toString())
    for (const value of [asPhp, asJson]) {
      const { data } = layout.fromItem(itemWith(value))
      expect(data).toEqual({ _token: 'Zoë', _flash: { old: [], new: [] }, price: 3 })
    }
    const session = layout.fromItem(itemWith(asPhp))
    const text = layout.codec.encode(session.data, session.text)
    expect(layout.toItem({ ...session, text })).toEqual(itemWith(asPhp))
  })
})
