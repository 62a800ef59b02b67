import { inspect } from 'node:util'

import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { PayloadCodec } from '../../../src/encryption/payload-codec.ts'
import { SessionCorruptError } from '../../../src/errors.ts'
import type { Layout, StoredSession } from '../../../src/layouts/layout.ts'
import {
  birthAt,
  hashSessionId,
  nativeLayout,
  type NativeLayoutOptions,
} from '../../../src/layouts/native.ts'
import { checkAttributes } from '../../../src/layouts/open-layout.ts'
import type { AttributeValue, Item } from '../../../src/types.ts'
import { thrownBy } from '../../support/failure.ts'

const secret = 'hunter2'
const expiresMs = Date.UTC(2026, 10, 23, 12, 0, 0, 1)
const createdMs = Date.UTC(2026, 10, 22)

function layoutWith(options: Partial<NativeLayoutOptions> = {}): Layout {
  return nativeLayout({ hashIds: false, ...options })
}

const layout = layoutWith()

function sessionWith(changes: Partial<StoredSession> = {}): StoredSession {
  const session = {
    key: 'the-key',
    data: { a: 1 },
    revision: 'REV',
    createdMs,
    expiresMs,
    user: undefined,
    ...changes,
  }
  const version = session.revision === undefined ? undefined : { S: session.revision }
  return { text: JSON.stringify(session.data), version, ...session }
}

/** Lets the codec be made ready only at the second time. */
function failOnce(): void {
  const prepare = vi.spyOn(PayloadCodec.prototype, 'prepare')
  onTestFinished(() => prepare.mockRestore())
  prepare.mockRejectedValueOnce(new Error('not now'))
}

/** An item as it comes off the wire, which TypeScript knows nothing about. */
function offTheWire(item: object): Item {
  return item as Item
}

/** What is said about an item that is not a session; it must not quote the item. */
function corruption(action: () => unknown): string {
  const error = thrownBy(action)
  if (!(error instanceof SessionCorruptError)) throw new Error('the item was read, or the error is another')
  if (inspect(error, { depth: Infinity, showHidden: true }).includes(secret)) throw new Error('it quotes')
  return error.message
}

describe('keys', () => {
  test('are the prefix and the name of the ID', () => {
    expect(layoutWith({ prefix: 'app:', hashIds: true }).keyOf('x')).toBe(`app:${hashSessionId('x')}`)
    expect(layoutWith({ prefix: 'app:' }).keyOf('x')).toBe('app:x')
    expect(layout.keyOf('é😀')).toBe('é😀')
  })

  test.each<[object, string | undefined]>([
    [{ id: { S: 'k' } }, 'k'],
    [{ id: { S: '' } }, ''],
    [{ id: { N: '1' } }, undefined],
    [{ id: { B: 'AAAA' } }, undefined],
    [{ id: 'k' }, undefined],
    [{ id: null }, undefined],
    [{ id: { S: 7 } }, undefined],
    [{ key: { S: 'k' } }, undefined],
    [{}, undefined],
  ])('of %j', (item, key) => {
    expect(layout.keyOfItem(offTheWire(item))).toBe(key)
  })

  test('are where the partition key says', () => {
    const other = layoutWith({ partitionKey: 'sid' })
    expect(other.partitionKey).toBe('sid')
    expect(other.keyOfItem({ sid: { S: 'k' }, id: { S: 'no' } })).toBe('k')
    expect(other.toItem(sessionWith())).toMatchObject({ sid: { S: 'the-key' } })
    expect(other.toItem(sessionWith())).not.toHaveProperty('id')
    expect(other.fromItem(other.toItem(sessionWith()))).toEqual(sessionWith())
  })

  test.each(['__proto__', 'constructor', 'toString'])('may be in an attribute named %s', partitionKey => {
    const odd = layoutWith({ partitionKey })
    const item = offTheWire(JSON.parse(JSON.stringify(odd.toItem(sessionWith()))) as object)
    expect(odd.keyOfItem(item)).toBe('the-key')
    expect(odd.fromItem(item)).toEqual(sessionWith())
    expect(odd.keyOfItem({})).toBeUndefined()
  })

  test.each(['data', 'expires', 'expiresMs', 'rev', 'created', 'birth', 'user', 'lock', 'lockOwner'])(
    'cannot be in the attribute %s, which holds something else',
    partitionKey => {
      const error = thrownBy(() => checkAttributes({ partitionKey }))
      expect(error).toBeInstanceOf(TypeError)
      expect(error).toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('"partitionKey"') as string,
      })
    },
  )
})

describe('the item of a session', () => {
  test('has exactly these attributes', () => {
    expect(layout.toItem(sessionWith())).toStrictEqual({
      id: { S: 'the-key' },
      data: { S: '{"a":1}' },
      expires: { N: '1795435201' },
      expiresMs: { N: '1795435200001' },
      rev: { S: 'REV' },
      created: { N: '1795305600' },
    })
  })

  test('lacks what is not known', () => {
    expect(layout.toItem(sessionWith({ revision: undefined, createdMs: undefined }))).toStrictEqual({
      id: { S: 'the-key' },
      data: { S: '{"a":1}' },
      expires: { N: '1795435201' },
      expiresMs: { N: '1795435200001' },
    })
  })

  test('has the beginning in whole seconds', () => {
    const { created } = layout.toItem(sessionWith({ createdMs: createdMs + 999 }))
    expect(created).toEqual({ N: '1795305600' })
  })

  test('has what tells the session from others under the same ID', () => {
    const session = sessionWith({ birth: birthAt(createdMs + 7, 'random_8') })
    expect(session.birth).toBe('1795305600007random_8')
    expect(layout.toItem(session)).toMatchObject({ birth: { S: '1795305600007random_8' } })
    expect(layout.fromItem(layout.toItem(session))).toEqual(session)
  })

  test('says whose session it is', () => {
    expect(layout.toItem(sessionWith({ user: 'u1' }))).toMatchObject({ user: { S: 'u1' } })
    expect(layout.optionalAttributes).toEqual(['user'])
  })

  test('is read back as it was', () => {
    fc.assert(
      fc.property(
        fc.record({
          key: fc.string({ unit: 'grapheme', minLength: 1 }),
          data: fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()),
          revision: fc.option(fc.string(), { nil: undefined }),
          createdMs: fc.option(
            fc.nat({ max: 8.64e12 }).map(seconds => seconds * 1000),
            { nil: undefined },
          ),
          expiresMs: fc.nat({ max: 8.64e15 }),
          user: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
        }),
        fields => {
          const version = fields.revision === undefined ? undefined : { S: fields.revision }
          const session = { ...fields, text: JSON.stringify(fields.data), version }
          const item = offTheWire(JSON.parse(JSON.stringify(layout.toItem(session))) as object)
          const data: unknown = JSON.parse(JSON.stringify(session.data))
          expect(layout.fromItem(item)).toEqual({ ...session, data })
          expect(layout.expiryOf(item)).toBe(session.expiresMs)
        },
      ),
    )
  })

  test('takes keys with a meaning in JavaScript for data', () => {
    const data = JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":1},"é😀":"x"}') as Record<
      string,
      unknown
    >
    const read = layout.fromItem(layout.toItem(sessionWith({ data }))).data
    expect(Object.keys(read)).toEqual(['__proto__', 'constructor', 'é😀'])
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
    expect(JSON.stringify(read)).toBe(JSON.stringify(data))
  })
})

describe('the expiry (G5)', () => {
  test.each([
    [0, '0'],
    [1, '1'],
    [999, '1'],
    [1000, '1'],
    [1001, '2'],
    [1_795_435_200_000, '1795435200'],
    [1_795_435_200_001, '1795435201'],
    [1_795_435_200_999, '1795435201'],
    [8.64e15, '8640000000000'],
    [8.64e15 - 1, '8640000000000'],
    [8.64e15 - 999, '8640000000000'],
    [8.64e15 - 1000, '8639999999999'],
  ])('of %i ms is %s s for the TTL, and exact beside it', (ms, seconds) => {
    expect(layout.expiryAttributes(ms)).toStrictEqual({
      expires: { N: seconds },
      expiresMs: { N: String(ms) },
    })
  })

  test('is an integer of seconds for the TTL, never early and less than a second late', () => {
    fc.assert(
      fc.property(fc.nat({ max: 8.64e15 }), ms => {
        const { expires } = layout.expiryAttributes(ms) as { expires: { N: string } }
        expect(expires.N).toMatch(/^\d+$/)
        const late = BigInt(expires.N) * 1000n - BigInt(ms)
        expect(late >= 0n && late < 1000n).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  test.each<[string, Record<string, AttributeValue>, number]>([
    ['whole seconds alone', { expires: { N: '1795435201' } }, 1_795_435_201_000],
    ['fractions of seconds', { expires: { N: '1795435200.5' } }, 1_795_435_200_500],
    ['milliseconds in place of seconds', { expires: { N: '1795435200123' } }, 1_795_435_200_123],
    ['the largest number of seconds', { expires: { N: '100000000000' } }, 100_000_000_000_000],
    ['the smallest number of milliseconds', { expires: { N: '100000000001' } }, 100_000_000_001],
    ['an exponent', { expires: { N: '1.795435201E+9' } }, 1_795_435_201_000],
    ['both', { expires: { N: '7' }, expiresMs: { N: '1795435200001' } }, 1_795_435_200_001],
    ['an exact expiry that is a text', { expires: { N: '7' }, expiresMs: { S: '9' } }, 7000],
    ['an exact expiry that is no number', { expires: { N: '7' }, expiresMs: { N: 'NaN' } }, 7000],
    ['an exact expiry that is infinite', { expires: { N: '7' }, expiresMs: { N: 'Infinity' } }, 7000],
    ['an exact expiry alone', { expiresMs: { N: '5' } }, 5],
  ])('is read from %s', (_name, attributes, ms) => {
    expect(layout.expiryOf(attributes)).toBe(ms)
    const item = { id: { S: 'k' }, data: { S: '{}' }, ...attributes }
    expect(layout.fromItem(item).expiresMs).toBe(ms)
  })

  test.each<[string, object]>([
    ['no expiry', {}],
    ['a text', { expires: { S: secret } }],
    ['no number', { expires: { N: secret } }],
    ['an empty number', { expires: { N: '' } }],
    ['null', { expires: null }],
    ['no attribute value', { expires: secret, expiresMs: secret }],
    ['a set', { expires: { NS: ['1'] } }],
  ])('of an item with %s is not made up', (_name, attributes) => {
    const item = offTheWire({ id: { S: 'k' }, data: { S: `{"a":"${secret}"}` }, ...attributes })
    const message =
      'the stored item has no attribute "expires" of type N, so it is no session of this layout; it was left as it is'
    expect(corruption(() => layout.expiryOf(item))).toBe(message)
    expect(corruption(() => layout.fromItem(item))).toBe(message)
  })
})

describe('an item that is not a session', () => {
  test.each<[object, string]>([
    [{ data: { S: '{}' } }, '"id"'],
    [{ id: { N: '7' }, data: { S: '{}' } }, '"id"'],
    [{ id: secret, data: { S: '{}' } }, '"id"'],
    [{ id: { S: 'k' } }, '"data"'],
    [{ id: { S: 'k' }, data: { N: '7' } }, '"data"'],
    [{ id: { S: 'k' }, data: { M: { a: { S: secret } } } }, '"data"'],
    [{ id: { S: 'k' }, data: null }, '"data"'],
    [{ id: { S: 'k' }, data: secret }, '"data"'],
    [{ id: { S: 'k' }, data: { S: secret } }, 'not JSON'],
    [{ id: { S: 'k' }, data: { S: `["${secret}"]` } }, 'not a JSON object'],
  ])('%j is corrupt, and not quoted', (item, words) => {
    const message = corruption(() => layout.fromItem(offTheWire({ ...item, expiresMs: { N: '1' } })))
    expect(message).toContain(words)
    expect(message).toMatch(/it was left as it is$/)
  })

  test.each<[string, object]>([
    ['a beginning', { created: { S: 'yesterday' } }],
    ['any of them', { rev: undefined, created: 'yesterday' }],
  ])('is one if only %s is unreadable', (_name, attributes) => {
    const item = offTheWire({ id: { S: 'k' }, data: { S: '{}' }, expiresMs: { N: '1' }, ...attributes })
    expect(layout.fromItem(item)).toEqual({
      key: 'k',
      data: {},
      text: '{}',
      revision: undefined,
      createdMs: undefined,
      expiresMs: 1,
      user: undefined,
    })
  })

  test('attributes of others are passed over', () => {
    const item = { ...layout.toItem(sessionWith()), owner: { S: 'x' }, lock: { N: '1' } }
    expect(layout.fromItem(item)).toEqual(sessionWith())
  })
})

describe('conditions', () => {
  test.each<[string, Partial<NativeLayoutOptions>, ReturnType<Layout['namespace']>]>([
    ['all of the table', {}, undefined],
    [
      'a prefix',
      { prefix: 'app:' },
      {
        expression: 'begins_with(#key, :prefix)',
        names: { '#key': 'id' },
        values: { ':prefix': { S: 'app:' } },
      },
    ],
    [
      'names of one length',
      { hashIds: true },
      {
        expression: 'size(#key) = :keyLength',
        names: { '#key': 'id' },
        values: { ':keyLength': { N: '43' } },
      },
    ],
    [
      'both, in another attribute',
      { prefix: 'app:', hashIds: true, partitionKey: 'sid' },
      {
        expression: 'begins_with(#key, :prefix) AND size(#key) = :keyLength',
        names: { '#key': 'sid' },
        values: { ':prefix': { S: 'app:' }, ':keyLength': { N: '47' } },
      },
    ],
  ])('the namespace is %s', (_name, options, condition) => {
    expect(layoutWith(options).namespace()).toEqual(condition)
  })

  test('have placeholders that do not clash', () => {
    const namespaced = layoutWith({ prefix: 'a', hashIds: true })
    const all = [
      namespaced.liveAt(0),
      namespaced.expiredAt(0, 0),
      namespaced.sameSessionAs({ birth: 'b', createdMs: 0 }),
      namespaced.lock?.freeFor('o', 0),
      namespaced.namespace(),
    ]
    const names = all.flatMap(condition => Object.keys(condition?.names ?? {}))
    const values = all.flatMap(condition => Object.keys(condition?.values ?? {}))
    expect(new Set(names).size).toBe(names.length)
    expect(new Set(values).size).toBe(values.length)
  })
})

describe('revisions (G2)', () => {
  test('are what tells versions apart', () => {
    expect(layout.versionAttribute).toBe('rev')
    expect(layout.fromItem(layout.toItem(sessionWith())).version).toEqual({ S: 'REV' })
  })

  test.each<[object, string | undefined]>([
    [{ rev: { S: 'R' } }, 'R'],
    [{ rev: { N: '1' } }, undefined],
    [{}, undefined],
  ])('of %j', (item, revision) => {
    expect(layout.revisionOf(offTheWire(item))).toBe(revision)
  })
})

describe('locks (G10)', () => {
  const protocol = layout.lock

  test('are an end in epoch milliseconds and an owner', () => {
    expect(protocol?.taken('me', 1_795_435_200_000.4)).toEqual({
      lock: { N: '1795435200000' },
      lockOwner: { S: 'me' },
    })
    expect(protocol?.attributes).toEqual(['lock', 'lockOwner'])
  })

  test.each<[object, object | undefined]>([
    [{}, undefined],
    [{ lock: { S: '7' }, lockOwner: { S: 'me' } }, undefined],
    [{ lock: { N: '7' } }, { owner: undefined, untilMs: 7 }],
    [
      { lock: { N: '7' }, lockOwner: { S: 'me' } },
      { owner: 'me', untilMs: 7 },
    ],
  ])('the holder of %j', (item, holder) => {
    expect(protocol?.holderOf(offTheWire(item))).toEqual(holder)
  })
})

describe('encoded data', () => {
  const encryption = { keys: [new Uint8Array(32).fill(7)] }
  const codec = new PayloadCodec({ encryption })
  const encoded: Item = {
    id: { S: 'the-key' },
    data: codec.encode('{"a":1}', 'the-key'),
    expiresMs: { N: '1' },
  }

  /** What the data of an item decode to, for the key of the item alone. */
  function textIn({ data }: Item): string {
    if (data === undefined || !('B' in data)) throw new Error('the data are not encoded')
    return codec.decode(data, 'the-key')
  }

  test('is read by a layout that writes plain text, which loads the codec for it', async () => {
    const plain = layoutWith({ encryption: { ...encryption, unencrypted: 'write' } })
    expect(plain.prepareToWrite('{"a":1}')).toBeUndefined()
    expect(plain.prepareToRead({ data: { S: '{}' } })).toBeUndefined()
    await plain.prepareToRead(encoded)
    expect(plain.fromItem(encoded).data).toEqual({ a: 1 })
    expect(plain.toItem(sessionWith())).toMatchObject({ data: { S: '{"a":1}' } })
    expect(plain.prepareToRead(encoded)).toBeUndefined()
  })

  test('is what a layout that encodes writes, for the key of the item', async () => {
    const encoding = layoutWith({ encryption })
    await Promise.all([encoding.prepareToWrite('{"a":1}'), encoding.prepareToRead({ data: { S: '{}' } })])
    expect(textIn(encoding.toItem(sessionWith()))).toBe('{"a":1}')
  })

  test('is what a layout that compresses writes, from where that pays', async () => {
    const compressing = layoutWith()
    const large = `{"a":"${'a'.repeat(1016)}"}`
    expect(compressing.prepareToWrite(large.replace('a', ''))).toBeUndefined()
    await compressing.prepareToWrite(large)
    expect(textIn(compressing.toItem(sessionWith({ text: large })))).toBe(large)
    expect(compressing.toItem(sessionWith())).toMatchObject({ data: { S: '{"a":1}' } })
    expect(compressing.prepareToWrite(large)).toBeUndefined()
  })

  test('is plain text where what compresses cannot be loaded', async () => {
    failOnce()
    const large = `{"a":"${'a'.repeat(1016)}"}`
    const compressing = layoutWith()
    await compressing.prepareToWrite(large)
    expect(compressing.toItem(sessionWith({ text: large }))).toMatchObject({ data: { S: large } })
    await compressing.prepareToWrite(large)
    expect(textIn(compressing.toItem(sessionWith({ text: large })))).toBe(large)
  })

  test('a codec that could not be made ready is made ready again', async () => {
    failOnce()
    const failing = layoutWith({ encryption })
    await expect(failing.prepareToWrite('{"a":1}')).rejects.toThrow('not now')
    await failing.prepareToWrite('{"a":1}')
    expect(textIn(failing.toItem(sessionWith()))).toBe('{"a":1}')
  })
})

test('the layout names itself', () => {
  expect(layout.name).toBe('native')
})
