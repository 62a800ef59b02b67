import { describe, expect, test } from 'vitest'

import { LockLostError, SessionLockedError } from '../../src/errors.ts'
import type { Condition } from '../../src/layouts/layout.ts'
import { phpLocks } from '../../src/layouts/php/php-layouts.ts'
import type { Item } from '../../src/types.ts'
import { engine, engines } from '../support/engines.ts'
import { sendToEngine } from '../support/send-to-engine.ts'
import { newId, newPrefix } from '../support/session-ids.ts'
import { toArray } from '../support/to-array.ts'
import { type ContractSubject, contractSubject } from './contract-subject.ts'
import { documentLayouts, phpLayouts, textLayouts } from './foreign-layouts.ts'

const MINUTE_MS = 60_000
const layouts = [...phpLayouts, ...textLayouts, ...documentLayouts]

describe('sessions', () => {
  describe.each(layouts)('$name', layout => {
    const subject = contractSubject(engine, layout)

    test.each([
      ['whole seconds', (ms: number) => String(ms / 1000)],
      ['fractions of a second', (ms: number) => String((ms - 250) / 1000)],
      ['milliseconds', String],
    ])('an item whose expiry is in %s lives until then', async (_, toText) => {
      const { store, clock } = subject.open({ prefix: newPrefix() })
      clock.nowMs = Date.UTC(2031, 4, 6, 7, 8, 9)
      const id = newId()
      const { key } = await store.write(id, { user: 'ada' })
      await restore(subject, key, item => expiringAt(item, toText(clock.nowMs + MINUTE_MS)))

      clock.advance(MINUTE_MS - 251)
      const record = await store.read(id)
      expect(record?.data).toEqual({ user: 'ada' })
      expect(await toArray(store.keys())).toEqual([key])
      expect(await store.touch(id, { expiresMs: Number(record?.expiresMs) })).toBe(true)
      await restore(subject, key, item => expiringAt(item, toText(clock.nowMs + 251)))
      clock.advance(251)
      expect(await store.read(id)).toBeUndefined()
      expect(await toArray(store.keys())).toEqual([])
      expect(await store.touch(id)).toBe(false)
      expect(await store.collectGarbage()).toMatchObject({ deleted: 1 })
    })

    test.runIf(layout.traits.updatesItems)('an item without data is no session', async () => {
      const { store, clock } = subject.open({ prefix: newPrefix() })
      const id = newId()
      const basis = await store.write(id, { user: 'ada' })
      await restore(subject, basis.key, item => {
        const expiry = Object.entries(item).filter(([, value]) => 'N' in value)
        return Object.fromEntries(expiry)
      })
      const husk = await subject.table.item(basis.key)
      expect(await store.read(id)).toBeUndefined()
      expect(await store.touch(id)).toBe(false)
      expect(await store.touch(basis)).toBe(false)
      expect(await store.write(id, { late: 1 }, { basis })).toBeUndefined()
      expect(await toArray(store.records())).toEqual([])
      expect(await store.count()).toBe(0)
      expect(await subject.table.item(basis.key)).toEqual(husk)
      clock.advance(2 * 86_400_000)
      expect(await store.collectGarbage()).toMatchObject({ deleted: 1 })
    })
  })
})

describe('sessions without an expiry', () => {
  const endless = layouts.filter(({ options }) =>
    ['serverless-dynamodb-session-store', 'architect'].includes(options.layout ?? ''),
  )
  describe.each(endless)('$name', layout => {
    const subject = contractSubject(engine, layout)

    test('live until they are saved or touched with one', async () => {
      const { store, clock } = subject.open({ prefix: newPrefix(), ttlSeconds: 60 })
      const id = newId()
      const { key } = await store.write(id, { user: 'ada' })
      await restore(subject, key, withoutNumbers)
      clock.advance(10 * 365 * 86_400_000)
      expect((await store.read(id))?.data).toEqual({ user: 'ada' })
      expect(await toArray(store.keys())).toEqual([key])
      expect(await store.collectGarbage()).toMatchObject({ deleted: 0 })
      expect(await store.touch(id)).toBe(true)
      clock.advance(61_000)
      expect(await store.read(id)).toBeUndefined()
      expect(await store.collectGarbage()).toMatchObject({ deleted: 1 })
    })
  })
})

describe.each(engines)('$name, the lock of PHP', on => {
  const [layout] = phpLayouts
  if (layout === undefined) throw new Error('there is no layout of PHP')
  const subject = contractSubject(on, layout)

  test('keeps ours out until PHP has written', async () => {
    const { store } = subject.open()
    const id = newId()
    const { key } = await store.write(id, { visits: 1 })
    expect(await phpLock(subject, key)).toBe(true)
    const refused = store.lock(id, { maxWaitMs: 30, minRetryMs: 10 })
    await expect(refused).rejects.toBeInstanceOf(SessionLockedError)
    await expect(refused).rejects.toMatchObject({ remainingMs: undefined })
    await phpWrite(subject, key, 'visits|i:2;')
    const lock = await store.lock(id, { maxWaitMs: 0 })
    expect(lock?.record.data).toEqual({ visits: 2 })
    await lock?.release()
  })

  test('is refused while ours is held, and had after a save, a touch and a release', async () => {
    const { store } = subject.open()
    const id = newId()
    const { key } = await store.write(id, { visits: 1 })
    for (const how of ['save', 'touch', 'release'] as const) {
      const lock = await store.lock(id, { maxWaitMs: 0 })
      if (lock === undefined) throw new Error('there is no session')
      expect(await phpLock(subject, key)).toBe(false)
      if (how === 'save') await store.write(id, { visits: how }, { basis: lock.record })
      else if (how === 'touch') await store.touch(lock.record)
      else await lock.release()
      expect(await phpLock(subject, key)).toBe(true)
      await phpWrite(subject, key, 'visits|i:3;')
    }
    expect(await subject.table.item(key)).not.toHaveProperty('lock')
  })

  test.each(['has written', 'has written, and locked again'])(
    'fences ours off when PHP, without asking, %s',
    async how => {
      const { store } = subject.open()
      const id = newId()
      const { key } = await store.write(id, { visits: 1 })
      const lock = await store.lock(id, { maxWaitMs: 0 })
      await phpWrite(subject, key, 'visits|i:2;')
      expect(how === 'has written' || (await phpLock(subject, key))).toBe(true)
      const late = store.write(id, { visits: 9 }, { basis: lock?.record })
      await expect(late).rejects.toBeInstanceOf(LockLostError)
      expect((await store.read(id))?.data).toEqual({ visits: 2 })
    },
  )

  test('that a new session has before anything is written makes no session of it', async () => {
    const { store } = subject.open()
    const id = newId()
    const key = `PHPSESSID_${id}`
    expect(await phpLock(subject, key)).toBe(true)
    expect(await store.read(id)).toBeUndefined()
    expect(await store.lock(id, { maxWaitMs: 0 })).toBeUndefined()
    expect(await store.touch(id)).toBe(false)
    await phpWrite(subject, key, 'visits|i:1;')
    expect((await store.read(id))?.data).toEqual({ visits: 1 })
  })

  test('that is seen unchanged can be told from one that was given back and taken again', async () => {
    const { store } = subject.open()
    const locks = phpLocks({ dataAttribute: 'data', ttlAttribute: 'expires', staleAfterMs: 60_000 })
    const id = newId()
    const { key } = await store.write(id, { visits: 1 })
    await phpLock(subject, key)
    const seen = locks.takeOver((await subject.table.item(key)) ?? {})
    expect(await takesOver(subject, key, seen)).toBe(true)
    await phpWrite(subject, key, 'visits|i:2;')
    await phpLock(subject, key)
    expect(await takesOver(subject, key, seen)).toBe(false)
    await subject.table.send('DeleteItem', { Key: { id: { S: key } } })
    expect(await takesOver(subject, key, seen)).toBe(false)
  })

  test('that ends by itself is heeded by ours and not by PHP', async () => {
    const { store } = subject.open()
    const { store: other, clock } = subject.open()
    const id = newId()
    const { key } = await store.write(id, { visits: 1 })
    await store.lock(id, { leaseSeconds: 5, renew: false })
    clock.advance(5000)
    expect(await phpLock(subject, key)).toBe(false)
    const taken = await other.lock(id, { maxWaitMs: 0 })
    expect(taken).toBeDefined()
    await taken?.release()
    expect(await phpLock(subject, key)).toBe(true)
    // What is left of the end of another lock does not end that of PHP.
    await phpWrite(subject, key, 'visits|i:2;')
    await store.lock(id, { leaseSeconds: 5, renew: false })
    await phpWrite(subject, key, 'visits|i:3;')
    expect(await phpLock(subject, key)).toBe(true)
    clock.advance(MINUTE_MS)
    await expect(other.lock(id, { maxWaitMs: 0 })).rejects.toBeInstanceOf(SessionLockedError)
  })
})

/** Puts the item of a key back as something else. */
async function restore(subject: ContractSubject, key: string, change: (item: Item) => Item): Promise<void> {
  const { table } = subject
  const { [table.partitionKey]: _, ...item } = (await table.item(key)) ?? {}
  await table.put({ ...change(item), [table.partitionKey]: { S: key } })
}

/** The same item with another number for its expiry; the only numbers of these items are expiries. */
function expiringAt(item: Item, text: string): Item {
  return Object.fromEntries(
    Object.entries(item).map(([name, value]) => [name, 'N' in value ? { N: text } : value]),
  )
}

function withoutNumbers(item: Item): Item {
  const isSessionStore = 'session_data' in item
  const changed = Object.entries(item).filter(([, value]) => isSessionStore || !('N' in value))
  return Object.fromEntries(changed.map(([name, value]) => [name, 'N' in value ? { NULL: true } : value]))
}

/** What the AWS SDK for PHP sends to read with a lock; whether it got it. */
async function phpLock(subject: ContractSubject, key: string): Promise<boolean> {
  const { statusCode } = await sendToEngine(subject.engine.endpoint, 'UpdateItem', {
    TableName: subject.table.name,
    Key: { [subject.table.partitionKey]: { S: key } },
    Expected: { lock: { Exists: false } },
    AttributeUpdates: { lock: { Action: 'PUT', Value: { N: '1' } } },
    ReturnValues: 'ALL_NEW',
  })
  return statusCode === 200
}

/** Whether a lock is still the one that was seen; nothing else is changed. */
async function takesOver(
  subject: ContractSubject,
  key: string,
  seen: Condition | undefined,
): Promise<boolean> {
  const { statusCode } = await sendToEngine(subject.engine.endpoint, 'UpdateItem', {
    TableName: subject.table.name,
    Key: { [subject.table.partitionKey]: { S: key } },
    UpdateExpression: 'SET seenAgain = :yes',
    ConditionExpression: seen?.expression,
    ExpressionAttributeNames: seen?.names,
    ExpressionAttributeValues: { ...seen?.values, ':yes': { BOOL: true } },
  })
  return statusCode === 200
}

/** What the AWS SDK for PHP sends to write a session. */
async function phpWrite(subject: ContractSubject, key: string, data: string): Promise<void> {
  await subject.table.send('UpdateItem', {
    Key: { [subject.table.partitionKey]: { S: key } },
    AttributeUpdates: {
      expires: { Action: 'PUT', Value: { N: String(Date.UTC(2031, 4, 6, 9) / 1000) } },
      lock: { Action: 'DELETE' },
      data: { Action: 'PUT', Value: { S: data } },
    },
  })
}
