import { setTimeout as delay } from 'node:timers/promises'

import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { stream } from 'hono/streaming'
import { describe, expect, test } from 'vitest'

import {
  dynamoDBSessions,
  type SessionsMiddleware,
  type SessionVariables,
} from '../../../src/adapters/hono.ts'
import { TableNotFoundError } from '../../../src/index.ts'
import { engine } from '../../support/engines.ts'
import { Meeting } from '../../support/meeting.ts'
import { overHttp, Visitor } from '../web/visitor.ts'
import { type TestData, webSubject } from '../web/web-subject.ts'
import { serveApp } from './http-server.ts'

type Env = { Variables: SessionVariables<TestData> }

interface App {
  readonly hono: Hono<Env>
  /** What reached `onError`, in order. */
  readonly errors: unknown[]
}

const ways = ['app.request', '@hono/node-server'] as const

describe('sessions of Hono', () => {
  const subject = webSubject(engine)

  function middleware(...options: Parameters<typeof subject.sessions>): SessionsMiddleware<TestData> {
    return dynamoDBSessions<TestData>(subject.sessions(...options))
  }

  describe.each(ways)('by %s', way => {
    async function visitorOf(app: App, cookie?: string): Promise<Visitor> {
      if (way === 'app.request') return new Visitor(async request => app.hono.request(request), { cookie })
      const { origin } = subject.closeLater(await serveApp(app.hono))
      return new Visitor(overHttp(origin), { cookie })
    }

    test('what one request sets the next one gets', async () => {
      const ada = await visitorOf(appWith(middleware()))
      expect((await ada.open('/visit')).text).toBe('1')
      const login = await ada.open('/login/ada')
      expect([login.status, login.headers.get('location')]).toEqual([302, '/'])
      expect(login.headers.get('cache-control')).toBe('no-store')
      expect((await ada.open('/visit')).text).toBe('2')
      expect(JSON.parse((await ada.open('/')).text)).toEqual({ user: 'ada', visits: 2 })
    })

    test('visitors do not see the sessions of others', async () => {
      const app = appWith(middleware())
      const names = Array.from({ length: 20 }, (_, index) => `visitor-${index}`)
      const first = await visitorOf(app)
      const answers = await Promise.all(
        names.map(async name => {
          const visitor = first.anotherWindow()
          await visitor.open(`/login/${name}`)
          return JSON.parse((await visitor.open('/')).text) as unknown
        }),
      )
      expect(answers).toEqual(names.map(user => ({ user })))
    })

    test('parallel requests keep both their changes (G2)', async () => {
      const app = appWith(middleware())
      const meeting = new Meeting(3)
      app.hono.get('/set/:key', async c => {
        await meeting.attend()
        c.var.session.set(`key${c.req.param('key')}`, 1)
        return c.text('set')
      })
      app.hono.get('/keys', c =>
        c.json(['key1', 'key2', 'key3'].map(key => c.var.session.get(key as 'key1'))),
      )
      const ada = await visitorOf(app)
      await ada.open('/visit')
      await Promise.all([1, 2, 3].map(key => ada.anotherWindow().open(`/set/${key}`)))
      expect(JSON.parse((await ada.open('/keys')).text)).toEqual([1, 1, 1])
      expect(app.errors).toEqual([])
    })

    test('a logout stays one while slow requests save and extend (G3)', async () => {
      const app = appWith(middleware({ touchAfterSeconds: 0 }))
      const arrival = new Meeting(3)
      const departure = new Meeting(3)
      app.hono.get('/slow/:what', async c => {
        await arrival.attend()
        await departure.attend()
        if (c.req.param('what') === 'change') c.var.session.set('visits', 100)
        return c.text('done')
      })
      const ada = await visitorOf(app)
      await ada.open('/login/ada')
      const { id } = ada
      const [changing, reading, later] = [ada.anotherWindow(), ada.anotherWindow(), ada.anotherWindow()]
      const slow = Promise.all([changing.open('/slow/change'), reading.open('/slow/read')])
      await arrival.attend()
      expect((await ada.open('/logout')).setCookie).toContain('Max-Age=0')
      await departure.attend()
      for (const { status, setCookie } of await slow) {
        expect([status, setCookie]).toEqual([200, expect.stringContaining('Max-Age=0')])
      }
      expect(await subject.item(id)).toBeUndefined()
      expect(JSON.parse((await later.open('/')).text)).toEqual({})
      expect(app.errors).toEqual([])
    })

    test('with locking, counting in parallel loses nothing (G10)', async () => {
      const app = appWith(middleware({ locking: { maxWaitMs: 60_000 }, deadlineMs: 60_000 }))
      app.hono.get('/count', async c => {
        const visits = c.var.session.get('visits') ?? 0
        await delay(1)
        c.var.session.set('visits', visits + 1)
        return c.text('counted')
      })
      const ada = await visitorOf(app)
      await ada.open('/visit')
      const answers = await Promise.all(Array.from({ length: 15 }, () => ada.anotherWindow().open('/count')))
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      expect(JSON.parse((await ada.open('/')).text)).toEqual({ visits: 16 })
    })

    test('a failed read is a 500 through onError, never an empty session (G6)', async () => {
      const ada = await visitorOf(appWith(middleware()))
      await ada.open('/login/ada')
      const broken = appWith(middleware({ table: 'missing-table' }))
      let wasHandled = false
      broken.hono.get('/handled', c => {
        wasHandled = true
        return c.text('handled')
      })
      const visitor = await visitorOf(broken, ada.cookie)
      const answer = await visitor.open('/handled')
      expect([answer.status, answer.text, answer.setCookie]).toEqual([500, 'TABLE_NOT_FOUND', undefined])
      expect(wasHandled).toBe(false)
      expect(broken.errors).toEqual([expect.any(TableNotFoundError)])
    })

    test('a failed write is a 500 through onError, without cookie', async () => {
      const broken = appWith(middleware({ table: 'missing-table' }))
      const ada = await visitorOf(broken)
      const answer = await ada.open('/visit')
      expect([answer.status, answer.text, answer.setCookie]).toEqual([500, 'TABLE_NOT_FOUND', undefined])
      expect(broken.errors).toEqual([expect.any(TableNotFoundError)])
    })

    test('what a handler has set before it failed is kept, and its answer has the cookie', async () => {
      const app = appWith(middleware())
      app.hono.get('/teapot', c => {
        c.var.session.set('visits', 5)
        throw new HTTPException(418, { message: 'a teapot' })
      })
      app.hono.get('/crash', c => {
        c.var.session.set('visits', 6)
        throw new Error('crashed')
      })
      const ada = await visitorOf(app)
      const teapot = await ada.open('/teapot')
      expect([teapot.status, teapot.text]).toEqual([418, 'a teapot'])
      expect(teapot.setCookie).toMatch(/^__Host-session=/)
      expect(JSON.parse((await ada.open('/')).text)).toEqual({ visits: 5 })
      expect((await ada.open('/crash')).status).toBe(500)
      expect(JSON.parse((await ada.open('/')).text)).toEqual({ visits: 6 })
    })

    test('streams are committed before they begin; what they change later needs a commit', async () => {
      const app = appWith(middleware({ locking: { maxWaitMs: 0 } }))
      const gate = new Meeting(2)
      app.hono.get('/stream/:commit', c => {
        const { session } = c.var
        session.set('visits', 1)
        return stream(c, async output => {
          await output.write('begun ')
          await gate.attend()
          session.set('visits', 2)
          if (c.req.param('commit') === 'yes') await session.commit()
          await output.write('done')
        })
      })
      const ada = await visitorOf(app)
      await ada.open('/login/ada')
      const streaming = ada.anotherWindow().open('/stream/yes')
      const content = async (): Promise<unknown> => JSON.parse((await ada.anotherWindow().open('/')).text)
      await expect.poll(content, { interval: 5 }).toEqual({ user: 'ada', visits: 1 })
      await gate.attend()
      expect((await streaming).text).toBe('begun done')
      expect(JSON.parse((await ada.open('/')).text)).toEqual({ user: 'ada', visits: 2 })
      await ada.open('/stream/no')
      expect(JSON.parse((await ada.open('/')).text)).toEqual({ user: 'ada', visits: 1 })
    })
  })

  test('requests without a valid cookie that set nothing cost nothing', async () => {
    const recorder = await subject.recorder()
    const { hono } = appWith(middleware({ endpoint: recorder.url }))
    for (const cookie of [
      '',
      'a=b',
      '__Host-session=x',
      `__Host-session=${'A'.repeat(43)}.${'A'.repeat(43)}`,
    ]) {
      const response = await hono.request('/', { headers: { cookie } })
      expect([response.status, response.headers.has('set-cookie')]).toEqual([200, false])
    }
    expect((await hono.request('/not-found')).status).toBe(404)
    expect(recorder.operations).toEqual([])
  })

  test('the middleware may be mounted twice, with locking', async () => {
    const session = middleware({ locking: { maxWaitMs: 0 } })
    const { hono, errors } = appWith(session)
    hono.use('/twice/*', session)
    hono.get('/twice/visit', c => {
      c.var.session.set('visits', (c.var.session.get('visits') ?? 0) + 1)
      return c.text(String(c.var.session.get('visits')))
    })
    const ada = new Visitor(async request => hono.request(request))
    expect((await ada.open('/twice/visit')).text).toBe('1')
    expect((await ada.open('/twice/visit')).text).toBe('2')
    expect(errors).toEqual([])
  })

  test('the cookie reaches responses whose headers cannot be changed, next to those of the app', async () => {
    const { hono } = appWith(middleware())
    hono.get('/redirect', c => {
      c.var.session.set('visits', 1)
      return Response.redirect('https://app.example/elsewhere', 303)
    })
    hono.get('/cookies', c => {
      c.header('set-cookie', 'a=b', { append: true })
      c.var.session.set('visits', 2)
      return c.text('cookies')
    })
    const ada = new Visitor(async request => hono.request(request))
    const redirect = await ada.open('/redirect')
    expect([redirect.status, redirect.headers.get('location')]).toEqual([
      303,
      'https://app.example/elsewhere',
    ])
    expect(redirect.setCookie).toMatch(/^__Host-session=/)
    const { headers } = await ada.open('/cookies')
    expect(headers.getSetCookie()).toEqual(['a=b', expect.stringMatching(/^__Host-session=/)])
    expect(JSON.parse((await ada.open('/')).text)).toEqual({ visits: 2 })
  })

  test('what is thrown and is no Error passes by, and the lock is given back', async () => {
    const { hono } = appWith(middleware({ locking: { maxWaitMs: 0 } }))
    const thrown: unknown = 'a text'
    hono.get('/throw', c => {
      c.var.session.set('visits', 100)
      return Promise.reject(thrown)
    })
    const ada = new Visitor(async request => hono.request(request))
    await ada.open('/visit')
    await expect(ada.open('/throw')).rejects.toBe('a text')
    expect(JSON.parse((await ada.open('/')).text)).toEqual({ visits: 1 })
  })
})

test('close closes a store of its own only', async () => {
  const own = dynamoDBSessions({
    secrets: 'a long random text',
    endpoint: 'http://127.0.0.1:1',
    region: 'eu-west-1',
  })
  await own.close()
  await expect(own.webSessions.store.read('id')).rejects.toThrow(/closed/)
  const shared = dynamoDBSessions(own.webSessions)
  expect(shared.webSessions).toBe(own.webSessions)
  await shared.close()
})

function appWith(mounted: SessionsMiddleware<TestData>): App {
  const errors: unknown[] = []
  const hono = new Hono<Env>()
  hono.use(mounted)
  hono.onError((error, c) => {
    errors.push(error)
    if (error instanceof HTTPException) return error.getResponse()
    return c.text('code' in error ? String(error.code) : error.message, 500)
  })
  hono.get('/', c => c.json({ user: c.var.session.get('user'), visits: c.var.session.get('visits') }))
  hono.get('/static', c => c.text('static'))
  hono.get('/visit', c => {
    const session = c.get('session')
    session.set('visits', (session.get('visits') ?? 0) + 1)
    return c.text(String(session.get('visits')))
  })
  hono.get('/login/:user', c => {
    c.var.session.regenerate()
    c.var.session.set('user', c.req.param('user'))
    return c.redirect('/')
  })
  hono.get('/logout', async c => {
    await c.var.session.destroy()
    return c.text('logged out')
  })
  return { hono, errors }
}
