import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { openLayout } from '../../src/layouts/open-layout.ts'
import { SessionStore } from '../../src/store/session-store.ts'
import { engines } from '../support/engines.ts'
import { SessionTable } from '../support/session-table.ts'
import { newId } from '../support/session-ids.ts'
import { toArray } from '../support/to-array.ts'
import { type ForeignSoftware, foreignSoftware, type ForeignStore } from './foreign-stores.ts'
import { loadInstalled } from './install.ts'

const load = await loadInstalled()
// Some need a table whose time to live can be asked for, and conditions that compare maps.
const engine = engines.find(({ supports }) => supports.ttl)

interface ExpressSession {
  readonly Cookie: new (options: object) => object
  readonly Session: new (request: object, data: object) => object
  readonly Store: { readonly prototype: { createSession(request: object, session: unknown): ReadSession } }
}

interface ReadSession {
  readonly user: unknown
  readonly cookie: { readonly originalMaxAge: unknown; readonly expires: unknown; readonly httpOnly: unknown }
}

const HOUR_MS = 3_600_000

describe.runIf(load !== undefined && engine !== undefined).each(foreignSoftware)('$name', software => {
  let table: SessionTable | undefined
  let theirs: ForeignStore | undefined
  let ours: SessionStore | undefined
  beforeAll(async () => {
    if (load === undefined || engine === undefined) return
    table = await SessionTable.create(engine, software.partitionKey)
    theirs = software.open(load, engine, table.name)
    ours = new SessionStore({
      ...table.options,
      layout: software.layout,
      ttlSeconds: 3600,
      touchAfterSeconds: 0,
    })
  })
  afterAll(async () => {
    await ours?.close()
  })
  const parts = (): { table: SessionTable; theirs: ForeignStore; ours: SessionStore } => {
    if (table === undefined || theirs === undefined || ours === undefined)
      throw new Error('nothing is set up')
    return { table, theirs, ours }
  }

  test('ours reads what theirs wrote, and takes the expiry from the item', async () => {
    const { table: items, theirs: writer, ours: reader } = parts()
    const id = newId()
    await writer.set(
      id,
      sessionOf(id, { user: 'ada', cart: [{ name: 'Bücher', price: 0.5 }], empty: {}, none: null }),
    )
    const record = await reader.read(id)
    expect(record?.data).toMatchObject({
      user: 'ada',
      cart: [{ name: 'Bücher', price: 0.5 }],
      empty: {},
      none: null,
    })
    const expires = await storedExpiryMs(software, items, record?.key)
    expect(record?.expiresMs).toBe(expires)
    expect(expires).toBeGreaterThan(Date.now())
    expect(await toArray(reader.keys())).toContain(record?.key)
  })

  test('express-session makes the same of what either of them reads', async () => {
    const { theirs: writer, ours: reader } = parts()
    const id = newId()
    await writer.set(id, sessionOf(id, { user: 'ada' }))
    const record = await reader.read(id)
    const [mine, other] = [revived(id, record?.data), revived(id, await writer.get(id))]
    expect(mine.user).toBe('ada')
    expect(mine.cookie).toMatchObject({ originalMaxAge: HOUR_MS, httpOnly: true })
    expect(other.cookie).toMatchObject({ originalMaxAge: HOUR_MS, httpOnly: true })
    const expires = mine.cookie.expires
    expect(expires).toBeInstanceOf(Date)
    // A second is what the item's expiry may be rounded by.
    expect(Math.abs(Number(expires) - Number(record?.expiresMs))).toBeLessThanOrEqual(1000)
  })

  test('theirs reads what ours wrote', async () => {
    const { theirs: reader, ours: writer } = parts()
    const id = newId()
    const data = {
      user: 'ada',
      cart: [{ name: 'Bücher', price: 0.5 }],
      empty: {},
      none: null,
      cookie: cookieJson(),
    }
    await writer.write(id, data)
    expect(await reader.get(id)).toEqual(data)
    expect(revived(id, await reader.get(id)).cookie).toMatchObject({
      originalMaxAge: HOUR_MS,
      httpOnly: true,
    })
    await reader.destroy(id)
    expect(await writer.read(id)).toBeUndefined()
  })

  test('they take turns, and neither loses what the other wrote', async () => {
    const { theirs: other, ours: mine } = parts()
    const id = newId()
    await other.set(id, sessionOf(id, { visits: 1, theirs: 1 }))
    const basis = await mine.read(id)
    const saved = await mine.write(id, { ...basis?.data, visits: 2 }, { basis })
    expect(saved).toBeDefined()
    const read = await other.get(id)
    expect(read).toMatchObject({ visits: 2, theirs: 1 })
    await other.set(id, sessionOf(id, { ...withoutCookie(read), theirs: 2 }))
    // What ours had read is old by now: the change of theirs is merged in.
    const merged = await mine.write(id, { ...basis?.data, visits: 3 }, { basis: saved })
    expect(merged?.data).toMatchObject({ visits: 3, theirs: 2 })
    expect(await other.get(id)).toMatchObject({ visits: 3, theirs: 2 })
    await mine.destroy(id)
    expect(await other.get(id)).toBeNull()
  })

  test('a session that ours lets expire is gone for theirs', async () => {
    const { theirs: reader, ours: writer } = parts()
    const id = newId()
    await writer.write(id, { user: 'ada', cookie: cookieJson() }, { expiresMs: Date.now() - 1 })
    await expect.poll(() => writer.read(id)).toBeUndefined()
    const read = await reader.get(id)
    expect(read === null).toBe(!software.ignoresExpiry)
  })

  test.runIf(software.layout !== 'koa-session-dynamodb')('ours keeps up with their touches', async () => {
    const { theirs: other, ours: reader } = parts()
    const id = newId()
    const session = sessionOf(id, { user: 'ada' })
    await other.set(id, session)
    const before = await reader.read(id)
    await other.touch?.(id, sessionOf(id, { user: 'ada' }, 2 * HOUR_MS))
    const after = await reader.read(id)
    expect(after?.data).toMatchObject({ user: 'ada' })
    expect(Number(after?.expiresMs) - Number(before?.expiresMs)).toBeGreaterThanOrEqual(HOUR_MS - 1000)
    expect(before && (await reader.touch(before))).toBe(true)
  })

  test.runIf(software.leavesHusks)(
    'what their touch leaves of a session that is gone is no session',
    async () => {
      const { table: items, theirs: other, ours: mine } = parts()
      const id = newId()
      const session = sessionOf(id, { user: 'ada' })
      await other.set(id, session)
      const basis = await mine.read(id)
      await mine.destroy(id)
      await other.touch?.(id, session)
      expect(await items.item(basis?.key ?? '')).toBeDefined()
      expect(await mine.read(id)).toBeUndefined()
      expect(await mine.touch(id)).toBe(false)
      expect(await mine.write(id, { user: 'ada', late: true }, { basis })).toBeUndefined()
      expect(await toArray(mine.keys())).not.toContain(basis?.key)
      expect(await mine.write(id, { user: 'bob' })).toBeDefined()
      expect((await mine.read(id))?.data).toEqual({ user: 'bob' })
    },
  )
})

describe.runIf(load !== undefined)('@poppinss/utils 6.10.1, which makes the values of AdonisJS', () => {
  test('opens what ours wrote, and ours what it made', async () => {
    const { MessageBuilder } = loaded('@poppinss/utils') as {
      MessageBuilder: new () => {
        build(message: unknown, expiresIn: undefined, purpose: string): string
        verify(value: string, purpose: string): unknown
      }
    }
    const layout = await openLayout({ layout: 'adonis' })
    const id = 'c4n0tguess'
    const data = { user: 'ada', flash: { old: ['"quoted"'] } }
    const item = {
      key: { S: id },
      value: { S: new MessageBuilder().build(data, undefined, id) },
      expires_at: { N: '1937000000000' },
    }
    const session = layout.fromItem(item)
    expect(session.data).toEqual(data)
    const written = layout.toItem(session)
    expect(Object.keys(written).sort()).toEqual(['expires_at', 'key', 'value'])
    const { value } = written
    expect(new MessageBuilder().verify(value !== undefined && 'S' in value ? value.S : '', id)).toEqual(data)
  })
})

/** A session as express-session hands it to a store. */
function sessionOf(id: string, data: object, maxAge = HOUR_MS): object {
  const { Session } = expressSession()
  const request = { sessionID: id, sessionStore: { generate: () => undefined } }
  return new Session(request, { ...data, cookie: cookieOf(maxAge) })
}

/** What express-session makes of what a store has read. */
function revived(id: string, session: unknown): ReadSession {
  const { Store } = expressSession()
  return Store.prototype.createSession({ sessionID: id, sessionStore: {} }, structuredClone(session))
}

function cookieJson(): object {
  return JSON.parse(JSON.stringify(cookieOf(HOUR_MS))) as object
}

function cookieOf(maxAge: number): object {
  const { Cookie } = expressSession()
  // Cookie takes originalMaxAge from two readings of the clock, so a millisecond may be missing.
  return Object.assign(new Cookie({ maxAge }), { originalMaxAge: maxAge })
}

function expressSession(): ExpressSession {
  return loaded('express-session') as ExpressSession
}

function loaded(name: string): unknown {
  if (load === undefined) throw new Error('the packages are not installed')
  return load(name)
}

function withoutCookie(session: unknown): object {
  const { cookie: _, ...others } = session as Record<string, unknown>
  return others
}

async function storedExpiryMs(
  { layout }: ForeignSoftware,
  table: SessionTable,
  key: string | undefined,
): Promise<number> {
  const item = (await table.item(key ?? '')) ?? {}
  const stored = layout === 'serverless-dynamodb-session-store' ? item['expireTime'] : item['expires']
  const number = stored !== undefined && 'N' in stored ? Number(stored.N) : Number.NaN
  return number > 1e11 ? number : Math.round(number * 1000)
}
