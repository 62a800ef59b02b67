import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import { type WebSession, webSessions } from '../../../src/adapters/web.ts'
import { deferred } from '../../../src/internal/timers.ts'
import type { SessionRecord } from '../../../src/items/session-record.ts'
import type { SessionStore } from '../../../src/store/session-store.ts'
import { connectionTo, engines } from '../../support/engines.ts'
import { hashed, newId } from '../../support/session-ids.ts'
import type { StubAnswer } from '../../support/stub-endpoint.ts'
import { bundleOf, SuspendableProcess } from '../../support/suspendable-process.ts'
import type { SignIn } from './signing-in-app.ts'
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

  test('are left alone where they are the ones to keep, before they leave the old ID', async () => {
    const store = table.store()
    const [kept, keptNow, other] = [newId(), newId(), newId()]
    await store.write(kept, { user: 'eli' })
    await store.write(other, { user: 'eli' })
    const moving = await stoppingBeforeLeaving(async () => {
      expect(await store.destroyByUser('eli', { except: kept })).toBe(1)
      return undefined
    })
    const moved = await moving.regenerate(await recordOf(moving, kept), keptNow)
    expect(moved?.data).toEqual({ user: 'eli' })
    expect((await store.read(keptNow))?.data).toEqual({ user: 'eli' })
    expect([await store.read(kept), await store.read(other)]).toEqual([undefined, undefined])
  })

  test('are not lost with the process that moves them, and signed in under one ID at the second try', async () => {
    const store = table.store()
    const sessions = webSessions<UserData>({ store, secrets })
    const open = (cookie: string): Promise<WebSession<UserData>> =>
      sessions.openSession({ headers: { get: () => cookie } })
    const visitor = await open('')
    visitor.set('step', 1)
    const oldCookie = cookieIn(await visitor.commit())

    const killed = deferred<void>()
    let writes = 0
    const stub = await table.between(async ({ operation }, passOn) => {
      if (operation !== leaving.operation || ++writes < leaving.number) return passOn()
      await app.kill()
      killed.resolve()
      return new Promise(() => undefined)
    })
    const app = new SuspendableProcess<SignIn, { readonly setCookie: string }>(
      await bundleOf(new URL('signing-in-app.ts', import.meta.url)),
      { ...connectionTo(engine), endpoint: stub.url, table: table.name, secrets },
    )
    onTestFinished(() => app.kill())
    const reply = app.ask({ cookie: oldCookie, user: 'di' })
    expect(await Promise.race([reply, killed.promise])).toBeUndefined()

    // Under the ID that nobody has been given, the session is there on engines without transactions.
    const orphans = engine.supports.transactions ? 0 : 1
    expect(await keysOf(store.listByUser('di'))).toHaveLength(orphans)
    const again = await open(oldCookie)
    expect([again.status, again.get('step'), again.get('user')]).toEqual(['stored', 1, undefined])
    again.regenerate()
    again.set('user', 'di')
    const cookie = cookieIn(await again.commit())
    expect((await open(oldCookie)).status).toBe('moved')
    expect((await open(cookie)).get('user')).toBe('di')
    for await (const { expiresMs } of store.listByUser('di')) {
      expect(expiresMs).toBeLessThanOrEqual((await recordOf(store, again.id ?? '')).expiresMs)
    }
    expect(await store.destroyByUser('di', { except: again.id ?? '' })).toBe(0)
    expect((await open(cookie)).get('user')).toBe('di')
    expect(await store.destroyByUser('di')).toBe(1 + orphans)
    expect((await open(cookie)).status).toBe('new')
    expect(await keysOf(store.listByUser('di'))).toEqual([])
  })
})

const secrets = 'a long random text'

function cookieIn(setCookie: string | undefined): string {
  return (setCookie ?? '').replace(/;.*/s, '')
}
