import { beforeAll, describe, expect, test } from 'vitest'

import { TableMismatchError } from '../../../src/errors.ts'
import { engine } from '../../support/engines.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { toArray } from '../../support/to-array.ts'
import { hashed } from '../../support/session-ids.ts'
import { keysOf, refusal, UserTable } from './user-table.ts'

const DAY_MS = 86_400_000

describe('listByUser', () => {
  let table: UserTable
  beforeAll(async () => {
    table = await UserTable.create(engine)
  })

  test('finds the sessions of a user, and nobody else’s', async () => {
    const store = table.store({ prefix: 'a:' })
    const first = await store.write('ada-1', { user: 'ada' })
    const second = await store.write('ada-2', { user: 'ada' })
    await store.write('ben-1', { user: 'ben' })
    await store.write('nobody', { step: 1 })
    expect(await keysOf(store.listByUser('ada'))).toEqual([first.key, second.key].sort())
    expect(await keysOf(store.listByUser('ben'))).toHaveLength(1)
    expect(await keysOf(store.listByUser('nobody'))).toEqual([])
  })

  test('says when a session began and when it expires', async () => {
    const store = table.store({ prefix: 'times:' })
    const { key, createdMs, expiresMs } = await store.write('id', { user: 'ada' }, { ttlSeconds: 100.5 })
    const found = await toArray(store.listByUser('ada'))
    expect(found).toEqual([{ key, createdMs, expiresMs }])
  })

  test('fails when the table has another partition key than the store believes', async () => {
    const right = table.store({ prefix: '', hashIds: false })
    await right.write('other-key', { user: 'grace' })
    const wrong = table.store({ prefix: '', hashIds: false, partitionKey: 'sid' })
    await expect(keysOf(wrong.listByUser('grace'))).rejects.toMatchObject({ code: 'TABLE_MISMATCH' })
    await expect(wrong.destroyByUser('grace')).rejects.toMatchObject({ code: 'TABLE_MISMATCH' })
    expect(await keysOf(right.listByUser('grace'))).toEqual(['other-key'])
  })

  test('follows the user of a session as it changes', async () => {
    const store = table.store({ prefix: 'change:' })
    const anonymous = await store.write('id', { step: 1 })
    expect(await keysOf(store.listByUser('ada'))).toEqual([])
    const signedIn = await store.write('id', { step: 1, user: 'ada' }, { basis: anonymous })
    expect(await keysOf(store.listByUser('ada'))).toEqual([anonymous.key])
    const other = await store.write('id', { step: 1, user: 'ben' }, { basis: signedIn })
    expect(await keysOf(store.listByUser('ada'))).toEqual([])
    expect(await keysOf(store.listByUser('ben'))).toEqual([anonymous.key])
    await store.write('id', { step: 1 }, { basis: other })
    expect(await keysOf(store.listByUser('ben'))).toEqual([])
  })

  test('leaves out what has expired, to the millisecond', async () => {
    const clock = new ManualClock(Date.now())
    const store = table.store({ prefix: 'expired:', clock })
    await store.write('short', { user: 'ada' }, { expiresMs: clock.nowMs + 1500 })
    const long = await store.write('long', { user: 'ada' }, { expiresMs: clock.nowMs + DAY_MS })
    clock.advance(1499)
    expect(await keysOf(store.listByUser('ada'))).toHaveLength(2)
    clock.advance(1)
    expect(await keysOf(store.listByUser('ada'))).toEqual([long.key])
  })

  test('counts the absolute timeout in', async () => {
    const clock = new ManualClock(Math.ceil(Date.now() / 1000) * 1000)
    const unlimited = table.store({ prefix: 'absolute:', clock })
    await unlimited.write('old', { user: 'ada' }, { expiresMs: clock.nowMs + DAY_MS })
    clock.advance(60_000)
    const young = await unlimited.write('young', { user: 'ada' }, { expiresMs: clock.nowMs + DAY_MS })
    const store = table.store({ prefix: 'absolute:', clock, absoluteTimeoutSeconds: 30 })
    expect(await toArray(store.listByUser('ada'))).toEqual([
      { key: young.key, createdMs: young.createdMs, expiresMs: clock.nowMs + 30_000 },
    ])
  })

  test('sees its own namespace of the table only', async () => {
    const one = table.store({ prefix: 'one:' })
    const two = table.store({ prefix: 'one:two:' })
    const inOne = await one.write('id', { user: 'eve' })
    const inTwo = await two.write('id', { user: 'eve' })
    expect(await keysOf(one.listByUser('eve'))).toEqual([inOne.key])
    expect(await keysOf(two.listByUser('eve'))).toEqual([inTwo.key])
  })

  test('reads one page of the index after the other, and no more than is asked for', async () => {
    const writer = table.store({ prefix: 'pages:' })
    const ids = Array.from({ length: 7 }, (_, index) => `id-${index}`)
    await Promise.all(ids.map(id => writer.write(id, { user: 'ada' })))
    const stub = await table.between(({ input }, passOn) => passOn({ ...input, Limit: 3 }))
    const store = table.store({ prefix: 'pages:', endpoint: stub.url })
    const all = await keysOf(store.listByUser('ada'))
    expect(all).toEqual(ids.map(id => `pages:${hashed(id)}`).sort())
    const pages = stub.requests.length
    expect(stub.requests.map(({ input }) => 'ExclusiveStartKey' in input)).toEqual(
      Array.from({ length: pages }, (_, page) => page > 0),
    )
    stub.forget()
    for await (const session of store.listByUser('ada')) {
      expect(all).toContain(session.key)
      break
    }
    expect(stub.requests).toHaveLength(1)
  })

  test('reads the index alone', async () => {
    await table.store({ prefix: 'cost:' }).write('id', { user: 'ada' })
    const stub = await table.between((_request, passOn) => passOn())
    const store = table.store({ prefix: 'cost:', endpoint: stub.url })
    expect(await keysOf(store.listByUser('ada'))).toHaveLength(1)
    expect(stub.operations).toEqual(['Query'])
    expect(stub.requests[0]?.input).toMatchObject({ IndexName: 'user-index' })
  })

  test('says what to do about a table without the index', async () => {
    const plain = await UserTable.create(engine, { userIndex: false })
    const store = plain.store()
    await store.write('id', { user: 'ada' })
    const listing = keysOf(store.listByUser('ada'))
    await expect(listing).rejects.toBeInstanceOf(TableMismatchError)
    await expect(listing).rejects.toMatchObject({
      code: 'TABLE_MISMATCH',
      differences: ['there is no index "user-index"'],
    })
    await expect(listing).rejects.toThrow(
      /createTable.*aws dynamodb update-table --table-name sessions-.*user-index/,
    )
    await expect(store.destroyByUser('ada')).rejects.toBeInstanceOf(TableMismatchError)
    expect((await store.read('id'))?.data).toEqual({ user: 'ada' })
  })

  test('says that the index is still being built', async () => {
    const stub = await table.between(async () => {
      return refusal('ValidationException', 'Cannot read from backfilling global secondary index: user-index')
    })
    const listing = keysOf(table.store({ endpoint: stub.url }).listByUser('ada'))
    await expect(listing).rejects.toBeInstanceOf(TableMismatchError)
    await expect(listing).rejects.toThrow(/still being built/)
  })

  test('says that an index made by hand lacks the expiry', async () => {
    const byHand = await UserTable.create(engine, { userIndex: false })
    await byHand.send('DeleteTable')
    await expect
      .poll(() => byHand.send('DescribeTable').catch((error: unknown) => String(error)))
      .toContain('ResourceNotFound')
    await byHand.send('CreateTable', {
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: ['id', 'user'].map(name => ({ AttributeName: name, AttributeType: 'S' })),
      BillingMode: 'PAY_PER_REQUEST',
      GlobalSecondaryIndexes: [
        {
          IndexName: 'user-index',
          KeySchema: [{ AttributeName: 'user', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    })
    await expect.poll(() => byHand.send('DescribeTable')).toMatchObject({ Table: { TableStatus: 'ACTIVE' } })
    const store = byHand.store()
    await store.write('id', { user: 'ada' })
    await expect(keysOf(store.listByUser('ada'))).rejects.toThrow(
      /does not have the attributes expires, expiresMs, created; delete the index and add it again: aws/,
    )
    expect(await store.destroyByUser('ada')).toBe(1)
    expect(await byHand.itemCount()).toBe(0)
  })

  test.each([
    ['an empty text', ''],
    ['more than 2048 bytes', 'é'.repeat(1025)],
    ['no text', 7 as unknown as string],
  ])('refuses %s as user ID', async (_name, userId) => {
    const store = table.store()
    for (const call of [keysOf(store.listByUser(userId)), store.destroyByUser(userId)]) {
      await expect(call).rejects.toMatchObject({ name: 'TypeError', code: 'INVALID_ARGUMENT' })
      await expect(call).rejects.toThrow(/user ID/)
    }
  })

  test('finds user IDs of any characters, up to 2048 bytes', async () => {
    const store = table.store({ prefix: 'long:' })
    const user = 'é"\\'.repeat(512)
    const { key } = await store.write('id', { user })
    expect(Buffer.byteLength(user)).toBe(2048)
    expect(await keysOf(store.listByUser(user))).toEqual([key])
    expect(await store.destroyByUser(user)).toBe(1)
  })

  test('gives up when its signal is aborted', async () => {
    const controller = new AbortController()
    const reason = new Error('the page was closed')
    const stub = await table.between(async (_request, passOn) => {
      controller.abort(reason)
      return passOn()
    })
    const store = table.store({ endpoint: stub.url })
    await expect(keysOf(store.listByUser('ada', { signal: controller.signal }))).rejects.toBe(reason)
  })
})
