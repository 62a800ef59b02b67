import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'

import type { Scenario } from './scenario.ts'

/** A session as frameworks hand it to their stores. */
export interface StoredSession {
  readonly [key: string]: unknown
  readonly cookie: { readonly expires: Date; readonly originalMaxAge: number }
}

/** What the stores of frameworks have in common; {@link fromCallbacks} makes one of a store with callbacks. */
export interface SessionStoreDriver {
  readonly get: (id: string) => Promise<object | null | undefined>
  readonly set: (id: string, session: StoredSession) => Promise<unknown>
  readonly destroy: (id: string) => Promise<unknown>
  /** Absent where the framework extends sessions by saving them. */
  readonly touch?: (id: string, session: StoredSession) => Promise<unknown>
}

type Done = (error?: unknown, session?: unknown) => void

/** A store whose methods call back, as those of express-session and @fastify/session do. */
export interface CallbackStore {
  get(id: string, done: Done): void
  set(id: string, session: never, done: Done): void
  destroy(id: string, done: Done): void
  touch?(id: string, session: never, done: Done): void
}

/** The driver for a store with callbacks: a callback that is called twice, or before the method returns, is an error. */
export function fromCallbacks(store: CallbackStore): SessionStoreDriver {
  const touch = store.touch?.bind(store)
  return {
    get: id => settled(done => store.get(id, done)) as Promise<object | null | undefined>,
    set: (id, session) => settled(done => store.set(id, session as never, done)),
    destroy: id => settled(done => store.destroy(id, done)),
    ...(touch && {
      touch: (id: string, session: StoredSession) => settled(done => touch(id, session as never, done)),
    }),
  }
}

/** What the session store of any framework must do. G-numbers are those of docs/guarantees.md. */
export const sessionStoreContract: readonly Scenario<SessionStoreDriver>[] = [
  {
    name: 'a session that was never saved is absent',
    run: async open => {
      assertAbsent(await (await open()).get(randomUUID()))
    },
  },
  {
    name: 'a session is loaded as it was saved, by another process, too',
    run: async open => {
      const [store, other, id] = [await open(), await open(), randomUUID()]
      const data = { text: 'Grüße 👋🏽 漢字', list: [1, null, { deep: true }], empty: {} }
      await store.set(id, sessionWith(data))
      assert.deepEqual(dataOf(await store.get(id)), data)
      assert.deepEqual(dataOf(await other.get(id)), data)
    },
  },
  {
    name: 'a save replaces the whole session',
    run: async open => {
      const [store, id] = [await open(), randomUUID()]
      await store.set(id, sessionWith({ user: 'ada', cart: ['apple'] }))
      await store.set(id, sessionWith({ cart: [] }))
      assert.deepEqual(dataOf(await store.get(id)), { cart: [] })
    },
  },
  {
    name: 'each load returns data of its own',
    run: async open => {
      const [store, id] = [await open(), randomUUID()]
      await store.set(id, sessionWith({ cart: ['apple'] }))
      const [first, second] = await Promise.all([store.get(id), store.get(id)])
      Object.assign(first ?? {}, { cart: [] })
      assert.deepEqual(dataOf(second), { cart: ['apple'] })
    },
  },
  {
    name: 'a destroyed session is absent, and destroying it again is no error',
    run: async open => {
      const [store, other, id] = [await open(), await open(), randomUUID()]
      await store.set(id, sessionWith({ user: 'ada' }))
      await store.destroy(id)
      await store.destroy(id)
      assertAbsent(await other.get(id))
    },
  },
  {
    name: 'any text can be a session ID',
    run: async open => {
      const store = await open()
      const ids = ['Grüße 👋🏽', '__proto__', 'constructor', ' ', '../../etc/passwd', '{"S":"x"}', '"\\\n']
      for (const id of ids) {
        await store.set(id, sessionWith({ id }))
        assert.deepEqual(dataOf(await store.get(id)), { id })
        await store.destroy(id)
        assertAbsent(await store.get(id))
      }
    },
  },
  {
    name: 'sessions of the same moment do not get mixed up (G8)',
    run: async open => {
      const store = await open()
      const ids = Array.from({ length: 60 }, () => randomUUID())
      await Promise.all(ids.map(id => store.set(id, sessionWith({ id }))))
      const loaded = await Promise.all(ids.map(id => store.get(id)))
      assert.deepEqual(
        loaded.map(dataOf),
        ids.map(id => ({ id })),
      )
    },
  },
  {
    name: 'a session whose cookie has expired is absent (G5)',
    run: async open => {
      const [store, id] = [await open(), randomUUID()]
      await store.set(id, sessionWith({ user: 'ada' }, -1000))
      assertAbsent(await store.get(id))
    },
  },
  {
    name: 'a touch keeps the data, and creates no session',
    run: async open => {
      const [store, id, absent] = [await open(), randomUUID(), randomUUID()]
      await store.set(id, sessionWith({ user: 'ada' }))
      await store.touch?.(id, sessionWith({ user: 'ada' }, 2 * HOUR_MS))
      await store.touch?.(absent, sessionWith({ user: 'ada' }))
      assert.deepEqual(dataOf(await store.get(id)), { user: 'ada' })
      assertAbsent(await store.get(absent))
    },
  },
  {
    name: 'parallel requests that change different keys keep both changes (G2)',
    run: async open => {
      const [store, other, id] = [await open(), await open(), randomUUID()]
      await store.set(id, sessionWith({ user: 'ada' }))
      const [ours, theirs] = [await loadedBy(store, id), await loadedBy(other, id)]
      await other.set(id, Object.assign(theirs, { theirs: 1 }))
      await store.set(id, Object.assign(ours, { ours: 1 }))
      assert.deepEqual(dataOf(await store.get(id)), { user: 'ada', theirs: 1, ours: 1 })
    },
  },
  {
    name: 'a late save or touch of a loaded session does not undo a logout (G3, G4)',
    run: async open => {
      const [store, other, id] = [await open(), await open(), randomUUID()]
      await store.set(id, sessionWith({ user: 'ada' }))
      const late = await loadedBy(store, id)
      await other.destroy(id)
      await store.touch?.(id, late)
      await store.set(id, Object.assign(late, { visits: 1 }))
      assertAbsent(await other.get(id))
    },
  },
]

const HOUR_MS = 3_600_000

function sessionWith(data: Readonly<Record<string, unknown>>, lifetimeMs = HOUR_MS): StoredSession {
  return { ...data, cookie: { expires: new Date(Date.now() + lifetimeMs), originalMaxAge: lifetimeMs } }
}

async function loadedBy(store: SessionStoreDriver, id: string): Promise<StoredSession> {
  const session = await store.get(id)
  assert.ok(session, 'the session is not there')
  return session as StoredSession
}

function assertAbsent(session: unknown): void {
  assert.equal(session ?? undefined, undefined)
}

/** The data of a session, as JSON has them: stores may keep something of their own beside them. */
function dataOf(session: object | null | undefined): unknown {
  assert.ok(session, 'the session is not there')
  const { cookie: _, ...data } = session as Partial<StoredSession>
  return JSON.parse(JSON.stringify(data))
}

async function settled(start: (done: Done) => void): Promise<unknown> {
  let calls = 0
  const value = await new Promise((resolve, reject) => {
    let isReturned = false
    start((error, session) => {
      calls++
      if (!isReturned) reject(new assert.AssertionError({ message: 'it calls back before it returns' }))
      else if (error === null || error === undefined) resolve(session)
      else reject(error)
    })
    isReturned = true
  })
  // A second call comes in the same turn, if at all.
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(calls, 1, 'it calls back more than once')
  return value
}
