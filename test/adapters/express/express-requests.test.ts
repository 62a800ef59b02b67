import { setTimeout as delay } from 'node:timers/promises'

import type { Request } from 'express'
import { describe, expect, test, vi } from 'vitest'

import { Browser } from '../../support/browser.ts'
import { callbackValue } from '../../support/callback-outcome.ts'
import { engine } from '../../support/engines.ts'
import { addShop } from '../../support/express-shop.ts'
import { expressSubject } from '../../support/express-subject.ts'
import { isMoveMark, numberText } from '../../support/session-table.ts'

const HOUR_MS = 3_600_000
const flags = [true, false]
const savingOptions = flags.flatMap(resave =>
  flags.flatMap(rolling => flags.map(saveUninitialized => ({ resave, rolling, saveUninitialized }))),
)

describe('express-session over HTTP', () => {
  const subject = expressSubject(engine)

  describe('saving and loading', () => {
    test('what one request saves the next one loads', async () => {
      const { origin } = await subject.app({}, addShop)
      const ada = new Browser()
      expect((await ada.open(`${origin}/login/ada`)).setCookie).toBeDefined()
      expect((await ada.open(`${origin}/user`)).text).toBe('ada')
      expect((await ada.open(`${origin}/visit`)).text).toBe('1')
      expect((await ada.open(`${origin}/visit`)).text).toBe('2')
    })

    test('visitors do not see the sessions of others', async () => {
      const { origin } = await subject.app({}, addShop)
      const names = Array.from({ length: 20 }, (_, index) => `visitor-${index}`)
      const answers = await Promise.all(
        names.map(async name => {
          const browser = new Browser()
          await browser.open(`${origin}/login/${name}`)
          return (await browser.open(`${origin}/user`)).text
        }),
      )
      expect(answers).toEqual(names)
      expect((await new Browser().open(`${origin}/user`)).text).toBe('nobody')
    })

    test('a cookie without a session behind it begins a new one, under a new ID', async () => {
      const { origin } = await subject.app({}, addShop)
      const ada = new Browser()
      await ada.open(`${origin}/login/ada`)
      const oldId = ada.sessionId
      await callbackValue(done => {
        subject.store().destroy(oldId, done)
      })
      expect(await ada.open(`${origin}/user`)).toMatchObject({ text: 'nobody', setCookie: undefined })
      await ada.open(`${origin}/login/ada`)
      expect(ada.sessionId).not.toBe(oldId)
      expect(await subject.item(oldId)).toBeUndefined()
    })

    test('a session that has expired is not loaded, although its item is still there', async () => {
      const { origin } = await subject.app({ cookie: { maxAge: 1 } }, addShop)
      const ada = new Browser()
      await ada.open(`${origin}/login/ada`)
      await delay(5)
      expect((await ada.open(`${origin}/user`)).text).toBe('nobody')
      expect(await subject.item(ada.sessionId)).toBeDefined()
    })

    test('the cookie of a loaded session is what it was', async () => {
      const cookie = { maxAge: HOUR_MS, path: '/', sameSite: 'strict', httpOnly: false } as const
      const { origin } = await subject.app({ cookie }, app => {
        app.get('/cookie', (request, response) => {
          request.session.user = 'ada'
          const { expires, originalMaxAge, httpOnly, sameSite, path } = request.session.cookie
          response.json({ isDate: expires instanceof Date, originalMaxAge, httpOnly, sameSite, path })
        })
      })
      const ada = new Browser()
      const [created, loaded] = [await ada.open(`${origin}/cookie`), await ada.open(`${origin}/cookie`)]
      expect([created.setCookie === undefined, loaded.setCookie === undefined]).toEqual([false, true])
      for (const { text } of [created, loaded]) {
        expect(JSON.parse(text)).toEqual({
          isDate: true,
          // express-session reads the clock twice for it, on every request: a millisecond may be missing.
          originalMaxAge: expect.closeTo(HOUR_MS, -3) as unknown,
          httpOnly: false,
          sameSite: 'strict',
          path: '/',
        })
      }
    })

    test('a session follows from one process to another that shares the table', async () => {
      const [first, second] = [await subject.app({}, addShop), await subject.app({}, addShop)]
      const ada = new Browser()
      await ada.open(`${first.origin}/login/ada`)
      expect((await ada.open(`${second.origin}/user`)).text).toBe('ada')
      expect((await ada.open(`${second.origin}/visit`)).text).toBe('1')
      expect((await ada.open(`${first.origin}/visit`)).text).toBe('2')
      await ada.open(`${second.origin}/logout`)
      expect((await ada.open(`${first.origin}/user`)).text).toBe('nobody')
    })
  })

  describe('touch', () => {
    test('extends a session that a request only reads, and changes nothing else', async () => {
      const { origin } = await subject.app({ cookie: { maxAge: HOUR_MS } }, addShop)
      const ada = new Browser()
      await ada.open(`${origin}/login/ada`)
      const before = await subject.item(ada.sessionId)
      await delay(5)
      await ada.open(`${origin}/user`)
      const after = await subject.item(ada.sessionId)
      expect(Number(numberText(after, 'expiresMs'))).toBeGreaterThan(Number(numberText(before, 'expiresMs')))
      expect({ ...after, expires: 0, expiresMs: 0 }).toEqual({ ...before, expires: 0, expiresMs: 0 })
    })

    test('shows in the cookie that the next request loads', async () => {
      const store = subject.store()
      const { origin } = await subject.app({ store, cookie: { maxAge: HOUR_MS } }, addShop)
      const ada = new Browser()
      await ada.open(`${origin}/login/ada`)
      await delay(5)
      await ada.open(`${origin}/user`)
      const stored = numberText(await subject.item(ada.sessionId), 'expiresMs')
      const session = await callbackValue<{ cookie: { expires?: unknown } } | null>(done => {
        store.get(ada.sessionId, done)
      })
      expect(session?.cookie.expires).toBe(new Date(Number(stored)).toISOString())
    })

    test('keeps a session alive for as long as requests come, and no longer', async () => {
      const { origin } = await subject.app({ cookie: { maxAge: HOUR_MS } }, addShop)
      const ada = new Browser()
      await ada.open(`${origin}/login/ada`)
      vi.useFakeTimers({ toFake: ['Date'] })
      try {
        for (let request = 0; request < 5; request++) {
          vi.setSystemTime(Date.now() + HOUR_MS - 1000)
          expect((await ada.open(`${origin}/user`)).text).toBe('ada')
        }
        vi.setSystemTime(Date.now() + HOUR_MS)
        expect((await ada.open(`${origin}/user`)).text).toBe('nobody')
      } finally {
        vi.useRealTimers()
      }
    })
  })

  describe('resave, rolling and saveUninitialized', () => {
    test.each(savingOptions)('decide what is sent and who gets a cookie: %j', async options => {
      const recorder = await subject.recorder()
      const store = subject.store({ endpoint: recorder.url })
      const { origin } = await subject.app({ ...options, store, cookie: { maxAge: HOUR_MS } }, addShop)
      const opened = async (browser: Browser, path: string): Promise<unknown> => {
        recorder.forget()
        const { setCookie } = await browser.open(origin + path)
        return { operations: recorder.operations, setsCookie: setCookie !== undefined }
      }
      const { rolling, saveUninitialized } = options
      expect(await opened(new Browser(), '/user'), 'a new visitor who changes nothing').toEqual({
        operations: saveUninitialized ? ['PutItem'] : [],
        setsCookie: saveUninitialized,
      })
      const ada = new Browser()
      expect(await opened(ada, '/login/ada'), 'a new visitor who logs in').toEqual({
        operations: ['PutItem'],
        setsCookie: true,
      })
      expect(await opened(ada, '/user'), 'a visitor with a session who changes nothing').toEqual({
        operations: ['GetItem', 'UpdateItem'],
        setsCookie: rolling,
      })
      expect(await opened(ada, '/visit'), 'a visitor with a session who changes it').toEqual({
        operations: ['GetItem', 'UpdateItem'],
        setsCookie: true,
      })
      expect((await ada.open(`${origin}/visit`)).text).toBe('2')
    })
  })

  describe('unset', () => {
    test.each(['destroy', 'keep'] as const)(
      'with %s decides about a session that a handler drops',
      async unset => {
        const { origin } = await subject.app({ unset }, app => {
          addShop(app)
          app.get('/unset', (request, response) => {
            Reflect.deleteProperty(request, 'session')
            response.send('unset')
          })
          app.get('/null', (request, response) => {
            Reflect.set(request, 'session', null)
            response.send('null')
          })
        })
        for (const path of ['/unset', '/null']) {
          const ada = new Browser()
          await ada.open(`${origin}/login/ada`)
          expect((await ada.open(origin + path)).status).toBe(200)
          expect((await subject.item(ada.sessionId)) !== undefined).toBe(unset === 'keep')
          expect((await ada.open(`${origin}/user`)).text).toBe(unset === 'keep' ? 'ada' : 'nobody')
        }
      },
    )
  })

  describe('methods of a session', () => {
    test('destroy deletes the session, and its visitor is nobody', async () => {
      const { origin } = await subject.app({}, addShop)
      const ada = new Browser()
      await ada.open(`${origin}/login/ada`)
      expect((await ada.open(`${origin}/logout`)).text).toBe('logged out')
      expect(await subject.item(ada.sessionId)).toBeUndefined()
      expect((await ada.open(`${origin}/user`)).text).toBe('nobody')
    })

    test('regenerate begins a session under a new ID and leaves a mark under the old one', async () => {
      const { origin } = await subject.app({}, app => {
        addShop(app)
        app.get('/regenerate', (request, response, next) => {
          request.session.regenerate((error: unknown) => {
            if (error !== null && error !== undefined) {
              next(error)
              return
            }
            request.session.user = 'admin'
            response.send('regenerated')
          })
        })
      })
      const ada = new Browser()
      await ada.open(`${origin}/login/ada`)
      await ada.open(`${origin}/visit`)
      const oldWindow = ada.anotherWindow()
      expect((await ada.open(`${origin}/regenerate`)).text).toBe('regenerated')
      expect(ada.sessionId).not.toBe(oldWindow.sessionId)
      expect(isMoveMark(await subject.item(oldWindow.sessionId))).toBe(true)
      expect((await oldWindow.open(`${origin}/user`)).text).toBe('nobody')
      expect((await ada.open(`${origin}/user`)).text).toBe('admin')
      expect((await ada.open(`${origin}/visit`)).text).toBe('1')
    })

    test('reload discards what was not saved, and sees what others have saved', async () => {
      const { origin } = await subject.app({}, app => {
        addShop(app)
        app.get('/reload', (request, response, next) => {
          request.session.user = 'eve'
          const reload = (): void => {
            request.session.reload((error: unknown) => {
              if (error !== null && error !== undefined) next(error)
              else response.send(`${request.session.user} ${request.session.visits}`)
            })
          }
          otherWindow(request).open(`${origin}/visit`).then(reload, reload)
        })
      })
      const ada = new Browser()
      await ada.open(`${origin}/login/ada`)
      expect((await ada.open(`${origin}/reload`)).text).toBe('ada 1')
      expect((await ada.open(`${origin}/user`)).text).toBe('ada')
    })

    test('reload of a session that has been destroyed is an error', async () => {
      const { origin } = await subject.app({}, app => {
        addShop(app)
        app.get('/reload', (request, response) => {
          const reload = (): void => {
            request.session.reload((error: unknown) => {
              response.send(error instanceof Error ? error.message : 'reloaded')
            })
          }
          otherWindow(request).open(`${origin}/logout`).then(reload, reload)
        })
      })
      const ada = new Browser()
      await ada.open(`${origin}/login/ada`)
      expect((await ada.open(`${origin}/reload`)).text).toBe('failed to load session')
      expect(await subject.item(ada.sessionId)).toBeUndefined()
    })

    test('a session that was reloaded can be saved, as often as wanted', async () => {
      const { origin } = await subject.app({}, app => {
        addShop(app)
        app.get('/reload', (request, response, next) => {
          request.session.reload((error: unknown) => {
            if (error !== null && error !== undefined) {
              next(error)
              return
            }
            request.session.visits = 10
            request.session.save(() => {
              request.session.visits = 11
              response.send('saved')
            })
          })
        })
      })
      const ada = new Browser()
      await ada.open(`${origin}/login/ada`)
      await ada.open(`${origin}/reload`)
      expect((await ada.open(`${origin}/visit`)).text).toBe('12')
    })

    test.each(['with a session', 'without'])(
      'save twice in one request stores what the second one saw, for a visitor %s',
      async visitor => {
        const { origin } = await subject.app({}, app => {
          addShop(app)
          app.get('/twice', (request, response, next) => {
            request.session.user = 'first'
            request.session.save((error: unknown) => {
              if (error !== null && error !== undefined) {
                next(error)
                return
              }
              request.session.user = 'second'
              response.send('saved twice')
            })
          })
        })
        const ada = new Browser()
        if (visitor === 'with a session') await ada.open(`${origin}/login/ada`)
        expect((await ada.open(`${origin}/twice`)).text).toBe('saved twice')
        expect((await ada.open(`${origin}/user`)).text).toBe('second')
      },
    )

    test.each(['loaded', 'made and saved by this request'])(
      'save after destroy does not bring back a session that was %s',
      async origin_ => {
        const { origin } = await subject.app({}, app => {
          addShop(app)
          app.get('/destroy-and-save', (request, response, next) => {
            const { session } = request
            session.user = 'eve'
            session.save(() => {
              const { id } = session
              session.destroy((error: unknown) => {
                if (error !== null && error !== undefined) next(error)
                else session.save((saveError: unknown) => response.json({ id, saveError: saveError ?? null }))
              })
            })
          })
        })
        const ada = new Browser()
        if (origin_ === 'loaded') await ada.open(`${origin}/login/ada`)
        const answer: unknown = JSON.parse((await ada.open(`${origin}/destroy-and-save`)).text)
        expect(answer).toEqual({ id: expect.any(String) as unknown, saveError: null })
        expect(await subject.item(String(Reflect.get(Object(answer), 'id')))).toBeUndefined()
      },
    )

    test('resetMaxAge and a maxAge of its own decide when one session expires', async () => {
      const { origin } = await subject.app({ cookie: { maxAge: HOUR_MS } }, app => {
        addShop(app)
        app.get('/remember', (request, response) => {
          request.session.user = 'remembered'
          request.session.cookie.maxAge = 24 * HOUR_MS
          response.send('remembered')
        })
      })
      const ada = new Browser()
      await ada.open(`${origin}/login/ada`)
      const before = Number(numberText(await subject.item(ada.sessionId), 'expiresMs'))
      await ada.open(`${origin}/remember`)
      const remembered = Number(numberText(await subject.item(ada.sessionId), 'expiresMs'))
      expect(remembered - before).toBeGreaterThan(22 * HOUR_MS)
      await ada.open(`${origin}/user`)
      const touched = Number(numberText(await subject.item(ada.sessionId), 'expiresMs'))
      expect(touched).toBeGreaterThanOrEqual(remembered)
    })
  })
})

/** The browser that sent a request, once more. */
function otherWindow({ headers }: Request): Browser {
  return new Browser(headers.cookie?.replace('connect.sid=', ''))
}
