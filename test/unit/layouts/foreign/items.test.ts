import { describe, expect, test } from 'vitest'

import { SessionCorruptError } from '../../../../src/errors.ts'
import { type LayoutSettings, openLayout } from '../../../../src/layouts/open-layout.ts'
import type { Item } from '../../../../src/types.ts'
import { thrownBy } from '../../../support/failure.ts'
import { sessionIn } from './stored-session.ts'

const ID = 'c4nnotBeGuessed'
const EXPIRES_MS = 1_937_000_000_001
const EXPIRES = { N: '1937000001' }
const data = { user: 'ada', visits: 2 }
const json = { S: '{"user":"ada","visits":2}' }
const map = { M: { user: { S: 'ada' }, visits: { N: '2' } } }

interface Example {
  readonly options: LayoutSettings
  /** What is written. */
  readonly item: Item
  /** The attribute without which an item is a leftover. */
  readonly data: string
}

const examples: readonly Example[] = [
  {
    options: { layout: 'connect-dynamodb' },
    item: { id: { S: `sess:${ID}` }, sess: json, expires: EXPIRES, type: { S: 'connect-session' } },
    data: 'sess',
  },
  {
    options: { layout: 'dynamodb-store' },
    item: { sessionId: { S: `sess:${ID}` }, sess: map, expires: EXPIRES },
    data: 'sess',
  },
  {
    options: { layout: 'connect-dynamodb-session' },
    item: { id: { S: ID }, content: json, expires: { N: String(EXPIRES_MS) } },
    data: 'content',
  },
  {
    options: { layout: 'pwrdrvr' },
    item: { id: { S: `session#${ID}` }, sess: map, expires: EXPIRES },
    data: 'sess',
  },
  {
    options: { layout: 'serverless-dynamodb-session-store' },
    item: {
      sessionId: { S: ID },
      session_data: json,
      expireTime: { N: String(EXPIRES_MS) },
      expireTime_TTL: EXPIRES,
    },
    data: 'session_data',
  },
  {
    options: { layout: 'koa-session-dynamodb' },
    item: { sessionId: { S: ID }, session: map, expires: EXPIRES },
    data: 'session',
  },
  {
    options: { layout: 'adonis' },
    item: {
      key: { S: ID },
      value: { S: `{"message":${json.S},"purpose":"${ID}"}` },
      expires_at: { N: String(EXPIRES_MS) },
    },
    data: 'value',
  },
  {
    options: { layout: 'aws-ruby' },
    item: { session_id: { S: ID }, data: json, expire_at: EXPIRES, created_at: { S: '1936000000.0' } },
    data: 'data',
  },
  {
    options: { layout: 'php' },
    item: { id: { S: `PHPSESSID_${ID}` }, data: { S: 'user|s:3:"ada";visits|i:2;' }, expires: EXPIRES },
    data: 'data',
  },
]

describe.each(examples)('layout $options.layout', ({ options, item, data: dataAttribute }) => {
  test('writes the items of its software, and reads them', async () => {
    const layout = await openLayout(options)
    const written = layout.toItem(sessionIn(layout, ID, data, EXPIRES_MS))
    expect(written).toEqual(item)
    const read = layout.fromItem(item)
    expect(read.data).toEqual(data)
    expect(read.key).toBe(layout.keyOf(ID))
    expect(read.version).toEqual(item[dataAttribute])
    expect(layout.keyOfItem(item)).toBe(layout.keyOf(ID))
    expect(layout.expiryOf({ ...item, ...layout.expiryAttributes(EXPIRES_MS) })).toBe(layout.expiryOf(item))
  })

  test('takes an item without data for a leftover, and refuses to open it', async () => {
    const layout = await openLayout(options)
    const { [dataAttribute]: _, ...husk } = item
    expect(layout.hasNoData(item)).toBe(false)
    expect(layout.hasNoData(husk)).toBe(true)
    expect(() => layout.fromItem(husk)).toThrow(SessionCorruptError)
    expect(layout.liveAt(0).expression).toContain('attribute_exists(#data)')
  })

  test('refuses data of other types, and tells nothing of them', async () => {
    const layout = await openLayout(options)
    for (const value of [
      { N: '7' },
      { BOOL: true },
      { L: [{ S: 'wine-and-roses' }] },
      { S: '[wine-and-roses' },
    ]) {
      const error = thrownBy(() => layout.fromItem({ ...item, [dataAttribute]: value }))
      expect(error).toBeInstanceOf(SessionCorruptError)
      expect(String(error)).not.toContain('wine')
    }
  })

  test('can be given another key and prefix', async () => {
    const layout = await openLayout({ ...options, partitionKey: 'elsewhere', prefix: 'app:' })
    const written = layout.toItem(sessionIn(layout, ID, data, EXPIRES_MS))
    expect(written['elsewhere']).toEqual({ S: layout.keyOf(ID) })
    expect(layout.keyOf(ID)).toMatch(/^app:.*c4nnotBeGuessed$/)
    expect(layout.fromItem(written).data).toEqual(data)
    expect(Object.values(layout.namespace()?.values ?? {})).toEqual([
      { S: options.layout === 'php' ? 'app:PHPSESSID_' : 'app:' },
    ])
  })

  test('refuses a key that is one of its other attributes', async () => {
    for (const partitionKey of Object.keys(item).slice(1)) {
      await expect(openLayout({ ...options, partitionKey })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
      })
    }
  })
})

test('the native layout is opened when no other is named', async () => {
  expect(await openLayout({})).toMatchObject({ name: 'native', partitionKey: 'id' })
  expect(await openLayout({ layout: 'native' })).toMatchObject({ name: 'native', partitionKey: 'id' })
})
