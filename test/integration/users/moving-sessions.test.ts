import { beforeAll, describe, expect, test } from 'vitest'

import type { SessionRecord } from '../../../src/items/session-record.ts'
import type { SessionStore } from '../../../src/store/session-store.ts'
import { engines } from '../../support/engines.ts'
import { hashed, newId } from '../../support/session-ids.ts'
import type { StubAnswer } from '../../support/stub-endpoint.ts'
import { keysOf, type UserData, UserTable } from './user-table.ts'

/** What the test has written a line before. */
async function recordOf(store: SessionStore<UserData>, id: string): Promise<SessionRecord<UserData>> {
  const record = await store.read(id)
  if (record === undefined) throw new Error('the session is not there')
  return record
}

describe.each(engines)('sessions that are given a new ID while a user is signed out, on $name', engine => {
  let table: UserTable
  beforeAll(async () => {
    table = await UserTable.create(engine)
  })

  /** The request with which a session leaves its old ID, and which of them it is. */
  const leaving = engine.supports.transactions
    ? { operation: 'TransactWriteItems', number: 1 }
    : { operation: 'PutItem', number: 2 }

  /** A store that stops before a session leaves its old ID, and does something. */
  async function stoppingBeforeLeaving(
    act: () => Promise<StubAnswer | undefined>,
  ): Promise<SessionStore<UserData>> {
    let count = 0
    const stub = await table.between(async ({ operation }, passOn) => {
      const isLeaving = operation === leaving.operation && ++count === leaving.number
      return (isLeaving ? await act() : undefined) ?? passOn()
    })
    return table.store({ endpoint: stub.url })
  }

  test('end, though the index shows none of their new IDs', async () => {
    const store = table.store()
    const ids = [newId(), newId(), newId()] as const
    await store.write(ids[0], { user: 'ada' })
    let isMoved = false
    const stub = await table.between(async ({ operation }, passOn) => {
      const answer = await passOn()
      if (operation !== 'Query') return answer
      if (!isMoved) {
        isMoved = true
        for (const [index, id] of ids.slice(1).entries()) {
          await store.regenerate(await recordOf(store, ids[index] ?? ''), id)
        }
        return answer
      }
      return { ...answer, body: { ...(answer.body as object), Items: [] } }
    })
    expect(await table.store({ endpoint: stub.url }).destroyByUser('ada')).toBe(1)
    for (const id of ids) expect(await store.read(id)).toBeUndefined()
  })

  test('are left alone where they are the ones to keep, under their new IDs too', async () => {
    const store = table.store()
    const [kept, keptNow, other] = [newId(), newId(), newId()]
    await store.write(kept, { user: 'ben' })
    await store.write(other, { user: 'ben' })
    await store.regenerate(await recordOf(store, kept), keptNow)
    expect(await store.destroyByUser('ben', { except: kept })).toBe(1)
    expect((await store.read(keptNow))?.data).toEqual({ user: 'ben' })
    expect(await store.read(other)).toBeUndefined()
    expect(await keysOf(store.listByUser('ben'))).toEqual([hashed(keptNow)])
  })

  test('end under both IDs, when that happens before they leave the old one', async () => {
    const store = table.store()
    const [oldId, id] = [newId(), newId()]
    await store.write(oldId, { user: 'cy' })
    const moving = await stoppingBeforeLeaving(async () => {
      await store.destroyByUser('cy')
      return undefined
    })
    expect(await moving.regenerate(await recordOf(moving, oldId), id)).toBeUndefined()
    expect([await store.read(oldId), await store.read(id)]).toEqual([undefined, undefined])
    expect(await keysOf(store.listByUser('cy'))).toEqual([])
  })

  test('are not lost with the process that moves them, and signed in under one ID at the second try', async () => {
    const store = table.store()
    const [oldId, unknown, id] = [newId(), newId(), newId()]
    await store.write(oldId, { step: 1 })
    // From here on, nothing of that process reaches the table.
    const end = new AbortController()
    const killed = await stoppingBeforeLeaving(() => {
      end.abort(new Error('the process was killed'))
      return new Promise(() => undefined)
    })
    const record = await recordOf(killed, oldId)
    const moving = killed.regenerate(record, unknown, { data: { step: 1, user: 'di' }, signal: end.signal })
    await expect(moving).rejects.toThrow('the process was killed')

    expect((await store.read(oldId))?.data).toEqual({ step: 1 })
    await store.regenerate(await recordOf(store, oldId), id, { data: { step: 1, user: 'di' } })
    expect((await store.read(id))?.data).toEqual({ step: 1, user: 'di' })
    expect(await store.read(oldId)).toBeUndefined()
    expect(await store.destroyByUser('di')).toBe(engine.supports.transactions ? 1 : 2)
    for (const each of [oldId, unknown, id]) expect(await store.read(each)).toBeUndefined()
  })
})
