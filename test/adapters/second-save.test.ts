import { AsyncResource } from 'node:async_hooks'
import { promisify } from 'node:util'

import expressSession, { type SessionData as ExpressData } from 'express-session'
import type { Session as FastifySession } from 'fastify'
import { describe, expect, test } from 'vitest'

import { dynamoDBSecondaryStorage } from '../../src/adapters/better-auth.ts'
import { connectDynamoDB } from '../../src/adapters/connect-dynamodb.ts'
import { DynamoDBStore as ExpressStore } from '../../src/adapters/express.ts'
import { DynamoDBStore as FastifyStore } from '../../src/adapters/fastify.ts'
import { DynamoDBStore as HonoStore } from '../../src/adapters/hono-sessions.ts'
import { DynamoDBStore as KoaStore } from '../../src/adapters/koa.ts'
import { createDynamoDBSessionStorage } from '../../src/adapters/react-router.ts'
import { webSessions } from '../../src/adapters/web.ts'
import { engine } from '../support/engines.ts'
import { newId } from '../support/session-ids.ts'
import type { TableOptions } from '../support/session-table.ts'
import { tableSubject } from '../support/table-subject.ts'

/** The session of one request, as an application sees it. */
interface Request {
  get(key: string): unknown
  /** `undefined` deletes. */
  set(key: string, value: unknown): void
  save(): Promise<unknown>
}

/** A session in the store of an adapter: each call is another request that loads it. */
interface Subject {
  load(): Promise<Request>
  close(): Promise<unknown>
}

type Open = (options: TableOptions, id: string) => Promise<Subject>

/** Runs something with nothing of the asynchronous context of its caller, as another request does. */
const outside = AsyncResource.bind((work: () => Promise<void>): Promise<void> => work())

const cookie = { originalMaxAge: 3_600_000, path: '/' }

const adapters: readonly (readonly [name: string, open: Open])[] = [
  ['express', async (options, id) => nodeStyle(new ExpressStore(options), id)],
  [
    'connect-dynamodb',
    async (options, id) => {
      const Store = connectDynamoDB(expressSession)
      return nodeStyle(new Store({ ...options, initialized: true, hashKey: 'id', prefix: '' }), id)
    },
  ],
  [
    'fastify',
    async (options, id) => {
      const store = new FastifyStore(options)
      const [get, set] = [promisify(store.get.bind(store)), promisify(store.set.bind(store))]
      await set(id, { cookie, base: 1 } as unknown as FastifySession)
      return {
        // The plugin copies what it gets.
        load: async () => {
          const session = { ...((await get(id)) as object) }
          return requestOf(session, () => set(id, session as FastifySession))
        },
        close: () => store.close(),
      }
    },
  ],
  [
    'koa-session',
    async (options, id) => {
      const store = new KoaStore(options)
      await store.set(id, { base: 1 })
      return {
        load: async () => {
          const call = { ctx: {} }
          const session = (await store.get(id, undefined, call)) ?? {}
          // It hands over another object each time.
          return requestOf(session, () => store.set(id, { ...session }, undefined, call))
        },
        close: () => store.close(),
      }
    },
  ],
  [
    'koa-generic-session',
    async (options, id) => {
      const store = new KoaStore(options)
      await store.set(id, { base: 1 })
      return {
        load: async () => {
          const session = (await store.get(id)) ?? {}
          return requestOf(session, () => store.set(id, session))
        },
        close: () => store.close(),
      }
    },
  ],
  [
    'hono-sessions',
    async (options, id) => {
      const store = new HonoStore(options)
      const head = { _expire: null, _delete: false, _accessed: null }
      await store.createSession(id, { ...head, _data: { base: { value: 1, flash: false } } })
      return {
        load: async () => {
          const session = (await store.getSessionById(id)) ?? { ...head, _data: {} }
          return {
            get: key => session._data[key]?.value,
            set: (key, value) => {
              if (value === undefined) Reflect.deleteProperty(session._data, key)
              else session._data[key] = { value, flash: false }
            },
            save: () => store.persistSessionData(id, session),
          }
        },
        close: () => store.close(),
      }
    },
  ],
  [
    'web',
    async options => {
      const sessions = webSessions({ ...options, secrets: ['a secret of the application'] })
      const first = await sessions.openSession({ headers: new Headers() })
      first.set('base', 1)
      const header = (await first.commit())?.split(';')[0] ?? ''
      return {
        load: async () => {
          const session = await sessions.openSession({ headers: new Headers({ cookie: header }) })
          return {
            get: key => session.get(key),
            set: (key, value) => session.set(key, value),
            save: () => session.commit(),
          }
        },
        close: () => sessions.close(),
      }
    },
  ],
  [
    'react-router',
    async options => {
      const storage = createDynamoDBSessionStorage({
        ...options,
        cookie: { name: 's', secrets: ['a secret of the application'] },
      })
      const first = await storage.getSession()
      first.set('base', 1)
      const header = (await storage.commitSession(first)).split(';')[0] ?? ''
      return {
        load: async () => {
          const session = await storage.getSession(header)
          return {
            get: key => session.get(key) as unknown,
            set: (key, value) => (value === undefined ? session.unset(key) : session.set(key, value)),
            save: () => storage.commitSession(session),
          }
        },
        close: () => storage.close(),
      }
    },
  ],
  [
    'better-auth',
    async (options, id) => {
      const storage = dynamoDBSecondaryStorage(options)
      await storage.set(id, JSON.stringify({ session: { token: id }, base: 1 }), 3600)
      return {
        load: async () => {
          const session = JSON.parse((await storage.get(id)) ?? '{}') as object
          return requestOf(session, () => storage.set(id, JSON.stringify(session), 3600))
        },
        close: () => storage.close(),
      }
    },
  ],
]

describe.each(adapters)('%s, a request that saves its session again', (_name, open) => {
  const subject = tableSubject(engine)

  test('keeps what another request has added, changed and removed meanwhile', async () => {
    const session = subject.closeLater(await open(subject.options, newId()))
    const setUp = await session.load()
    setUp.set('changed', 1)
    setUp.set('removed', 1)
    await setUp.save()
    const other = async (work: (request: Request) => void): Promise<void> => {
      const request = await session.load()
      work(request)
      await request.save()
    }
    const ours = await session.load()
    await outside(() =>
      other(theirs => {
        theirs.set('added', 1)
        theirs.set('changed', 2)
        theirs.set('removed', undefined)
      }),
    )
    ours.set('first', 1)
    await ours.save()
    ours.set('second', 1)
    await ours.save()
    await outside(() => other(theirs => theirs.set('later', 1)))
    ours.set('first', undefined)
    ours.set('third', 1)
    await ours.save()
    const read = await session.load()
    const keys = ['base', 'added', 'changed', 'removed', 'first', 'second', 'later', 'third']
    expect(keys.map(key => [key, read.get(key)])).toEqual([
      ['base', 1],
      ['added', 1],
      ['changed', 2],
      ['removed', undefined],
      ['first', undefined],
      ['second', 1],
      ['later', 1],
      ['third', 1],
    ])
  })
})

/** Stores whose methods call back: `express-session` and what is made for it. */
async function nodeStyle(
  store: Pick<InstanceType<typeof ExpressStore>, 'get' | 'set' | 'close'>,
  id: string,
): Promise<Subject> {
  const [get, set] = [promisify(store.get.bind(store)), promisify(store.set.bind(store))]
  await set(id, { cookie, base: 1 } as unknown as ExpressData)
  return {
    load: async () => {
      const session = (await get(id)) as ExpressData
      return requestOf(session, () => set(id, session))
    },
    close: () => store.close(),
  }
}

function requestOf(session: object, save: () => Promise<unknown>): Request {
  return {
    get: key => Reflect.get(session, key) as unknown,
    set: (key, value) => {
      if (value === undefined) Reflect.deleteProperty(session, key)
      else Reflect.set(session, key, value)
    },
    save,
  }
}
