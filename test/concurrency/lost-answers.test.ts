import { describe, expect, onTestFinished, test } from 'vitest'

import { engines } from '../support/engines.ts'
import { StubEndpoint, type StubRequest } from '../support/stub-endpoint.ts'
import { sendToEngine } from '../support/send-to-engine.ts'
import { newId } from '../support/session-ids.ts'
import { concurrencySubject } from './concurrency-subject.ts'

/** An endpoint that carries out what it is sent, and drops the connection in place of some of the answers. */
interface LossyEndpoint {
  readonly url: string
  readonly requests: readonly StubRequest[]
  /** Drops that many of the answers to UpdateItem, after some; `meanwhile` happens before the first of them is. */
  readonly drop: (answers: number, meanwhile?: () => Promise<unknown>, after?: number) => void
}

/** Two, because a request on a connection that was open is sent again at once before it counts as failed. */
const DROPS = [1, 2] as const

describe.each(engines)('$name, a write whose answer is lost (G11)', engine => {
  const subject = concurrencySubject(engine)

  test.each(DROPS)('%i times is no conflict', async drops => {
    const { id, store, lossy, record } = await openSession({ onConflict: 'reject' })
    lossy.drop(drops)
    const saved = await store.write(id, { user: 'ada', a: 1 }, { basis: record })
    expect(saved?.data).toEqual({ user: 'ada', a: 1 })
    expect(lossy.requests.filter(({ operation }) => operation === 'UpdateItem')).toHaveLength(drops + 1)
    const again = await store.write(id, { user: 'ada', a: 2 }, { basis: saved })
    expect((await subject.store().read(id))?.data).toEqual(again?.data)
  })

  test.each(DROPS)('%i times is not merged with itself', async drops => {
    const merges: unknown[] = []
    const { id, store, lossy, record } = await openSession({
      onConflict: conflict => {
        merges.push(conflict)
        return conflict.merged
      },
    })
    lossy.drop(drops)
    await store.write(id, { a: 1 }, { basis: record })
    expect(merges).toEqual([])
    expect((await subject.store().read(id))?.data).toEqual({ a: 1 })
  })

  test('before somebody else writes keeps both changes', async () => {
    const { id, store, lossy, record } = await openSession()
    lossy.drop(1, async () => {
      const other = subject.store()
      const theirs = await other.read(id)
      await other.write(id, { ...theirs?.data, b: 2 }, { basis: theirs })
    })
    const saved = await store.write(id, { user: 'ada', a: 1 }, { basis: record })
    expect(saved?.data).toEqual({ user: 'ada', a: 1, b: 2 })
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', a: 1, b: 2 })
  })

  test.each([1, 2, 3, 4])('before %i later writes of others is not done again', async later => {
    const { id, store, lossy, record } = await openSession()
    lossy.drop(1, async () => {
      const other = subject.store()
      for (let value = 2; value <= 1 + later; value++) {
        const theirs = await other.read(id)
        await other.write(id, { ...theirs?.data, a: value }, { basis: theirs })
        await other.touch(id)
        await (await other.lock(id))?.release()
      }
    })
    const saved = await store.write(id, { user: 'ada', a: 1 }, { basis: record })
    expect(saved?.data).toEqual({ user: 'ada', a: 1 + later })
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', a: 1 + later })
    // What it returns is what it says: the next write removes what others have written.
    await store.write(id, { user: 'ada' }, { basis: saved })
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada' })
  })

  test.each(['reject', 'overwrite'] as const)(
    'is found by onConflict: %j among those of others',
    async onConflict => {
      const { id, store, lossy, record } = await openSession({ onConflict })
      lossy.drop(1, async () => {
        const other = subject.store()
        const theirs = await other.read(id)
        await other.write(id, { a: 2 }, { basis: theirs })
      })
      const saved = await store.write(id, { a: 1 }, { basis: record })
      expect(saved?.data).toEqual({ a: 2 })
      expect((await subject.store().read(id))?.data).toEqual({ a: 2 })
    },
  )

  test('and was made after a conflict is not done again either', async () => {
    const { id, store, lossy, record } = await openSession()
    await subject.store().write(id, { user: 'ada', b: 1 }, { basis: record })
    lossy.drop(
      1,
      async () => {
        const other = subject.store()
        const theirs = await other.read(id)
        await other.write(id, { ...theirs?.data, a: 2 }, { basis: theirs })
      },
      1,
    )
    const saved = await store.write(id, { user: 'ada', a: 1 }, { basis: record })
    expect(saved?.data).toEqual({ user: 'ada', a: 2, b: 1 })
  })

  test('is the save of a session whose item an older version wrote', async () => {
    const { id, store, lossy, record } = await openSession()
    const item = await subject.table.item(id)
    await subject.table.put({ ...item, rev: { S: 'pS9aX0qf2LrB' } })
    const old = await store.read(id)
    expect(record?.revision).not.toBe(old?.revision)
    lossy.drop(1, async () => {
      const other = subject.store()
      const theirs = await other.read(id)
      await other.write(id, { a: 2 }, { basis: theirs })
    })
    expect((await store.write(id, { a: 1 }, { basis: old }))?.data).toEqual({ a: 2 })
    expect(await subject.table.item(id)).toMatchObject({
      rev: { S: expect.stringContaining('pS9aX0qf') as string },
    })
  })

  test('before a logout is no session any more (G3)', async () => {
    const { id, store, lossy, record } = await openSession()
    lossy.drop(1, () => subject.store().destroy(id))
    expect(await store.write(id, { user: 'ada', a: 1 }, { basis: record })).toBeUndefined()
    expect(await subject.table.item(id)).toBeUndefined()
  })

  test.each(DROPS)('%i times, and is a lock, is not a lock that somebody else has', async drops => {
    const { id, store, lossy } = await openSession()
    lossy.drop(drops)
    const lock = await store.lock(id, { maxWaitMs: 0 })
    expect(lock?.record.data).toEqual({ user: 'ada' })
    lossy.drop(drops)
    const saved = await store.write(id, { user: 'ada', a: 1 }, { basis: lock?.record })
    expect(saved?.data).toEqual({ user: 'ada', a: 1 })
    expect(await subject.table.item(id)).not.toHaveProperty('lock')
  })

  test.each(DROPS)(
    '%i times, and releases a lock, is not an error, nor takes the lock of the next',
    async drops => {
      const { id, store, lossy } = await openSession()
      const lock = await store.lock(id)
      const other = subject.store()
      let theirs: Awaited<ReturnType<typeof other.lock>>
      lossy.drop(drops, async () => {
        theirs = await other.lock(id, { maxWaitMs: 0 })
      })
      await lock?.release()
      expect(theirs?.isHeld).toBe(true)
      await expect(store.lock(id, { maxWaitMs: 0 })).rejects.toMatchObject({ code: 'SESSION_LOCKED' })
      await theirs?.release()
    },
  )

  test.each(DROPS)('%i times, and is a touch, is a touch', async drops => {
    const { id, store, lossy, record } = await openSession()
    lossy.drop(drops)
    expect(await store.touch(id)).toBe(true)
    lossy.drop(drops)
    expect(await store.touch(record ?? id, { ttlSeconds: 1_000_000 })).toBe(true)
    lossy.drop(drops)
    const lock = await store.lock(id)
    lossy.drop(drops)
    expect(await store.touch(lock?.record ?? id)).toBe(true)
    expect(await subject.table.item(id)).not.toHaveProperty('lock')
  })

  test('lets the next one lock at once when a touch has unlocked the session', async () => {
    const { id, store, lossy } = await openSession()
    const lock = await store.lock(id)
    const other = subject.store()
    let theirs: Awaited<ReturnType<typeof other.lock>>
    lossy.drop(1, async () => {
      theirs = await other.lock(id, { maxWaitMs: 0 })
    })
    expect(await store.touch(lock?.record ?? id)).toBe(true)
    await other.write(id, { user: 'grace' }, { basis: theirs?.record })
    expect((await store.read(id))?.data).toEqual({ user: 'grace' })
  })

  async function openSession(options: Parameters<typeof subject.store>[0] = {}) {
    const lossy = await lossyEndpoint(engine.endpoint)
    const id = newId()
    await subject.store().write(id, { user: 'ada' })
    const store = subject.store({ ...options, endpoint: lossy.url, transport: undefined })
    return { id, store, lossy, record: await store.read(id) }
  }
})

async function lossyEndpoint(engine: string): Promise<LossyEndpoint> {
  let drops = 0
  let spared = 0
  let meanwhile: (() => Promise<unknown>) | undefined
  const stub = await StubEndpoint.start(async ({ operation, input }) => {
    const answer = await sendToEngine(engine, operation, input)
    if (operation === 'UpdateItem' && drops > 0 && spared-- <= 0) {
      drops--
      const happens = meanwhile
      meanwhile = undefined
      await happens?.()
      throw new Error('the answer is lost')
    }
    return answer
  })
  onTestFinished(() => stub.close())
  return {
    url: stub.url,
    requests: stub.requests,
    drop: (answers, between, after = 0) => {
      drops = answers
      spared = after
      meanwhile = between
      stub.forget()
    },
  }
}
