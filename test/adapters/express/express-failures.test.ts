import type { Express } from 'express'
import expressSession from 'express-session'
import type { SessionData } from 'express-session'
import { describe, expect, test } from 'vitest'

import { DynamoDBStore } from '../../../src/adapters/express.ts'
import { SessionCorruptError, TableNotFoundError } from '../../../src/errors.ts'
import { hashSessionId } from '../../../src/layouts/native.ts'
import { Browser } from '../../support/browser.ts'
import { callbackOutcome } from '../../support/callback-outcome.ts'
import { engineCredentials, engineRegion, engine, uniqueTableName } from '../../support/engines.ts'
import { addShop } from '../../support/express-shop.ts'
import { expressSubject } from '../../support/express-subject.ts'
import { incompressibleText } from '../../support/incompressible-text.ts'
import { unhandledErrorsDuring, warningDuring } from '../../support/process-events.ts'

const denied = { __type: 'com.amazon.coral.service#AccessDeniedException', message: 'not for you' }

describe('DynamoDBStore when something is wrong', () => {
  const subject = expressSubject(engine)

  /** A visitor with a session. */
  const visitor = async (): Promise<Browser> => {
    const { origin } = await subject.app({}, addRoutes)
    const browser = new Browser()
    await browser.open(`${origin}/login/ada`)
    return browser
  }

  const failingStore = (): DynamoDBStore => subject.store({ table: uniqueTableName() })

  /** An app on an endpoint that refuses some operations from a moment on, and a visitor with a session. */
  const refusingApp = async (...operations: readonly string[]): Promise<RefusingApp> => {
    const refused = new Set<string>()
    const { url } = await subject.recorder(({ operation }) => {
      return refused.has(operation) ? { statusCode: 400, body: denied } : undefined
    })
    const store = subject.store({ endpoint: url })
    const disconnects: unknown[] = []
    store.on('disconnect', event => disconnects.push(event))
    const { origin, errors } = await subject.app({ store }, addRoutes)
    const browser = new Browser()
    await browser.open(`${origin}/login/ada`)
    for (const operation of operations) refused.add(operation)
    return { origin, errors, browser, disconnects, recover: () => refused.clear() }
  }

  describe('in a request', () => {
    test('a session that cannot be read is an error, not a new session', async () => {
      const { origin, errors, browser, disconnects, recover } = await refusingApp('GetItem')
      for (let request = 1; request <= 3; request++) {
        const answer = await browser.open(`${origin}/user`)
        expect(answer).toEqual({ status: 500, text: 'ACCESS_DENIED', setCookie: undefined })
        expect(errors).toHaveLength(request)
      }
      expect(disconnects).toEqual([])
      recover()
      expect((await browser.open(`${origin}/user`)).text).toBe('ada')
    })

    test('a session that cannot be saved or touched is an error that reaches the app', async () => {
      const { origin, errors, browser, disconnects, recover } = await refusingApp('PutItem', 'UpdateItem')
      await browser.open(`${origin}/login/eve`)
      expect(errors).toMatchObject([{ code: 'ACCESS_DENIED' }])
      await browser.open(`${origin}/user`)
      expect(errors).toMatchObject([{ code: 'ACCESS_DENIED' }, { code: 'ACCESS_DENIED' }])
      expect(disconnects).toEqual([])
      recover()
      expect((await browser.open(`${origin}/user`)).text).toBe('ada')
    })

    test('a session that cannot be destroyed is an error, and not a logout', async () => {
      const { origin, errors, browser, recover } = await refusingApp('DeleteItem')
      const answer = await browser.open(`${origin}/logout`)
      expect(answer).toMatchObject({ status: 500, text: 'ACCESS_DENIED' })
      expect(errors).toHaveLength(1)
      recover()
      expect((await browser.open(`${origin}/user`)).text).toBe('ada')
    })

    test('a session that cannot be regenerated is an error', async () => {
      const { origin, browser, recover } = await refusingApp('PutItem')
      const before = browser.anotherWindow()
      expect(await browser.open(`${origin}/regenerate`)).toMatchObject({ status: 500, text: 'ACCESS_DENIED' })
      recover()
      expect((await before.open(`${origin}/user`)).text).toBe('ada')
    })

    test('a corrupt item is an error and is left as it is', async () => {
      const { origin, errors } = await subject.app({}, addRoutes)
      const browser = new Browser()
      await browser.open(`${origin}/login/ada`)
      const item = {
        ...(await subject.item(browser.sessionId)),
        data: { S: '{"user":"a' },
      }
      await subject.table.put(item)
      expect((await browser.open(`${origin}/login/ada`)).text).toBe('SESSION_CORRUPT')
      expect(errors[0]).toBeInstanceOf(SessionCorruptError)
      expect(await subject.item(browser.sessionId)).toEqual(item)
    })

    test('a missing table is an error of every request that names table and region', async () => {
      const table = uniqueTableName()
      const { origin, errors } = await subject.app({ store: subject.store({ table }) }, addRoutes)
      const { cookie } = await visitor()
      expect((await new Browser(cookie).open(`${origin}/user`)).text).toBe('TABLE_NOT_FOUND')
      expect((await new Browser(cookie).open(`${origin}/user`)).text).toBe('TABLE_NOT_FOUND')
      expect(errors).toHaveLength(2)
      expect(errors[0]).toBeInstanceOf(TableNotFoundError)
      expect(String(errors[0])).toContain(table)
      expect(String(errors[0])).toContain(engineRegion)
    })

    test('a missing region is an error of the request that says what to set', async () => {
      const store = new DynamoDBStore({
        table: subject.table.name,
        endpoint: engine.endpoint,
        credentials: engineCredentials,
      })
      const { origin, errors } = await subject.app({ store }, addRoutes)
      const { cookie } = await visitor()
      expect((await new Browser(cookie).open(`${origin}/user`)).text).toBe('REGION_MISSING')
      expect(String(errors[0])).toMatch(/option "region".*AWS_REGION/)
    })

    test('missing credentials are an error of the request that says what to set', async () => {
      const store = new DynamoDBStore({
        table: subject.table.name,
        endpoint: engine.endpoint,
        region: engineRegion,
      })
      const { origin, errors } = await subject.app({ store }, addRoutes)
      const { cookie } = await visitor()
      expect((await new Browser(cookie).open(`${origin}/user`)).text).toBe('CREDENTIALS_UNAVAILABLE')
      expect(String(errors[0])).toContain('AWS_ACCESS_KEY_ID')
      expect(String(errors[0])).toContain('option "credentials"')
    })

    test('credentials that appear later are used from then on', async () => {
      let known = false
      const store = subject.store({
        credentials: async () => {
          if (known) return engineCredentials
          throw new Error('not yet')
        },
      })
      const { origin } = await subject.app({ store }, addRoutes)
      const { cookie } = await visitor()
      expect((await new Browser(cookie).open(`${origin}/user`)).text).toBe('Error: not yet')
      known = true
      expect((await new Browser(cookie).open(`${origin}/user`)).text).toBe('ada')
    })

    test.each([
      [
        'the ENOENT of a missing file',
        Object.assign(new Error('no such file'), { code: 'ENOENT' }),
        'STORE_FAILED',
      ],
      ['an HTTP status', Object.assign(new Error('unauthorized'), { status: 401 }), 'STORE_FAILED'],
      [
        'headers',
        Object.assign(new Error('elsewhere'), { headers: { location: '/elsewhere' } }),
        'STORE_FAILED',
      ],
      ['a message for visitors', Object.assign(new Error('secret'), { expose: true }), 'STORE_FAILED'],
      ['nothing', undefined, 'CREDENTIALS_UNAVAILABLE'],
      ['null', null, 'CREDENTIALS_UNAVAILABLE'],
      ['a text', 'out of order', 'CREDENTIALS_UNAVAILABLE'],
    ])('a credential provider that fails with %s is no missing session', async (_name, reason, code) => {
      const store = subject.store({
        credentials: () => Promise.reject(reason),
      })
      const { origin, errors } = await subject.app({ store }, addRoutes)
      const { cookie } = await visitor()
      const answer = await new Browser(cookie).open(`${origin}/user`)
      expect(answer).toEqual({ status: 500, text: code, setCookie: undefined })
      expect(errors).toMatchObject([{ code, cause: reason }])
    })
  })

  describe('a callback that throws', () => {
    const failure = new Error('the callback is broken')

    test.each(['success', 'failure'])('after %s is an uncaught exception, once', async outcome => {
      const store = subject.store(outcome === 'failure' ? { table: uniqueTableName() } : {})
      const methods: ((done: () => void) => void)[] = [
        done => store.get('some-id', done),
        done => store.set('some-id', session(), done),
        done => store.touch('some-id', session(), done),
        done => store.destroy('some-id', done),
        done => store.length(done),
        done => store.all(done),
        done => store.ids(done),
        done => store.clear(done),
      ]
      for (const call of methods) {
        let calls = 0
        const unhandled = await unhandledErrorsDuring(async () => {
          await new Promise<void>(resolve => {
            call(() => {
              calls++
              resolve()
              throw failure
            })
          })
        })
        expect(unhandled).toEqual({ uncaughtExceptions: [failure], unhandledRejections: [] })
        expect(calls).toBe(1)
      }
    })
  })

  describe('without a callback', () => {
    const methods: Readonly<Record<string, (store: DynamoDBStore) => void>> = {
      set: store => {
        store.set('some-id', session())
      },
      touch: store => {
        store.touch('some-id', session())
      },
      destroy: store => {
        store.destroy('some-id')
      },
      clear: store => {
        store.clear()
      },
    }

    test.each(Object.entries(methods))(
      'a failed %s is an error event where somebody listens',
      async (_, call) => {
        const store = failingStore()
        const heard: unknown[] = []
        store.on('error', error => heard.push(error))
        const unhandled = await unhandledErrorsDuring(async () => {
          call(store)
          await expect.poll(() => heard.length).toBe(1)
        })
        expect(heard[0]).toBeInstanceOf(TableNotFoundError)
        expect(heard).toHaveLength(1)
        expect(unhandled).toEqual({ uncaughtExceptions: [], unhandledRejections: [] })
      },
    )

    test.each(Object.entries(methods))('a failed %s is else a warning', async (_, call) => {
      const store = failingStore()
      const unhandled = await unhandledErrorsDuring(async () => {
        const warning = await warningDuring(() => {
          call(store)
        })
        expect(warning).toBeInstanceOf(TableNotFoundError)
      })
      expect(unhandled).toEqual({ uncaughtExceptions: [], unhandledRejections: [] })
    })

    test('what failed with a callback is neither', async () => {
      const store = failingStore()
      const heard: unknown[] = []
      store.on('error', error => heard.push(error))
      expect(await outcomeOf(done => store.destroy('some-id', done))).toMatchObject({ calls: 1 })
      expect(heard).toEqual([])
    })
  })

  describe('mistakes of the caller', () => {
    test.each([undefined, null, '', 7, {}])('the session ID %j is an error of the callback', async id => {
      const store = subject.store()
      const mistake = {
        error: { name: 'TypeError', code: 'INVALID_SESSION_ID' },
        calls: 1,
        asynchronous: true,
      }
      const sid = id as string
      expect(await outcomeOf(done => store.get(sid, done))).toMatchObject(mistake)
      expect(await outcomeOf(done => store.set(sid, session(), done))).toMatchObject(mistake)
      expect(await outcomeOf(done => store.touch(sid, session(), done))).toMatchObject(mistake)
      expect(await outcomeOf(done => store.destroy(sid, done))).toMatchObject(mistake)
    })

    test.each([
      ['undefined', undefined],
      ['null', null],
      ['a text', 'text'],
      ['a BigInt inside', { cookie: {}, big: 1n }],
    ])('the session %s is an error of the callback, and not saved', async (name, value) => {
      const store = subject.store()
      const sid = `no-session ${name}`
      const outcome = await outcomeOf(done => store.set(sid, value as unknown as SessionData, done))
      expect(outcome).toMatchObject({ error: { name: 'TypeError' }, calls: 1, asynchronous: true })
      expect(await subject.table.item(hashSessionId(sid))).toBeUndefined()
    })

    test('a session that is too large is an error of the callback', async () => {
      const store = subject.store()
      const large = { ...session(), user: incompressibleText(700_000) }
      expect(await outcomeOf(done => store.set('too-large', large, done))).toMatchObject({
        error: { code: 'SESSION_TOO_LARGE' },
        calls: 1,
      })
    })
  })
})

interface RefusingApp {
  readonly origin: string
  readonly errors: readonly unknown[]
  readonly browser: Browser
  readonly disconnects: readonly unknown[]
  readonly recover: () => void
}

function addRoutes(app: Express): void {
  addShop(app)
  app.get('/regenerate', (request, response, next) => {
    request.session.regenerate((error: unknown) => {
      if (error !== null && error !== undefined) next(error)
      else response.send('regenerated')
    })
  })
}

function session(): SessionData {
  return { cookie: new expressSession.Cookie() }
}

async function outcomeOf(start: (callback: (error?: unknown) => void) => void): Promise<unknown> {
  return callbackOutcome(start)
}
