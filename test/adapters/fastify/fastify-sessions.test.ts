import type { FastifyInstance, FastifyRequest } from 'fastify'
import { describe, expect, test } from 'vitest'

import { DynamoDBStore, type DynamoDBStoreOptions } from '../../../src/adapters/fastify.ts'
import { engine } from '../../support/engines.ts'
import { Meeting } from '../../support/meeting.ts'
import { unhandledErrorsDuring } from '../../support/process-events.ts'
import { numberText } from '../../support/session-table.ts'
import { everyTouch, tableSubject } from '../../support/table-subject.ts'
import type { RunningShop } from '../scenarios/framework.ts'
import { contentOf, Jar, signedIn } from '../scenarios/jar.ts'
import { fastifyFramework, startFastify } from './fastify-app.ts'

const HOUR_MS = 3_600_000
const denied = { __type: 'com.amazon.coral.service#AccessDeniedException', message: 'not for you' }

type Handle = (request: FastifyRequest) => unknown
type FastifySettings = Parameters<typeof startFastify>[0]

describe('sessions of Fastify', () => {
  const subject = tableSubject(engine, everyTouch)

  const openStore = (options: DynamoDBStoreOptions = {}): DynamoDBStore =>
    subject.closeLater(new DynamoDBStore({ ...subject.options, ...options }))

  const start = async (
    addRoutes: (on: (path: string, handle: Handle) => void, instance: FastifyInstance) => void,
    settings: FastifySettings = {},
  ): Promise<RunningShop> => {
    const app = await startFastify(
      { store: openStore(), cookie: { maxAge: HOUR_MS }, ...settings },
      instance => {
        const on = (path: string, handle: Handle): void => {
          instance.route({ method: ['GET', 'POST'], url: path, handler: async request => handle(request) })
        }
        on('/login', async request => {
          request.session.user = 'ada'
          return 'logged in'
        })
        on('/session', async request => ({ ...request.session, cookie: undefined }))
        on('/logout', async request => {
          await request.session.destroy()
          return 'logged out'
        })
        addRoutes(on, instance)
      },
    )
    return subject.closeLater(app)
  }

  test('parallel requests with large bodies keep all their changes (G2)', async () => {
    const meeting = new Meeting(3)
    const app = await start(on => {
      on('/set/:key', async request => {
        const { key } = request.params as { key: '1' | '2' | '3' }
        const { value } = request.body as { value: string }
        await meeting.attend()
        request.session[`key${key}`] = value.length
        return 'set'
      })
    })
    const ada = await signedIn(app)
    const body = JSON.stringify({ value: 'x'.repeat(500_000) })
    const answers = await Promise.all(
      [1, 2, 3].map(key => postJson(`${app.origin}/set/${key}`, ada.cookie('sessionId'), body)),
    )
    expect(answers).toEqual([200, 200, 200])
    expect(await contentOf(ada)).toEqual({ user: 'ada', key1: 500_000, key2: 500_000, key3: 500_000 })
  })

  test('a session that was saved early and destroyed elsewhere is not brought back at the end', async () => {
    const [arrival, departure] = [new Meeting(2), new Meeting(2)]
    const app = await start(on => {
      on('/slow', async request => {
        request.session.visits = 1
        await request.session.save()
        await arrival.attend()
        await departure.attend()
        request.session.visits = 2
        return 'done'
      })
    })
    const ada = await signedIn(app)
    const id = fastifyFramework.sessionId(ada)
    const slow = ada.anotherWindow().open('/slow')
    await arrival.attend()
    expect(await contentOf(ada.anotherWindow())).toEqual({ user: 'ada', visits: 1 })
    await ada.open('/logout')
    await departure.attend()
    expect((await slow).status).toBe(200)
    expect(await subject.item(id)).toBeUndefined()
  })

  test('a session that begins is saved early, changed elsewhere and saved again with both changes', async () => {
    const [arrival, departure] = [new Meeting(2), new Meeting(2)]
    let cookie: string | undefined
    const app = await start(on => {
      on('/slow', async request => {
        request.session.visits = 1
        await request.session.save()
        cookie = encodeURIComponent(request.session.encryptedSessionId)
        await arrival.attend()
        await departure.attend()
        request.session['key2'] = 2
        return 'done'
      })
    })
    const ada = new Jar(app.origin)
    const slow = ada.open('/slow')
    await arrival.attend()
    await new Jar(app.origin, [['sessionId', cookie ?? '']]).open('/login')
    await departure.attend()
    await slow
    expect(await contentOf(ada)).toEqual({ user: 'ada', visits: 1, key2: 2 })
  })

  test('reload brings in what others have changed', async () => {
    const [arrival, departure] = [new Meeting(2), new Meeting(2)]
    const app = await start(on => {
      on('/slow', async request => {
        await arrival.attend()
        await departure.attend()
        await request.session.reload()
        request.session.visits = (request.session.visits ?? 0) + 1
        return 'done'
      })
      on('/visit', async request => {
        request.session.visits = 10
        return 'visited'
      })
    })
    const ada = await signedIn(app)
    const slow = ada.anotherWindow().open('/slow')
    await arrival.attend()
    await ada.open('/visit')
    await departure.attend()
    await slow
    expect(await contentOf(ada)).toEqual({ user: 'ada', visits: 11 })
  })

  test('what a session carries shows neither in its JSON nor in what is stored, and is no change', async () => {
    const app = await start(
      on => {
        on('/look', async request => ({
          isModified: request.session.isModified(),
          keys: Object.keys(JSON.parse(JSON.stringify(request.session)) as object),
          clone: structuredClone({ ...request.session, cookie: undefined }).user,
        }))
      },
      { rolling: false },
    )
    const ada = await signedIn(app)
    const before = await subject.item(fastifyFramework.sessionId(ada))
    expect(JSON.parse((await ada.open('/look')).text)).toEqual({
      isModified: false,
      keys: ['cookie', 'user'],
      clone: 'ada',
    })
    expect(await subject.item(fastifyFramework.sessionId(ada))).toEqual(before)
    expect(JSON.stringify(before)).not.toContain('dynamodb-sessions')
  })

  test('requests without a session, or with a cookie that nobody has signed, cost nothing', async () => {
    const recorder = await subject.recorder()
    const app = await start(noRoutes, { store: openStore({ endpoint: recorder.url }) })
    expect(await contentOf(new Jar(app.origin))).toEqual({})
    expect(await contentOf(new Jar(app.origin, [['sessionId', 'made-up.signature']]))).toEqual({})
    expect(recorder.operations).toEqual([])
  })

  test('a cookie that ends with the browser leaves the lifetime to ttlSeconds', async () => {
    const store = openStore({ ttlSeconds: 60 })
    const app = await start(noRoutes, { store, cookie: {} })
    const ada = await signedIn(app)
    const item = await subject.item(fastifyFramework.sessionId(ada))
    expect(Number(numberText(item, 'expiresMs')) - Date.now()).toBeLessThanOrEqual(60_000)
    expect((await ada.open('/session')).setCookies[0]).not.toMatch(/expires|max-age/i)
  })

  test('a session without cookie, or with one that is no cookie, is loaded as far as it goes', async () => {
    const app = await start(noRoutes)
    for (const cookie of [
      undefined,
      null,
      'text',
      { expires: 'soon' },
      { expires: {}, originalMaxAge: null },
    ]) {
      const ada = await signedIn(app)
      const item = { ...(await subject.item(fastifyFramework.sessionId(ada))) }
      await subject.table.put({ ...item, data: { S: JSON.stringify({ user: 'eve', cookie }) } })
      const unhandled = await unhandledErrorsDuring(async () => {
        expect(await contentOf(ada)).toEqual({ user: 'eve' })
      })
      expect(unhandled).toEqual({ uncaughtExceptions: [], unhandledRejections: [] })
    }
  })

  test('an expiry that is an Invalid Date counts as none, and does not end the process', async () => {
    const app = await start(
      on => {
        on('/invalid', async request => {
          request.session.cookie.expires = new Date(Number.NaN)
          return 'done'
        })
      },
      { store: openStore({ ttlSeconds: 60 }) },
    )
    const ada = await signedIn(app)
    const { status, setCookies } = await ada.open('/invalid')
    expect(status).toBe(200)
    const item = await subject.item(fastifyFramework.sessionId(ada))
    const expiresMs = Number(numberText(item, 'expiresMs'))
    expect(setCookies[0]).toContain(`Expires=${new Date(expiresMs).toUTCString()}`)
    expect(expiresMs).toBeLessThanOrEqual(Date.now() + 60_000)
    expect(await contentOf(ada)).toEqual({ user: 'ada' })
  })

  test('a failed save is answered with 500 by an error handler that passes it on, too, and sets no cookie', async () => {
    let isRefusing = false
    const { url } = await subject.recorder(({ operation }) =>
      isRefusing && operation !== 'GetItem' ? { statusCode: 400, body: denied } : undefined,
    )
    const app = await start(
      (_on, instance) => {
        instance.route({
          method: 'GET',
          url: '/change',
          handler: async request => {
            request.session.visits = 1
            return 'changed'
          },
          errorHandler: (error, _request, reply) => {
            reply.send(error)
          },
        })
      },
      { store: openStore({ endpoint: url }) },
    )
    const ada = await signedIn(app)
    isRefusing = true
    const unhandled = await unhandledErrorsDuring(async () => {
      const { status, text, setCookies } = await ada.open('/change')
      expect([status, setCookies]).toEqual([500, []])
      expect(text).toContain('ACCESS_DENIED')
    })
    expect(unhandled).toEqual({ uncaughtExceptions: [], unhandledRejections: [] })
  })

  test('signs a user out everywhere else', async () => {
    // The stub answers for the index that the table of these tests does not have.
    let id = ''
    const { url, requests } = await subject.recorder(({ operation, input }) => {
      if (operation !== 'Query') return undefined
      expect(input['IndexName']).toBe('user-index')
      return { statusCode: 200, body: { Count: 0, Items: [] } }
    })
    const store = openStore({ endpoint: url, userId: ({ user }) => user })
    const app = await start(
      on => {
        on('/others', async request => {
          id = request.session.sessionId
          return String(await store.destroyByUser('ada', { except: id }))
        })
      },
      { store },
    )
    const ada = await signedIn(app)
    expect((await ada.open('/others')).text).toBe('0')
    expect(requests.some(({ operation }) => operation === 'Query')).toBe(true)
    expect((await subject.item(id))?.['user']).toEqual({ S: 'ada' })
  })
})

function noRoutes(): void {
  // What every app of these tests has is enough.
}

async function postJson(url: string, sessionId: string | undefined, body: string): Promise<number> {
  const headers = { 'content-type': 'application/json', cookie: `sessionId=${sessionId}` }
  const response = await fetch(url, { method: 'POST', headers, body })
  await response.arrayBuffer()
  return response.status
}
