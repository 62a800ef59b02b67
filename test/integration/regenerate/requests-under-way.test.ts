import { describe, expect, test } from 'vitest'

import { type SessionConflict, SessionConflictError, SessionStore } from '../../../src/index.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { type Engine, engine, engines } from '../../support/engines.ts'
import { sendToEngine } from '../../support/send-to-engine.ts'
import { newId } from '../../support/session-ids.ts'
import { StubEndpoint } from '../../support/stub-endpoint.ts'
import { tableSubject } from '../../support/table-subject.ts'

type Data = Record<string, unknown>
type Subject = ReturnType<typeof tableSubject>

/** What is done with a request: before and after the engine has carried it out. */
type Act = (operation: string, send: () => ReturnType<typeof sendToEngine>) => ReturnType<typeof sendToEngine>

function openAt(subject: Subject, options: SessionStoreOptions<Data> = {}): SessionStore<Data> {
  return subject.closeLater(new SessionStore<Data>({ ...subject.options, ...options }))
}

async function openBehind(
  { endpoint: url }: Engine,
  subject: Subject,
  act: Act,
  options: SessionStoreOptions<Data> = {},
): Promise<SessionStore<Data>> {
  const endpoint = await StubEndpoint.start(({ operation, input }) =>
    act(operation, () => sendToEngine(url, operation, input)),
  )
  return openAt(subject, { ...options, endpoint: subject.closeLater(endpoint).url })
}

/** Loses the response to one of the requests of an operation: the first, or one after that. */
function losing(lost: string, number = 1, meanwhile: () => Promise<unknown> = async () => undefined): Act {
  let count = 0
  return async (operation, send) => {
    const answer = await send()
    if (operation !== lost || ++count !== number) return answer
    await meanwhile()
    throw new Error('the response is lost')
  }
}

async function move(store: SessionStore<Data>, oldId: string, id: string, added: Data = {}): Promise<void> {
  const record = await store.read(oldId)
  if (record === undefined) throw new Error('there is no session to move')
  await store.regenerate(record, id, { data: { ...record.data, ...added } })
}

/** Counts what both sides have counted. */
const counted = ({ basis, ours, theirs }: SessionConflict<Data>): Data => ({
  visits: Number(theirs['visits']) + Number(ours['visits']) - Number(basis['visits']),
})

describe('while a session is given a new ID, a request that had read it', () => {
  const subject = tableSubject(engine)

  test('destroys it for good, though at the second try (G3)', async () => {
    const [store, oldId, id] = [openAt(subject), newId(), newId()]
    await store.write(oldId, { a: 1 })
    // What is under the old ID is looked at and found; then nothing can be reached.
    let isDown = true
    let writes = 0
    const failing = await openBehind(
      engine,
      subject,
      (operation, send) => {
        const isWrite = operation === 'DeleteItem' || operation === 'PutItem'
        return isDown && isWrite && ++writes > 1 ? Promise.reject(new Error('down')) : send()
      },
      { maxAttempts: 1 },
    )
    const record = await failing.read(oldId)
    await move(store, oldId, id)
    await expect(failing.destroy(record ?? '')).rejects.toThrow('connection')
    isDown = false
    await failing.destroy(record ?? '')
    expect([await store.read(id), await store.read(oldId)]).toEqual([undefined, undefined])
  })

  test('destroys it, though it does not know what has become of its own creation of the session (G3)', async () => {
    const [store, oldId, id] = [openAt(subject), newId(), newId()]
    const creator = await openBehind(engine, subject, losing('PutItem'), { maxAttempts: 1 })
    await expect(creator.write(oldId, { a: 1 })).rejects.toThrow('connection')
    const record = await creator.read(oldId)
    await move(store, oldId, id)
    await creator.destroy(record ?? '')
    expect(await store.read(id)).toBeUndefined()
  })

  test('has what it saved once, though the response was lost (G11)', async () => {
    const [oldId, id] = [newId(), newId()]
    const store = openAt(subject)
    await store.write(oldId, { visits: 0 })
    const act = losing('UpdateItem', 1, () => move(store, oldId, id))
    const counting = await openBehind(engine, subject, act, { onConflict: counted })
    await counting.write(oldId, { visits: 1 }, { basis: await counting.read(oldId) })
    expect((await store.read(id))?.data).toEqual({ visits: 1 })
  })

  test('regenerates it to no ID that has another session', async () => {
    const [store, oldId, otherId] = [openAt(subject), newId(), newId()]
    await store.write(oldId, { a: 1 })
    await store.write(otherId, { other: 1 })
    const record = await store.read(oldId)
    await move(store, oldId, newId())
    const regenerating = record && store.regenerate(record, otherId)
    await expect(regenerating).rejects.toThrow(SessionConflictError)
    expect((await store.read(otherId))?.data).toEqual({ other: 1 })
  })

  test.each([
    ['releases', undefined],
    ['saves', { a: 2 }],
    ['saves nothing', { a: 1 }],
  ])('keeps its lock, which ends when it %s it (G10)', async (_name, data) => {
    for (const store of [openAt(subject), openAt(subject, { touchAfterSeconds: 0 })]) {
      const [oldId, id] = [newId(), newId()]
      await store.write(oldId, { a: 1 })
      const lock = await store.lock(oldId)
      await move(store, oldId, id, { user: 'ada' })
      expect(await subject.item(id)).toHaveProperty('lockOwner')
      expect(lock?.isHeld).toBe(true)
      const isSaved = data !== undefined
      if (isSaved) await store.write(oldId, data, { basis: lock?.record })
      await lock?.release()
      expect(await subject.item(id)).not.toHaveProperty('lockOwner')
      expect((await store.read(id))?.data).toEqual({ ...(data ?? { a: 1 }), user: 'ada' })
    }
  })
})

describe.each(engines.filter(({ supports }) => !supports.transactions))(
  'without transactions, on $name',
  twoStep => {
    const subject = tableSubject(twoStep)

    test('a session of an older version is not lost with the response to the last request', async () => {
      const [store, oldId, id] = [openAt(subject), newId(), newId()]
      await store.write(oldId, { a: 1 })
      const { birth: _, ...item } = (await subject.item(oldId)) ?? {}
      await subject.table.put(item)
      const slow = await openBehind(twoStep, subject, losing('PutItem', 2))
      await move(slow, oldId, id)
      expect((await store.read(id))?.data).toEqual({ a: 1 })
    })
  },
)
