import { describe, expect, test } from 'vitest'

import { StubEndpoint } from '../support/stub-endpoint.ts'
import { newId } from '../support/session-ids.ts'
import { type ContractSubject } from './contract-subject.ts'

const ids = [
  'Grüße 👋🏽 zażółć 漢字',
  'with "quotes", \\, \n and \u0000',
  '__proto__',
  'constructor',
  ' ',
  '../../etc/passwd',
  '{"S":"x"}',
]

const noSessionData: Readonly<Record<string, unknown>> = {
  'an array': [1, 2],
  'a text': 'text',
  null: null,
  'a BigInt inside': { big: 1n },
  'a cycle': cycle(),
  'an object that is a text in JSON': new Date(0),
}

/** Reading what was written (G1), replacing it, and what IDs and data may be. */
export function describeReadingAndWriting(subject: ContractSubject): void {
  const { jsonData: json } = subject.layout.traits

  describe('reading and writing', () => {
    test('a session that was never written is not there', async () => {
      expect(await subject.open().store.read(newId())).toBeUndefined()
    })

    test('a session is read as it was written', async () => {
      const { store } = subject.open()
      const id = newId()
      const { data } = subject.layout
      const written = await store.write(id, { ...data })
      const read = await store.read(id)
      expect(read?.data).toEqual(data)
      expect(read?.key).toBe(written.key)
      expect(read?.revision).toBe(written.revision)
      expect(read?.createdMs).toBe(written.createdMs)
      expect(read?.expiresMs).toBe(written.expiresMs)
    })

    test.runIf(json)('what cannot be in JSON is left out or written as JSON.stringify does', async () => {
      const { store } = subject.open()
      const id = newId()
      await store.write(id, { gone: undefined, when: new Date(0), list: [undefined], not: Number.NaN })
      expect((await store.read(id))?.data).toEqual({
        when: '1970-01-01T00:00:00.000Z',
        list: [null],
        not: null,
      })
    })

    test('a write replaces the whole session', async () => {
      const { store } = subject.open()
      const id = newId()
      await store.write(id, { user: 'ada', cart: ['apple'] })
      await store.write(id, { cart: [] })
      expect((await store.read(id))?.data).toEqual({ cart: [] })
    })

    test('each reader gets data of its own', async () => {
      const { store } = subject.open()
      const id = newId()
      await store.write(id, { cart: ['apple'] })
      const [first, second] = await Promise.all([store.read(id), store.read(id)])
      Object.assign(first?.data ?? {}, { cart: [] })
      expect(second?.data).toEqual({ cart: ['apple'] })
    })

    test('another store of the same table reads it', async () => {
      const id = newId()
      await subject.open().store.write(id, { user: 'ada' })
      expect((await subject.open().store.read(id))?.data).toEqual({ user: 'ada' })
    })

    test('many sessions at the same time do not get mixed up (G8)', async () => {
      const { store } = subject.open(subject.fewSockets)
      const all = Array.from({ length: 60 }, newId)
      await Promise.all(all.map(id => store.write(id, { id })))
      const read = await Promise.all(all.map(id => store.read(id)))
      expect(read.map(record => record?.data)).toEqual(all.map(id => ({ id })))
    })

    test('the item of another session in the answer is an error (G8)', async () => {
      const { store } = subject.open()
      const [id, other] = [newId(), newId()]
      await store.write(id, { user: 'ada' })
      const { key } = await store.write(other, { user: 'bob' })
      const item = await subject.table.item(key)
      const stub = await StubEndpoint.start(() => ({ statusCode: 200, body: { Item: item } }))
      await expect(subject.open({ endpoint: stub.url }).store.read(id)).rejects.toMatchObject({
        code: 'INVALID_RESPONSE',
      })
      await stub.close()
    })

    test.runIf(subject.layout.traits.anyId).each(ids)('%j can be a session ID', async id => {
      const { store } = subject.open()
      const record = await store.write(id, { id })
      expect((await store.read(id))?.data).toEqual({ id })
      expect(await subject.table.item(record.key)).toBeDefined()
      expect(record.key.includes(subject.layout.partInKey?.(id) ?? id)).toBe(subject.layout.plainIds)
      expect(await store.touch(id)).toBe(true)
      await store.destroy(id)
      expect(await subject.table.item(record.key)).toBeUndefined()
    })

    test('an empty session ID is refused', async () => {
      const { store } = subject.open()
      const mistake = { name: 'TypeError', code: 'INVALID_SESSION_ID' }
      await expect(store.read('')).rejects.toMatchObject(mistake)
      await expect(store.write('', {})).rejects.toMatchObject(mistake)
      await expect(store.touch('')).rejects.toMatchObject(mistake)
      await expect(store.destroy('')).rejects.toMatchObject(mistake)
    })

    test.skipIf(subject.layout.plainIds)('a session ID of any length can be hashed', async () => {
      const { store } = subject.open()
      const id = `${newId()}${'x'.repeat(5000)}`
      await store.write(id, { long: true })
      expect((await store.read(id))?.data).toEqual({ long: true })
    })

    test.runIf(subject.layout.plainIds)(
      'a plain session ID that is too long for a key is refused',
      async () => {
        const { store } = subject.open()
        const id = 'x'.repeat(2049)
        const mistake = { name: 'TypeError', code: 'INVALID_SESSION_ID' }
        await expect(store.write(id, { long: true })).rejects.toMatchObject(mistake)
        await expect(store.read(id)).rejects.toMatchObject(mistake)
      },
    )

    test.each(Object.entries(noSessionData).filter(([name]) => json || !name.startsWith('a BigInt')))(
      '%s is no session data',
      async (_name, data) => {
        const { store } = subject.open()
        const id = newId()
        const record = await store.write(id, { before: true })
        await expect(store.write(id, data as never)).rejects.toMatchObject({
          name: 'TypeError',
          code: 'INVALID_SESSION_DATA',
        })
        expect((await store.read(id))?.revision).toBe(record.revision)
      },
    )
  })

  describe('writing on a basis', () => {
    test('saves a session that was read, in a new revision', async () => {
      const { store, clock } = subject.open()
      const id = newId()
      const created = await store.write(id, { visits: 1 })
      clock.advance(5000)
      const basis = await store.read(id)
      const saved = await store.write(id, { visits: 2 }, { basis })
      expect(saved?.revision ?? 'none').not.toBe(created.revision)
      expect(saved?.createdMs).toBe(created.createdMs)
      const read = await store.read(id)
      expect(read?.data).toEqual({ visits: 2 })
      expect(read?.revision).toBe(saved?.revision)
      expect(read?.createdMs).toBe(created.createdMs)
    })

    test('the record of a write is the basis of the next', async () => {
      const { store } = subject.open()
      const id = newId()
      const first = await store.write(id, { visits: 1 })
      const second = await store.write(id, { visits: 2 }, { basis: first })
      const third = await store.write(id, { visits: 3 }, { basis: second })
      expect((await store.read(id))?.revision).toBe(third?.revision)
    })

    test('of two writers of one session the last one wins', async () => {
      const { store } = subject.open()
      const id = newId()
      const basis = await store.write(id, {})
      await store.write(id, { by: 'first' }, { basis })
      await store.write(id, { by: 'second' }, { basis })
      expect((await store.read(id))?.data).toEqual({ by: 'second' })
    })

    test.each([null, {}, 'x'])('%j is refused, for it is no record', async basis => {
      const { store } = subject.open()
      const id = newId()
      await expect(store.write(id, {}, { basis: basis as unknown as undefined })).rejects.toMatchObject({
        name: 'TypeError',
        code: 'INVALID_OPTION',
      })
      expect(await store.read(id)).toBeUndefined()
    })

    test('the record of another session is refused', async () => {
      const { store } = subject.open()
      const [id, other] = [newId(), newId()]
      const basis = await store.write(other, {})
      await expect(store.write(id, { stolen: true }, { basis })).rejects.toMatchObject({
        name: 'TypeError',
        code: 'INVALID_OPTION',
      })
      expect(await store.read(id)).toBeUndefined()
      expect((await store.read(other))?.data).toEqual({})
    })
  })

  describe('consistentRead', () => {
    test('is asked for by default, once', async () => {
      await withStub(subject, {}, async (stub, store) => {
        await store.read(newId())
        expect(stub.requests.map(({ input }) => input['ConsistentRead'])).toEqual([true])
      })
    })

    test('when false, only a session that is not found is looked for consistently', async () => {
      await withStub(subject, { consistentRead: false }, async (stub, store) => {
        const id = newId()
        await store.write(id, { user: 'ada' })
        stub.forget()
        expect((await store.read(id))?.data).toEqual({ user: 'ada' })
        expect(stub.requests.map(({ input }) => input['ConsistentRead'])).toEqual([false])
        stub.forget()
        expect(await store.read(newId())).toBeUndefined()
        expect(stub.requests.map(({ input }) => input['ConsistentRead'])).toEqual([false, true])
      })
    })
  })
}

async function withStub(
  subject: ContractSubject,
  options: { readonly consistentRead?: boolean },
  run: (stub: StubEndpoint, store: ReturnType<ContractSubject['open']>['store']) => Promise<void>,
): Promise<void> {
  const stub = await StubEndpoint.inFrontOf(subject.engine.endpoint)
  try {
    await run(stub, subject.open({ consistentRead: true, ...options, endpoint: stub.url }).store)
  } finally {
    await stub.close()
  }
}

function cycle(): object {
  const value: { self?: unknown } = {}
  value.self = value
  return value
}
