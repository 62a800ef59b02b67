import { beforeAll, describe, expect, test } from 'vitest'

import type { SessionRecord } from '../../../src/items/session-record.ts'
import { engine } from '../../support/engines.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import type { StubAnswer } from '../../support/stub-endpoint.ts'
import { hashed } from '../../support/session-ids.ts'
import { keysOf, refusal, type UserData, UserTable } from './user-table.ts'

const INTERNAL_ERROR: StubAnswer = {
  statusCode: 500,
  body: { __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError', message: 'as scripted' },
}

describe('destroyByUser', () => {
  let table: UserTable
  beforeAll(async () => {
    table = await UserTable.create(engine)
  })

  test('destroys the sessions of a user, and nobody else’s', async () => {
    const store = table.store({ prefix: 'all:' })
    await Promise.all(['1', '2', '3'].map(id => store.write(id, { user: 'ada' })))
    await store.write('ben', { user: 'ben' })
    await store.write('nobody', { step: 1 })
    expect(await store.destroyByUser('ada')).toBe(3)
    expect(await keysOf(store.listByUser('ada'))).toEqual([])
    for (const id of ['1', '2', '3']) expect(await store.read(id)).toBeUndefined()
    for (const id of ['ben', 'nobody']) expect(await store.read(id)).toBeDefined()
    expect(await store.destroyByUser('ada')).toBe(0)
  })

  test('leaves alone what it is told to, by ID or by record', async () => {
    const store = table.store({ prefix: 'except:' })
    const [one, two] = [await store.write('1', { user: 'ada' }), await store.write('2', { user: 'ada' })]
    await Promise.all(['3', '4'].map(id => store.write(id, { user: 'ada' })))
    expect(await store.destroyByUser('ada', { except: ['1', two] })).toBe(2)
    expect(await keysOf(store.listByUser('ada'))).toEqual([one.key, two.key].sort())
    expect(await store.destroyByUser('ada', { except: '1' })).toBe(1)
    expect(await store.destroyByUser('ada', { except: one })).toBe(0)
    expect(await store.read('1')).toBeDefined()
  })

  test('leaves the sessions of other namespaces alone', async () => {
    const [one, two] = [table.store({ prefix: 'one:' }), table.store({ prefix: 'one:two:' })]
    await one.write('id', { user: 'ada' })
    await two.write('id', { user: 'ada' })
    expect(await one.destroyByUser('ada')).toBe(1)
    expect(await one.read('id')).toBeUndefined()
    expect(await two.read('id')).toBeDefined()
  })

  test('deletes expired sessions too, and does not count them', async () => {
    const clock = new ManualClock(Date.now())
    const own = await UserTable.create(engine)
    const store = own.store({ clock })
    await store.write('short', { user: 'ada' }, { expiresMs: clock.nowMs + 1000 })
    await store.write('long', { user: 'ada' })
    clock.advance(1000)
    expect(await store.destroyByUser('ada')).toBe(1)
    expect(await own.itemCount()).toBe(0)
  })

  test('destroys more sessions than it deletes at once, over several pages', async () => {
    const own = await UserTable.create(engine)
    const writer = own.store()
    await Promise.all(Array.from({ length: 60 }, (_, index) => writer.write(`${index}`, { user: 'ada' })))
    let underWay = 0
    let mostUnderWay = 0
    const stub = await own.between(async ({ operation, input }, passOn) => {
      if (operation === 'Query') return passOn({ ...input, Limit: 40 })
      mostUnderWay = Math.max(mostUnderWay, ++underWay)
      const answer = await passOn()
      underWay--
      return answer
    })
    expect(await own.store({ endpoint: stub.url }).destroyByUser('ada')).toBe(60)
    expect(await own.itemCount()).toBe(0)
    expect(mostUnderWay).toBeLessThanOrEqual(8)
    expect(stub.operations.filter(operation => operation === 'DeleteItem')).toHaveLength(60)
  })

  test('shares the count with another sign-out at the same time', async () => {
    const [one, two] = [table.store({ prefix: 'twice:' }), table.store({ prefix: 'twice:' })]
    await Promise.all(Array.from({ length: 30 }, (_, index) => one.write(`${index}`, { user: 'ada' })))
    const counts = await Promise.all([one, two].map(store => store.destroyByUser('ada')))
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(30)
  })

  test('keeps requests that have loaded a session from bringing it back (G3, G4)', async () => {
    const store = table.store({ prefix: 'late:' })
    const written = await store.write('id', { user: 'ada', step: 1 })
    const loaded = await store.read('id')
    expect(await store.destroyByUser('ada')).toBe(1)
    expect(await store.write('id', { user: 'ada', step: 2 }, { basis: loaded })).toBeUndefined()
    expect(await store.write('id', { user: 'ada', step: 2 }, { basis: written })).toBeUndefined()
    expect(await store.touch(written)).toBe(false)
    expect(await store.touch('id')).toBe(false)
    expect(await store.read('id')).toBeUndefined()
    expect(await keysOf(store.listByUser('ada'))).toEqual([])
  })

  test('holds while saves and touches of the sessions go on all the time (G3, G4)', async () => {
    const store = table.store({ prefix: 'busy:' })
    const ids = Array.from({ length: 8 }, (_, index) => `id-${index}`)
    const records = await Promise.all(ids.map(id => store.write(id, { user: 'ada', step: 0 })))
    const state = { over: false }
    const busy = ids.map(async (id, index) => {
      let record: SessionRecord<UserData> | undefined = records[index]
      for (let step = 1; !state.over; step++) {
        const basis: SessionRecord<UserData> | undefined = record
        if (step % 3 === 0) await store.touch(basis ?? id)
        else
          record = (await store.write(id, { user: 'ada', step }, { basis: basis ?? records[index] })) ?? basis
      }
    })
    const count = await store.destroyByUser('ada')
    state.over = true
    await Promise.all(busy)
    expect(count).toBe(8)
    for (const id of ids) expect(await store.read(id)).toBeUndefined()
    expect(await keysOf(store.listByUser('ada'))).toEqual([])
  })

  test('does not destroy what has become somebody else’s since the index saw it', async () => {
    const writer = table.store({ prefix: 'stale:' })
    const first = await writer.write('id', { user: 'ada' })
    const stub = await table.between(async ({ operation }, passOn) => {
      const answer = await passOn()
      // The answer is older than what happens before it arrives.
      if (operation === 'Query') await writer.write('id', { user: 'ben' }, { basis: first })
      return answer
    })
    expect(await table.store({ prefix: 'stale:', endpoint: stub.url }).destroyByUser('ada')).toBe(0)
    expect((await writer.read('id'))?.data).toEqual({ user: 'ben' })
    expect(stub.operations.filter(operation => operation === 'DeleteItem')).toHaveLength(1)
  })

  test('looks again for what the index did not show at first', async () => {
    const lagging = { prefix: 'lagging:', hashIds: false }
    const writer = table.store(lagging)
    await Promise.all(['1', '2', '3'].map(id => writer.write(id, { user: 'ada' })))
    const hidden = [['lagging:2', 'lagging:3'], ['lagging:3']]
    const stub = await table.between(async ({ operation }, passOn) => {
      const answer = await passOn()
      return operation === 'Query' ? withoutKeys(answer, hidden.shift() ?? []) : answer
    })
    expect(await table.store({ ...lagging, endpoint: stub.url }).destroyByUser('ada')).toBe(3)
    for (const id of ['1', '2', '3']) expect(await writer.read(id)).toBeUndefined()
  })

  test('does not delete again what the index still shows', async () => {
    const writer = table.store({ prefix: 'ghost:' })
    await writer.write('id', { user: 'ada' })
    let shown: StubAnswer | undefined
    const stub = await table.between(async ({ operation }, passOn) => {
      if (operation !== 'Query') return passOn()
      shown ??= await passOn()
      return shown
    })
    expect(await table.store({ prefix: 'ghost:', endpoint: stub.url }).destroyByUser('ada')).toBe(1)
    expect(stub.operations.filter(operation => operation === 'DeleteItem')).toHaveLength(1)
  })

  test('ends although somebody signs in again and again', async () => {
    let sessions = 0
    const stub = await table.between(async ({ operation }) => {
      if (operation === 'GetItem') return { statusCode: 200, body: {} }
      if (operation !== 'Query')
        return refusal('ConditionalCheckFailedException', 'The conditional request failed')
      return {
        statusCode: 200,
        body: { Items: [{ id: { S: `endless:${sessions++}` }, user: { S: 'ada' } }] },
      }
    })
    const store = table.store({ prefix: 'endless:', hashIds: false, endpoint: stub.url })
    expect(await store.destroyByUser('ada')).toBe(0)
    expect(sessions).toBe(20)
  })

  test.each([
    ['happened', true],
    ['did not happen', false],
  ])('counts a deletion whose first answer was lost and that %s (G11)', async (_name, happened) => {
    const prefix = `lost-${happened}:`
    await table.store({ prefix }).write('id', { user: 'ada' })
    let deletions = 0
    const stub = await table.between(async ({ operation }, passOn) => {
      const isLost = operation === 'DeleteItem' && deletions++ === 0
      if (!isLost) return passOn()
      if (happened) await passOn()
      return INTERNAL_ERROR
    })
    const store = table.store({ prefix, endpoint: stub.url })
    expect(await store.destroyByUser('ada')).toBe(1)
    expect(deletions).toBe(2)
    expect(await store.read('id')).toBeUndefined()
  })

  test('does not count a retried deletion of what is somebody else’s (G11)', async () => {
    const writer = table.store({ prefix: 'lost-other:' })
    const first = await writer.write('id', { user: 'ada' })
    let deletions = 0
    const stub = await table.between(async ({ operation }, passOn) => {
      if (operation !== 'DeleteItem' || deletions++ > 0) return passOn()
      await writer.write('id', { user: 'ben' }, { basis: first })
      return INTERNAL_ERROR
    })
    expect(await table.store({ prefix: 'lost-other:', endpoint: stub.url }).destroyByUser('ada')).toBe(0)
    expect((await writer.read('id'))?.data).toEqual({ user: 'ben' })
  })

  test('destroys an item that is no session any more, and does not count it', async () => {
    const own = await UserTable.create(engine)
    await own.send('PutItem', {
      Item: { id: { S: hashed('id') }, user: { S: 'ada' }, data: { S: 'broken' } },
    })
    expect(await own.store().destroyByUser('ada')).toBe(0)
    expect(await own.itemCount()).toBe(0)
  })

  test('a failure is an error, and calling again does the rest', async () => {
    const writer = table.store({ prefix: 'failing:' })
    await Promise.all(['1', '2', '3'].map(id => writer.write(id, { user: 'ada' })))
    const stub = await table.between(async ({ operation }, passOn) => {
      return operation === 'DeleteItem' ? refusal('AccessDeniedException', 'not for you') : passOn()
    })
    const failing = table.store({ prefix: 'failing:', endpoint: stub.url }).destroyByUser('ada')
    await expect(failing).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    expect(await writer.destroyByUser('ada')).toBe(3)
  })

  test('gives up when its signal is aborted, while it waits too', async () => {
    const controller = new AbortController()
    const reason = new Error('the page was closed')
    const stub = await table.between(async (_request, passOn) => {
      const answer = await passOn()
      setTimeout(() => {
        controller.abort(reason)
      }, 20)
      return answer
    })
    const store = table.store({ prefix: 'aborted:', endpoint: stub.url })
    await expect(store.destroyByUser('ada', { signal: controller.signal })).rejects.toBe(reason)
    expect(stub.operations).toEqual(['Query'])
  })
})

function withoutKeys(answer: StubAnswer, keys: readonly string[]): StubAnswer {
  const body = answer.body as { readonly Items: readonly { readonly id: { readonly S: string } }[] }
  return { ...answer, body: { ...body, Items: body.Items.filter(({ id }) => !keys.includes(id.S)) } }
}
