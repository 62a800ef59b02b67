import expressSession from 'express-session'
import type { SessionData } from 'express-session'
import { beforeAll, describe, expect, test } from 'vitest'

import {
  connectDynamoDB,
  type DynamoDBStore,
  type DynamoDBStoreOptions,
  type SdkClient,
} from '../../../src/adapters/connect-dynamodb.ts'
import {
  DynamoDBStore as NativeStore,
  type DynamoDBStoreOptions as NativeOptions,
} from '../../../src/adapters/express.ts'
import { loadInstalled } from '../../interop/install.ts'
import { callbackValue } from '../../support/callback-outcome.ts'
import { connectionTo, engine } from '../../support/engines.ts'
import { SessionTable } from '../../support/session-table.ts'
import { newId } from '../../support/session-ids.ts'
import { connectDynamoDBSubject, get, set, touch } from './subject.ts'

const load = await loadInstalled()
const HOUR_MS = 3_600_000

describe.runIf(load !== undefined)('side by side with connect-dynamodb 3.0.5', () => {
  const subject = connectDynamoDBSubject(engine)
  let client: SdkClient | undefined
  let realFactory: typeof connectDynamoDB | undefined
  beforeAll(() => {
    if (load === undefined) return
    const { DynamoDBClient } = load('@aws-sdk/client-dynamodb') as {
      DynamoDBClient: new (settings: object) => SdkClient
    }
    client = new DynamoDBClient(connectionTo(engine))
    realFactory = load('connect-dynamodb') as typeof connectDynamoDB
  })

  /** Both stores, made by the same line. */
  const both = (options: DynamoDBStoreOptions = {}): Readonly<Record<'theirs' | 'ours', DynamoDBStore>> => {
    const make = (factory = connectDynamoDB): DynamoDBStore => {
      const Store = factory({ session: expressSession })
      return new Store({ table: subject.table.name, ...(client && { client }), ...options })
    }
    const [theirs, ours] = [make(realFactory), make()]
    subject.closeLater(ours)
    return { theirs, ours }
  }

  test('the same properties of the store', () => {
    const options = {
      hashKey: 'key',
      specialKeys: [{ name: 'user', type: 'S' as const }],
      initialized: true,
    }
    for (const { theirs, ours } of [both(), both(options)]) {
      const names = [
        'client',
        'table',
        'hashKey',
        'prefix',
        'readCapacityUnits',
        'writeCapacityUnits',
      ] as const
      for (const name of [...names, 'specialKeys', 'reapInterval', 'initialized'] as const) {
        expect([name, ours[name]]).toEqual([name, theirs[name]])
      }
    }
  })

  test.each(['theirs', 'ours'] as const)('%s writes, and both read the same', async writer => {
    const stores = both({ specialKeys: [{ name: 'visits', type: 'N' }] })
    const id = newId()
    await set(stores[writer], id, sessionOf({ user: 'Zoë', visits: 7 }))
    const [theirs, ours] = await Promise.all([get(stores.theirs, id), get(stores.ours, id)])
    // Ours tells the expiry that the item has, which is what counts.
    expect(withoutExpiry(ours)).toEqual(withoutExpiry(theirs))
    expect(ours).toMatchObject({
      user: 'Zoë',
      visits: 7,
      cookie: { httpOnly: true, originalMaxAge: HOUR_MS },
    })
  })

  test('both write the same item', async () => {
    const stores = both({ specialKeys: [{ name: 'visits', type: 'N' }] })
    const session = sessionOf({ user: 'Zoë', visits: 7 })
    const items = []
    for (const store of [stores.theirs, stores.ours]) {
      const id = newId()
      await set(store, id, session)
      const { id: key, expires, ...rest } = (await subject.table.item(`sess:${id}`)) ?? {}
      expect(key).toEqual({ S: `sess:${id}` })
      expect(
        Math.abs(Number(Object.values(expires ?? {})[0]) - Date.now() / 1000 - HOUR_MS / 1000),
      ).toBeLessThan(10)
      items.push(rest)
    }
    expect(items[1]).toEqual(items[0])
  })

  test.each([
    ['theirs', 'ours'],
    ['ours', 'theirs'],
  ] as const)('what %s wrote, %s touches, changes and destroys', async (writer, other) => {
    const stores = both()
    const id = newId()
    await set(stores[writer], id, sessionOf({ user: 'ada' }))
    expect(await touch(stores[other], id, sessionOf({ user: 'ada' }))).toMatchObject({
      expires: expect.anything() as unknown,
    })
    const session = await get(stores[other], id)
    await set(stores[other], id, { ...sessionOf({}), ...session, visits: 1 })
    expect(await get(stores[writer], id)).toMatchObject({ user: 'ada', visits: 1 })
    await callbackValue(done => stores[other].destroy(id, done))
    expect(await get(stores[writer], id)).toBeNull()
  })

  test('a session that theirs has changed since it was loaded is merged', async () => {
    const { theirs, ours } = both()
    const id = newId()
    await set(theirs, id, sessionOf({ user: 'ada' }))
    const session = await get(ours, id)
    if (!session) throw new Error('the session is not there')
    await set(theirs, id, sessionOf({ user: 'bob' }))
    session.visits = 1
    await set(ours, id, session)
    expect(await get(theirs, id)).toMatchObject({ user: 'bob', visits: 1 })
  })

  test('a husk that theirs has left is no session, and is reaped', async () => {
    const { theirs, ours } = both({ prefix: newId() })
    await touch(theirs, 'one', { cookie: { originalMaxAge: 1, maxAge: -20_000 } })
    expect(await subject.table.items(ours.prefix)).toHaveLength(1)
    expect(await get(ours, 'one')).toBeNull()
    await callbackValue(done => ours.reap(done))
    expect(await subject.table.items(ours.prefix)).toEqual([])
  })

  test('getParsedSession and getExpiresValue answer the same', () => {
    const { theirs, ours } = both()
    const sess = { S: '{"cookie":{},"user":"ada"}' }
    for (const item of [{}, { sess }, { sess, expires: { N: '1000' } }, { sess: { S: '{' } }]) {
      expect(ours.getParsedSession({ Item: item })).toEqual(theirs.getParsedSession({ Item: item }))
    }
    const session = sessionOf({})
    expect(Math.abs(ours.getExpiresValue(session) - theirs.getExpiresValue(session))).toBeLessThan(2)
  })

  const native = (options: NativeOptions = {}): NativeStore =>
    subject.closeLater(new NativeStore({ ...subject.options, ...options }))

  const stages = (): Readonly<Record<'old' | 'first' | 'second' | 'last', Store>> => ({
    old: both().theirs,
    first: both({ migrateFrom: 'native' }).ours,
    second: native({ migrateFrom: 'connect-dynamodb' }),
    last: native(),
  })

  describe.runIf(engine.supports.transactions)('on the way to the native layout', () => {
    test.each([
      ['old', 'first'],
      ['first', 'second'],
      ['second', 'first'],
      ['first', 'old'],
      ['second', 'last'],
      ['last', 'second'],
      ['last', 'first'],
    ] as const)('what %s has written, %s reads and changes', async (writer, reader) => {
      const stores = stages()
      const id = newId()
      await save(stores[writer], id, sessionOf({ user: 'ada' }))
      const session = await read(stores[reader], id)
      if (!session) throw new Error('the session is not there')
      expect(session).toMatchObject({ user: 'ada' })
      session.visits = 1
      await save(stores[reader], id, session)
      expect(await read(stores[reader], id)).toMatchObject({ user: 'ada', visits: 1 })
      await callbackValue(done => stores[reader].destroy(id, done))
      for (const store of Object.values(stores)) expect(await read(store, id)).toBeNull()
    })

    test.each<[string, string, DynamoDBStoreOptions, NativeOptions]>([
      [
        'prefix',
        'id',
        { prefix: 'shop:', migrateFrom: 'native' },
        { migrateFrom: { layout: 'connect-dynamodb', prefix: 'shop:' } },
      ],
      [
        'no prefix',
        'id',
        { prefix: '', migrateFrom: 'native' },
        { migrateFrom: { layout: 'connect-dynamodb', prefix: '' } },
      ],
      [
        'hashKey',
        'key',
        { hashKey: 'key', migrateFrom: { layout: 'native', partitionKey: 'key' } },
        { partitionKey: 'key', migrateFrom: { layout: 'connect-dynamodb', partitionKey: 'key' } },
      ],
    ])("with a %s of one's own", async (_name, partitionKey, firstOptions, secondOptions) => {
      const { name: table } = await SessionTable.create(engine, partitionKey)
      const first = both({ ...firstOptions, table }).ours
      expect(await visitsInTurns(first, native({ ...secondOptions, table }))).toEqual([0, 1, 2, undefined])
    })

    test('with a second table', async () => {
      const { name: table } = await SessionTable.create(engine)
      const first = both({ migrateFrom: { layout: 'native', table } }).ours
      const migrateFrom = { layout: 'connect-dynamodb' as const, table: subject.table.name }
      expect(await visitsInTurns(first, native({ table, migrateFrom }))).toEqual([0, 1, 2, undefined])
    })

    test('first and second change one session in turns', async () => {
      const { first, second } = stages()
      const id = newId()
      await save(first, id, sessionOf({ visits: 0 }))
      for (let visits = 1; visits <= 6; visits++) {
        const store = visits % 2 === 0 ? first : second
        const session = await read(store, id)
        if (!session) throw new Error('the session is not there')
        expect(session.visits).toBe(visits - 1)
        session.visits = visits
        await save(store, id, session)
      }
      expect(await read(first, id)).toMatchObject({ visits: 6 })
    })
  })
})

type Store = Pick<NativeStore, 'get' | 'set' | 'destroy'>

/** What is found when two stores count in one session in turns, and after the first has destroyed it. */
async function visitsInTurns(first: Store, second: Store): Promise<unknown[]> {
  const found: unknown[] = []
  const id = newId()
  await save(first, id, sessionOf({ visits: 0 }))
  for (const store of [second, first, second]) {
    const session = (await read(store, id)) ?? sessionOf({})
    found.push(session.visits)
    session.visits = (session.visits ?? 0) + 1
    await save(store, id, session)
  }
  await callbackValue(done => first.destroy(id, done))
  return [...found, (await read(second, id))?.visits]
}

async function read(store: Store, id: string): Promise<SessionData | null | undefined> {
  return callbackValue<SessionData | null>(done => store.get(id, done))
}

async function save(store: Store, id: string, session: SessionData): Promise<void> {
  await callbackValue(done => store.set(id, session, done))
}

/** A session that was read, except for when its cookie expires. */
function withoutExpiry(session: SessionData | null | undefined): object {
  const { expires: _, ...cookie } = session?.cookie ?? {}
  return { ...session, cookie }
}

/** A session as express-session hands it to stores: its cookie has a maxAge. */
function sessionOf(data: Partial<SessionData>): SessionData {
  const cookie = new expressSession.Cookie()
  cookie.maxAge = HOUR_MS
  // The setter reads the clock twice, so a millisecond may be missing.
  cookie.originalMaxAge = HOUR_MS
  return { cookie, ...data }
}
