import { createStorage, restoreSnapshot, snapshot, type Storage } from 'unstorage'
import { describe, expect, test } from 'vitest'

import driverForModules, {
  dynamoDBDriver,
  type DynamoDBDriverOptions,
} from '../../../src/adapters/unstorage.ts'
import {
  AccessDeniedError,
  DynamoDBSessionsError,
  SessionCorruptError,
  SessionTooLargeError,
  TableNotFoundError,
} from '../../../src/index.ts'
import { engine } from '../../support/engines.ts'
import { incompressibleText } from '../../support/incompressible-text.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { hashed } from '../../support/session-ids.ts'
import { numberText } from '../../support/session-table.ts'
import { dataOf, keyValueSubject } from './key-value-subject.ts'

describe('the driver for unstorage', () => {
  const subject = keyValueSubject(engine)
  let prefixes = 0

  function storage(options: DynamoDBDriverOptions = {}): Storage {
    const opened = createStorage({
      driver: dynamoDBDriver({ ...subject.options, ...freshPrefix(), ...options }),
    })
    subject.closeLater({ close: () => opened.dispose() })
    return opened
  }

  function freshPrefix(): { prefix: string } {
    return { prefix: `test-${prefixes++}:` }
  }

  describe('does what unstorage asks of its drivers:', () => {
    test('a value that was set is there, and one that was not is null', async () => {
      const store = storage()
      expect([await store.hasItem('greeting'), await store.getItem('greeting')]).toEqual([false, null])
      await store.setItem('greeting', 'hello')
      expect([await store.hasItem('greeting'), await store.getItem('greeting')]).toEqual([true, 'hello'])
      await store.setItem('greeting', 'again')
      expect(await store.getItem('greeting')).toBe('again')
    })

    test.each<[string, unknown]>([
      ['an object', { count: 1, nested: { list: [1, null, 'two'] } }],
      ['an array', [1, 2]],
      ['a number', 4.5],
      ['true', true],
      ['an empty text', ''],
      ['text of several scripts', 'Grüße, 世界 🌍'],
    ])('%s comes back as it was', async (_, value) => {
      const store = storage()
      await store.setItem('value', value as never)
      expect(await store.getItem('value')).toEqual(value)
    })

    test('raw bytes come back as they were', async () => {
      const store = storage()
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
      await store.setItemRaw('bytes', bytes)
      expect(Uint8Array.from((await store.getItemRaw<Uint8Array>('bytes')) ?? [])).toEqual(bytes)
    })

    test('keys are listed, with a base and with a depth', async () => {
      const store = storage()
      for (const key of ['a', 'b:one', 'b:two', 'b:deep:three', 'bb:four']) await store.setItem(key, key)
      const sorted = async (...args: Parameters<Storage['getKeys']>): Promise<string[]> =>
        (await store.getKeys(...args)).toSorted()
      expect(await sorted()).toEqual(['a', 'b:deep:three', 'b:one', 'b:two', 'bb:four'])
      expect(await sorted('b')).toEqual(['b:deep:three', 'b:one', 'b:two'])
      expect(await sorted('none')).toEqual([])
      expect(await sorted(undefined, { maxDepth: 0 })).toEqual(['a'])
      expect(await sorted(undefined, { maxDepth: 1 })).toEqual(['a', 'b:one', 'b:two', 'bb:four'])
    })

    test('a removed value is gone, and removing it again is no error', async () => {
      const store = storage()
      await store.setItem('value', 1)
      await store.removeItem('value')
      await store.removeItem('value')
      expect(await store.hasItem('value')).toBe(false)
      await store.setItem('value', 1)
      await store.setItem('value', undefined as never)
      expect(await store.getKeys()).toEqual([])
    })

    test('several values are set and read at once, in the order of the keys', async () => {
      const store = storage()
      const items = Array.from({ length: 40 }, (_, index) => ({ key: `key-${index}`, value: { index } }))
      await store.setItems(items)
      const keys = [...items.map(({ key }) => key), 'missing']
      expect(await store.getItems(keys)).toEqual([...items, { key: 'missing', value: null }])
    })

    test('clear deletes everything of a mount; called directly, what is under a base', async () => {
      const driver = dynamoDBDriver({ ...subject.options, ...freshPrefix() })
      const store = createStorage().mount('table', driver)
      subject.closeLater({ close: () => store.dispose() })
      for (const key of ['a', 'b:one', 'b:two', 'bb:three']) await store.setItem(`table:${key}`, key)
      await driver.clear('b:')
      expect((await driver.getKeys()).toSorted()).toEqual(['a', 'bb:three'])
      expect(await driver.getKeys('', { maxDepth: 0 })).toEqual(['a'])
      await store.clear('table')
      expect(await store.getKeys()).toEqual([])
    })

    test('meta tells when a value was written and when it expires', async () => {
      const clock = new ManualClock()
      const store = storage({ clock })
      await store.setItem('value', 1, { ttl: 90 })
      clock.advance(29_500)
      expect({ ...(await store.getMeta('value')) }).toEqual({
        mtime: new Date('2031-05-06T07:08:09.000Z'),
        ttl: 61,
      })
      await store.setItem('value', 1)
      await store.setMeta('value', { owner: 'ada' })
      expect({ ...(await store.getMeta('value')) }).toEqual({
        mtime: new Date('2031-05-06T07:08:38.000Z'),
        owner: 'ada',
      })
      expect({ ...(await store.getMeta('missing')) }).toEqual({})
    })

    test('a mounted driver has its own keys, and snapshots go in and out', async () => {
      const root = createStorage()
      root.mount('table', dynamoDBDriver({ ...subject.options, ...freshPrefix() }))
      subject.closeLater({ close: () => root.dispose() })
      await restoreSnapshot(root, { one: 1, 'deep:two': 2 }, 'table')
      expect((await root.getKeys('table')).toSorted()).toEqual(['table:deep:two', 'table:one'])
      expect(await snapshot(root, 'table')).toEqual({ one: 1, 'deep:two': 2 })
      await root.unmount('table')
      expect(await root.getKeys()).toEqual([])
    })

    test('a driver that was disposed of takes no more calls', async () => {
      const store = createStorage({ driver: dynamoDBDriver({ ...subject.options, ...freshPrefix() }) })
      await store.setItem('value', 1)
      await store.dispose()
      await expect(store.getItem('value')).rejects.toThrow(/closed/)
    })

    test('watchers are told of changes', async () => {
      const store = storage()
      const events: string[] = []
      await store.watch((event, key) => {
        events.push(`${event} ${key}`)
      })
      await store.setItem('value', 1)
      await store.removeItem('value')
      expect(events).toEqual(['update value', 'remove value'])
    })
  })

  describe('expiry', () => {
    test('a value is absent from the millisecond in which its ttl is over (G5)', async () => {
      const clock = new ManualClock()
      const store = storage({ clock })
      await store.setItem('brief', 'here', { ttl: 1.5 })
      await store.setItem('lasting', 'here')
      clock.advance(1499)
      expect([await store.getItem('brief'), await store.hasItem('brief')]).toEqual(['here', true])
      clock.advance(1)
      expect([await store.getItem('brief'), await store.hasItem('brief')]).toEqual([null, false])
      expect(await store.getKeys()).toEqual(['lasting'])
      expect(await store.getItems(['brief'])).toEqual([{ key: 'brief', value: null }])
      await store.setItem('brief', 'anew')
      expect(await store.getItem('brief')).toBe('anew')
    })

    test('the TTL attribute is in whole seconds, rounded up; a value without a ttl has none', async () => {
      const clock = new ManualClock()
      const { prefix } = freshPrefix()
      const store = storage({ clock, prefix })
      await store.setItem('brief', 1, { ttl: 10 })
      const item = await subject.table.item(`${prefix}unstorage:brief`)
      expect(numberText(item, 'expires')).toBe(String(Math.ceil((clock.nowMs + 10_000) / 1000)))
      expect(numberText(item, 'expiresMs')).toBe(String(clock.nowMs + 10_000))
      for (const ttl of [undefined, 0, Infinity]) {
        await store.setItem('lasting', 1, { ttl })
        const lasting = await subject.table.item(`${prefix}unstorage:lasting`)
        expect(Object.keys(lasting ?? {}).toSorted()).toEqual(['birth', 'created', 'data', 'id', 'rev'])
      }
      clock.advance(100 * 365 * 86_400_000)
      expect(await store.getItem('lasting')).toBe(1)
    })

    test.each(['defaultTtlSeconds', 'ttl'])('%s holds for calls without a ttl', async name => {
      const clock = new ManualClock()
      const store = storage({ clock, [name]: 60 })
      await store.setItem('default', 1)
      await store.setItems([{ key: 'longer', value: 1, options: { ttl: 120 } }])
      await store.setItem('for ever', 1, { ttl: 0 })
      clock.advance(60_000)
      expect((await store.getKeys()).toSorted()).toEqual(['for ever', 'longer'])
    })

    test.each([-1, Number.NaN, '60', {}])('a ttl of %s is refused', async ttl => {
      const store = storage()
      await expect(store.setItem('value', 1, { ttl })).rejects.toThrow(
        /"ttl" must be a positive number of seconds/,
      )
      expect(await store.hasItem('value')).toBe(false)
    })
  })

  test('clear leaves what belongs to others in the table', async () => {
    const { prefix } = freshPrefix()
    await subject.table.put({ id: { S: `${prefix}a-session` }, data: { S: '{}' } })
    const [store, neighbour] = [storage({ prefix }), storage()]
    await neighbour.setItem('value', 1)
    await store.setItem('value', 1)
    await store.clear()
    expect(await neighbour.getKeys()).toEqual(['value'])
    expect(await subject.table.item(`${prefix}a-session`)).toBeDefined()
    expect(await subject.table.items(`${prefix}unstorage:`)).toEqual([])
  })

  test('with hashKeys no key is in the table, and listing is refused', async () => {
    const { prefix } = freshPrefix()
    const store = storage({ prefix, hashKeys: true })
    const long = 'k'.repeat(5000)
    await store.setItem('secret', 'value')
    await store.setItem(long, 'long')
    expect([await store.getItem('secret'), await store.getItem(long)]).toEqual(['value', 'long'])
    const items = await subject.table.items(prefix)
    expect(items.map(({ id }) => id)).toContainEqual({ S: `${prefix}unstorage:${hashed('secret')}` })
    expect(JSON.stringify(items)).not.toContain('secret')
    const driver = dynamoDBDriver({ ...subject.options, prefix, hashKeys: true })
    subject.closeLater({ close: () => driver.dispose() })
    for (const refused of [store.getKeys(), driver.clear('sec')]) {
      await expect(refused).rejects.toThrow(DynamoDBSessionsError)
      await expect(refused).rejects.toMatchObject({ code: 'KEYS_NOT_LISTABLE' })
    }
    await store.clear()
    expect(await subject.table.items(prefix)).toEqual([])
  })

  test('values are encrypted and compressed as sessions are', async () => {
    const { prefix } = freshPrefix()
    const key = Buffer.alloc(32, 7)
    const settings = { prefix, encryption: { keys: [key] }, compression: { thresholdBytes: 100 } }
    const store = storage(settings)
    await store.setItem('value', { text: 'visible '.repeat(100) })
    const item = await subject.table.item(`${prefix}unstorage:value`)
    expect(dataOf(item)).toBeUndefined()
    expect(JSON.stringify(item).length).toBeLessThan(400)
    expect(await store.getItem('value')).toEqual({ text: 'visible '.repeat(100) })
    // Without the key it is an error, and not absent.
    await expect(storage({ prefix }).getItem('value')).rejects.toMatchObject({
      code: 'SESSION_DECRYPTION_FAILED',
    })
    await storage({ prefix }).setItem('plain', 'text')
    expect(await store.getItem('plain')).toBe('text')
  })

  describe('failures are errors (G6)', () => {
    test('of every method', async () => {
      const store = storage({ table: 'missing-table' })
      const calls: (() => Promise<unknown>)[] = [
        () => store.hasItem('key'),
        () => store.getItem('key'),
        () => store.getItems(['key']),
        () => store.setItem('key', 1),
        () => store.setItems([{ key: 'key', value: 1 }]),
        () => store.removeItem('key'),
        () => Promise.resolve(store.getMeta('key')),
        () => store.getKeys(),
        () => store.clear(),
      ]
      for (const call of calls) await expect(call()).rejects.toThrow(TableNotFoundError)
    })

    test('a denied read is no absent value', async () => {
      const denied = await subject.recorder(() => ({
        statusCode: 400,
        body: { __type: 'com.amazonaws.dynamodb.v20120810#AccessDeniedException' },
      }))
      await expect(storage({ endpoint: denied.url }).getItem('key')).rejects.toThrow(AccessDeniedError)
    })

    test('an item without a value is corrupt, and left as it is', async () => {
      const { prefix } = freshPrefix()
      const foreign = { id: { S: `${prefix}unstorage:foreign` }, other: { S: 'data' } }
      await subject.table.put(foreign)
      await expect(storage({ prefix }).getItem('foreign')).rejects.toThrow(SessionCorruptError)
      expect(await subject.table.item(`${prefix}unstorage:foreign`)).toEqual(foreign)
    })

    test('a value over 400 KB is refused, and what is stored stays', async () => {
      const store = storage()
      await store.setItem('value', 'small')
      await expect(store.setItem('value', incompressibleText(600_000))).rejects.toThrow(SessionTooLargeError)
      expect(await store.getItem('value')).toBe('small')
    })

    test('a key over 2048 bytes is refused', async () => {
      await expect(storage().setItem('k'.repeat(2049), 1)).rejects.toThrow(/the key is too long/)
    })
  })

  test('Astro, which takes the driver apart and replaces some methods, keeps its sessions', async () => {
    const { prefix } = freshPrefix()
    const clock = new ManualClock()
    const config = { ...subject.options, prefix, clock, hashKeys: true }
    const store = createStorage({
      driver: {
        ...driverForModules({ ...config, defaultTtlSeconds: 60 }),
        hasItem: () => false,
        getKeys: () => [],
      },
    })
    subject.closeLater({ close: () => store.dispose() })
    const id = 'a3bb189e-8bf9-4888-9912-ace4e6543002'
    const serialized = '[["Map",1,2],"cart",{"data":3},["Map"]]'
    await store.setItem(id, serialized)
    expect(await store.get(id)).toEqual(JSON.parse(serialized))
    expect(JSON.stringify(await subject.table.items(prefix))).not.toContain(id)
    clock.advance(60_000)
    expect(await store.get(id)).toBeNull()
    await store.setItem(id, serialized)
    await store.removeItem(id)
    expect(await store.get(id)).toBeNull()
  })

  test('what the environment says counts', async () => {
    const { prefix } = freshPrefix()
    process.env['DYNAMODB_SESSIONS_PREFIX'] = prefix
    process.env['DYNAMODB_SESSIONS_DEFAULT_TTL_SECONDS'] = '60'
    try {
      // As Nitro calls it: with everything that the configuration of the mount says.
      const store = createStorage({
        driver: driverForModules({ ...subject.options, driver: 'dynamodb-sessions/unstorage' }),
      })
      subject.closeLater({ close: () => store.dispose() })
      await store.setItem('value', 1)
      const item = await subject.table.item(`${prefix}unstorage:value`)
      expect(Number(numberText(item, 'expiresMs')) - Date.now()).toBeGreaterThan(0)
    } finally {
      delete process.env['DYNAMODB_SESSIONS_PREFIX']
      delete process.env['DYNAMODB_SESSIONS_DEFAULT_TTL_SECONDS']
    }
  })
})

test('wrong options are refused when the driver is made', () => {
  expect(() => dynamoDBDriver({ tabel: 'x' } as never)).toThrow(/did you mean "table"/)
  expect(() => dynamoDBDriver({ defaultTtlSeconds: 0 })).toThrow(/must be a positive number of seconds/)
  expect(() => dynamoDBDriver({ ttl: 60, defaultTtlSeconds: 60 })).toThrow(
    /are the same; leave one of them out/,
  )
  expect(() => dynamoDBDriver({ hashKeys: 'yes' as never })).toThrow(/"hashKeys" must be true or false/)
})
