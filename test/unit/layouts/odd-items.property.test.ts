import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { withStoredExpiry } from '../../../src/adapters/shared/session-cookie.ts'
import { DynamoDBSessionsError } from '../../../src/errors.ts'
import { jsonCodec } from '../../../src/layouts/json.ts'
import type { Layout, StoredSession } from '../../../src/layouts/layout.ts'
import { LAYOUT_NAMES, type LayoutName } from '../../../src/layouts/layout-settings.ts'
import { openLayout } from '../../../src/layouts/open-layout.ts'
import { isUnchanged, mergeSessionData } from '../../../src/items/merge.ts'
import { snapshotOf, SessionRecord } from '../../../src/items/session-record.ts'
import type { Item, SessionData } from '../../../src/types.ts'

const NOW_MS = Date.UTC(2031, 0)
/** Laravel takes no other IDs. */
const ID = 'i'.repeat(40)

/** Names of attributes that any layout uses, and of some that none does. */
const attributes = [
  'data',
  'expires',
  'expiresMs',
  'rev',
  'created',
  'user',
  'lock',
  'lockOwner',
  'lockUntil',

  'sess',
  'type',
  'content',
  'session',
  'session_data',
  'expireTime',
  'expireTime_TTL',
  'value',
  'expires_at',
  '_ttl',
  'expire_at',
  'created_at',
  'cookie',
  '__proto__',
  'constructor',
  'toString',
]

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

const text = fc.oneof(
  { weight: 3, arbitrary: fc.json({ maxDepth: 3 }) },
  { weight: 3, arbitrary: fc.object({ maxDepth: 3 }).map(object => JSON.stringify(object)) },
  fc.string({ maxLength: 20 }),
  fc.constantFrom(
    '',
    ' ',
    'null',
    '[]',
    '{}',
    '1',
    '"a"',
    '{"__proto__":{"a":1},"constructor":1}',
    '{"cookie":null}',
    '{"cookie":{"expires":8640000000000001}}',
    '{"cookie":{"expires":"soon","originalMaxAge":1e999}}',

    'a:1:{i:0;R:1;}',
    'a|i:1;',
    'a|N;b|d:INF;',
    'a|O:3:"Foo":1:{s:1:"b";i:1;}',
    'a|R:9;',
    'a|a:99:{',
    'BAh7',
    `{"message":{"a":1},"purpose":"${ID}"}`,
    `{"message":[],"purpose":"${ID}"}`,
    '\u0000\uD800',
    nested(40),
    nested(3000),
    nested(20_000),
    `{"message":${nested(3199)},"purpose":"${ID}"}`,
    `a|${'a:1:{i:0;'.repeat(2000)}N;${'}'.repeat(2000)}`,
  ),
)

const number = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true }).map(String),
  fc.constantFrom(
    '9'.repeat(38),
    `-${'9'.repeat(38)}`,
    '1E+125',
    '-1E+125',
    '1E-130',
    '0',
    '-0',
    '0.5',
    '1.5E+3',
    '',
    '8640000000000000',
    '8640000000000001',
    '8640000000001',
    '1e400',
    'NaN',
    'Infinity',
    '0x10',
    String(NOW_MS + 60_000),
    String(NOW_MS / 1000 + 60),
    String(NOW_MS / 1000 + 0.25),
  ),
)

const { value } = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof(
    { weight: 4, arbitrary: text.map(S => ({ S })) },
    { weight: 4, arbitrary: number.map(N => ({ N })) },
    { weight: 2, arbitrary: fc.base64String({ maxLength: 24 }).map(B => ({ B })) },
    fc
      .dictionary(fc.constantFrom('a', 'cookie', '__proto__', ''), tie('value'), { maxKeys: 3 })
      .map(M => ({ M })),
    fc.array(tie('value'), { maxLength: 3 }).map(L => ({ L })),
    fc.constantFrom<unknown>(
      { NULL: true },
      { BOOL: false },
      { SS: ['a'] },
      { NS: ['1'] },
      { BS: ['AA=='] },
      {},
      null,
      7,
      'a',

      { S: 7 },
      { N: 7 },
      { B: 7 },
      { M: 7 },
      { M: null },
      { L: {} },
      { M: [] },
      { S: 'a', N: '1' },
      { X: 1 },
      deepMap(40),
    ),
  ),
}))

function deepMap(depth: number): unknown {
  let map: unknown = { S: 'a' }
  for (let level = 0; level < depth; level++) map = { M: { a: map } }
  return map
}

function oddItems(layout: Layout): fc.Arbitrary<Item> {
  const key = fc.constantFrom<unknown>(
    { S: layout.keyOf(ID) },
    { S: layout.keyOf(ID) },
    { S: '' },
    { N: '1' },
  )
  const alive = layout.expiryAttributes(NOW_MS + 60_000)
  const others = fc.dictionary(fc.constantFrom(...attributes), value, { maxKeys: 6 })
  return fc.tuple(key, fc.boolean(), others).map(([ofKey, isAlive, rest]) => {
    const entries = [...Object.entries(rest), ...(isAlive ? Object.entries(alive) : [])]
    return Object.fromEntries([...entries, [layout.partitionKey, ofKey]]) as Item
  })
}

/** What is made of an item by everything that reads, lists, saves or merges; absent when it is a typed error. */
async function use(layout: Layout, item: Item): Promise<void> {
  const session = await unlessTyped(async () => {
    layout.hasNoData(item)
    layout.keyOfItem(item)
    layout.createdOf(item)
    layout.revisionOf(item)
    layout.lock?.holderOf(item)
    layout.expiryOf(item)
    await layout.prepareToRead(item)
    return layout.fromItem(item)
  })
  if (session === undefined) return
  const record = new SessionRecord(snapshotOf(session), -1000)
  new Date(record.expiresMs).toISOString()
  new Date(record.createdMs ?? 0).toISOString()
  withStoredExpiry(record.data['cookie'], record.expiresMs)
  await unlessTyped(() => merge(layout, session))
}

function merge({ codec }: Layout, { text: stored, data }: StoredSession): void {
  const isSame = (left: unknown, right: unknown): boolean => codec.isSame(left, right)
  const ours = codec.decode(codec.encode({ ...data, added: 1 }, stored))
  const theirs: SessionData = codec.decode(codec.encode({ ...data, other: [1] }, stored))
  isUnchanged(ours, codec.decode(stored), isSame)
  codec.encode(mergeSessionData({ basis: codec.decode(stored), ours, theirs }, isSame).data, stored)
}

async function unlessTyped<Made>(make: () => Made | Promise<Made>): Promise<Made | undefined> {
  try {
    return await make()
  } catch (error) {
    const isMistake = error instanceof TypeError && Reflect.get(error, 'code') === 'INVALID_SESSION_DATA'
    if (error instanceof DynamoDBSessionsError || isMistake) return undefined
    throw error
  }
}

async function layoutNamed(layout: LayoutName): Promise<Layout> {
  return openLayout({ layout, hashIds: false })
}

describe.each(LAYOUT_NAMES)('the layout %s', name => {
  test('makes a session or a typed error of every item', async () => {
    const layout = await layoutNamed(name)
    await fc.assert(fc.asyncProperty(oddItems(layout), async item => use(layout, item)))
    await expect(use(layout, {})).resolves.toBeUndefined()
  })

  test('does so for data that are nested deep', async () => {
    const layout = await layoutNamed(name)
    const whole = layout.toItem({
      key: layout.keyOf(ID),
      data: {},
      text: layout.codec.encode({ a: 1 }, undefined),
      revision: 'rev',
      version: undefined,
      createdMs: NOW_MS,
      expiresMs: NOW_MS + 60_000,
      user: undefined,
    })
    const failures: unknown[] = []
    for (const depth of [30, 31, 32, 33, 512, 1000, 3000, 3200, 3201, 50_000]) {
      for (const attribute of Object.keys(whole)) {
        for (const odd of [{ S: nested(depth) }, deepMap(depth)] as Item[string][]) {
          await use(layout, { ...whole, [attribute]: odd }).catch((error: unknown) => failures.push(error))
        }
      }
    }
    expect(failures).toEqual([])
  })
})

test('3,000 levels of JSON are compared, merged and written', () => {
  const [basis, other] = [nested(3000), nested(3000).replace('1', '2')].map(each => jsonCodec.decode(each))
  expect(jsonCodec.isSame(basis, jsonCodec.decode(nested(3000)))).toBe(true)
  expect(jsonCodec.isSame(basis, other)).toBe(false)
  expect(jsonCodec.encode(basis, undefined)).toBe(nested(3000))
})
