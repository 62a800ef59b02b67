import { setTimeout as delay } from 'node:timers/promises'

import { describe, expect, test, vi } from 'vitest'

import { SessionCorruptError, type SessionStoreOptions, TableNotFoundError } from '../../../src/index.ts'
import { engine, uniqueTableName } from '../../support/engines.ts'
import { Meeting } from '../../support/meeting.ts'
import { unhandledErrorsDuring } from '../../support/process-events.ts'
import { isMoveMark, numberText } from '../../support/session-table.ts'
import { everyTouch, tableSubject } from '../../support/table-subject.ts'
import type { Framework, RunningShop, ShopHandler, ShopSettings } from './framework.ts'
import { Jar } from './jar.ts'

const HOUR_MS = 3_600_000
const ROUNDS = 30
const denied = { __type: 'com.amazon.coral.service#AccessDeniedException', message: 'not for you' }

/** What every framework has to do with its sessions in DynamoDB, on every engine. */
export function frameworkScenarios(framework: Framework): void {
  describe(`${framework.name} over HTTP`, () => {
    const subject = tableSubject(engine, everyTouch)

    const shop = async (
      options: SessionStoreOptions = {},
      { routes, ...settings }: Partial<ShopSettings> = {},
    ): Promise<RunningShop> =>
      subject.closeLater(
        await framework.start(
          { ...subject.options, ...options },
          { lifetimeMs: HOUR_MS, rolling: true, ...settings, routes: { ...shopRoutes(), ...routes } },
        ),
      )

    /** An app on an endpoint that refuses some operations from a moment on, and a visitor who has signed in. */
    const refusingShop = async (...operations: readonly string[]): Promise<RunningShop & Refusal> => {
      const refused = new Set<string>()
      const { url } = await subject.recorder(({ operation }) =>
        refused.has(operation) ? { statusCode: 400, body: denied } : undefined,
      )
      const running = await shop({ endpoint: url })
      const ada = new Jar(running.origin)
      await ada.open('/login/ada')
      for (const operation of operations) refused.add(operation)
      return { ...running, ada, recover: () => refused.clear() }
    }

    test('what one request saves the next one loads, in another process too', async () => {
      const [first, second] = [await shop(), await shop()]
      const ada = new Jar(first.origin)
      await ada.open('/login/ada')
      expect((await ada.open('/visit')).text).toBe('1')
      expect((await ada.anotherWindow(second.origin).open('/visit')).text).toBe('2')
      expect((await ada.open('/user')).text).toBe('ada')
      expect(await new Jar(first.origin).open('/user')).toMatchObject({ status: 200, text: 'nobody' })
    })

    test('visitors do not see the sessions of others', async () => {
      const { origin } = await shop()
      const names = Array.from({ length: 20 }, (_, index) => `visitor-${index}`)
      const answers = await Promise.all(
        names.map(async name => {
          const visitor = new Jar(origin)
          await visitor.open(`/login/${name}`)
          return (await visitor.open('/user')).text
        }),
      )
      expect(answers).toEqual(names)
    })

    test('parallel requests that change different keys keep all their changes (G2)', async () => {
      const meeting = new Meeting(3)
      const set = (key: 1 | 2 | 3): ShopHandler => {
        return async session => {
          await meeting.attend()
          session.data[`key${key}`] = key
          return 'set'
        }
      }
      const { origin, errors } = await shop(
        {},
        {
          routes: {
            '/set-1': set(1),
            '/set-2': set(2),
            '/set-3': set(3),
            '/keys': ({ data: { key1, key2, key3 } }) => JSON.stringify([key1, key2, key3]),
          },
        },
      )
      const ada = new Jar(origin)
      await ada.open('/login/ada')
      await Promise.all([1, 2, 3].map(key => ada.anotherWindow().open(`/set-${key}`)))
      expect((await ada.open('/keys')).text).toBe('[1,2,3]')
      expect((await ada.open('/user')).text).toBe('ada')
      expect(errors).toEqual([])
    })

    test('a logout stays one while slow requests change and extend the session (G3, G4)', async () => {
      const [arrival, departure] = [new Meeting(3), new Meeting(3)]
      const slow = (change: boolean): ShopHandler => {
        return async ({ data }) => {
          await arrival.attend()
          await departure.attend()
          if (change) data.visits = 100
          return 'done'
        }
      }
      const { origin, errors } = await shop(
        {},
        { routes: { '/slow-change': slow(true), '/slow-read': slow(false) } },
      )
      const ada = new Jar(origin)
      await ada.open('/login/ada')
      const id = framework.sessionId(ada)
      const [changing, reading, later] = [ada.anotherWindow(), ada.anotherWindow(), ada.anotherWindow()]
      const inFlight = Promise.all([changing.open('/slow-change'), reading.open('/slow-read')])
      await arrival.attend()
      expect((await ada.open('/logout')).text).toBe('logged out')
      await departure.attend()
      expect((await inFlight).map(({ status }) => status)).toEqual([200, 200])
      expect(await subject.item(id)).toBeUndefined()
      expect((await later.open('/user')).text).toBe('nobody')
      expect(errors).toEqual([])
    })

    test(`a logout stays one in ${ROUNDS} races with slow requests`, async () => {
      const routes: Record<string, ShopHandler> = {
        '/slow-change': async ({ data }) => {
          await delay(3)
          data.visits = 100
          return 'done'
        },
      }
      const shops = [await shop({}, { routes }), await shop({}, { routes })]
      const race = async (round: number): Promise<unknown> => {
        const ada = new Jar(shops[round % 2]?.origin ?? '')
        await ada.open('/login/ada')
        const id = framework.sessionId(ada)
        const slow = ada.anotherWindow(shops[(round + 1) % 2]?.origin)
        const changes = Promise.all([slow.open('/slow-change'), slow.anotherWindow().open('/visit')])
        await delay(round % 6)
        await ada.open('/logout')
        await changes
        return subject.item(id)
      }
      const items = await Promise.all(Array.from({ length: ROUNDS }, (_, round) => race(round)))
      expect(items).toEqual(items.map(() => undefined))
      expect(shops.flatMap(({ errors }) => errors)).toEqual([])
    })

    test('a cookie without a session behind it begins a new one, under a new ID', async () => {
      const { origin } = await shop()
      const ada = new Jar(origin)
      await ada.open('/login/ada')
      const [oldId, other] = [framework.sessionId(ada), ada.anotherWindow()]
      await ada.open('/logout')
      const dead = await other.open('/user')
      expect(dead.text).toBe('nobody')
      expect(dead.setCookies.length > 0).toBe(framework.clearsDeadCookies)
      for (const cookie of dead.setCookies) expect(cookie).toContain('1970')
      await other.open('/login/eve')
      expect(framework.sessionId(other)).not.toBe(oldId)
      expect(await subject.item(oldId)).toBeUndefined()
      expect((await other.open('/user')).text).toBe('eve')
    })

    test('regenerate moves the user to a new ID and leaves nothing under the old one', async () => {
      const { origin } = await shop({}, { routes: { '/regenerate': regenerate } })
      const ada = new Jar(origin)
      await ada.open('/login/ada')
      const [oldId, old] = [framework.sessionId(ada), ada.anotherWindow()]
      expect((await ada.open('/regenerate')).text).toBe('regenerated')
      expect(framework.sessionId(ada)).not.toBe(oldId)
      expect((await ada.open('/user')).text).toBe('ada')
      expect((await old.open('/user')).text).toBe('nobody')
      const left = await subject.item(oldId)
      expect(left === undefined || isMoveMark(left)).toBe(true)
    })

    describe('expiry', () => {
      test('is that of the cookie, to the second of time to live and to the millisecond', async () => {
        const { origin } = await shop()
        const ada = new Jar(origin)
        const beforeMs = Date.now()
        await ada.open('/login/ada')
        const item = await subject.item(framework.sessionId(ada))
        const expiresMs = Number(numberText(item, 'expiresMs'))
        expect(expiresMs).toBeGreaterThanOrEqual(beforeMs + HOUR_MS)
        expect(expiresMs).toBeLessThanOrEqual(Date.now() + HOUR_MS)
        expect(numberText(item, 'expires')).toBe(String(Math.ceil(expiresMs / 1000)))
      })

      test('a rolling session lives for as long as requests come, and no longer', async () => {
        const { origin } = await shop()
        const ada = new Jar(origin)
        await ada.open('/login/ada')
        const id = framework.sessionId(ada)
        vi.useFakeTimers({ toFake: ['Date'] })
        try {
          for (let request = 0; request < 5; request++) {
            vi.setSystemTime(Date.now() + HOUR_MS - 1000)
            expect((await ada.open('/user')).text).toBe('ada')
          }
          const stale = ada.anotherWindow()
          vi.setSystemTime(Date.now() + HOUR_MS)
          expect((await stale.open('/user')).text).toBe('nobody')
          expect(await subject.item(id)).toBeDefined()
        } finally {
          vi.useRealTimers()
        }
      })

      test('a session that does not roll is extended when it changes only', async () => {
        const { origin } = await shop({}, { rolling: false })
        const ada = new Jar(origin)
        await ada.open('/login/ada')
        const id = framework.sessionId(ada)
        const expiry = async (): Promise<number> => Number(numberText(await subject.item(id), 'expiresMs'))
        const before = await expiry()
        await delay(5)
        await ada.open('/user')
        expect(await expiry()).toBe(before)
        await ada.open('/visit')
        expect(await expiry()).toBeGreaterThan(before)
      })

      test('extending writes the expiry only, and not when it hardly moves', async () => {
        const recorder = await subject.recorder()
        const always = await shop({ endpoint: recorder.url })
        const seldom = await shop({ endpoint: recorder.url, touchAfterSeconds: undefined })
        const ada = new Jar(always.origin)
        await ada.open('/login/ada')
        const id = framework.sessionId(ada)
        // What the middleware keeps in the session of its own accord settles at the second request.
        await ada.open('/user')
        const before = await subject.item(id)
        recorder.forget()
        await delay(2)
        await ada.open('/user')
        expect(recorder.operations).toEqual(['GetItem', 'UpdateItem'])
        const after = await subject.item(id)
        expect(after).not.toEqual(before)
        expect({ ...after, expires: 0, expiresMs: 0 }).toEqual({ ...before, expires: 0, expiresMs: 0 })
        recorder.forget()
        await ada.anotherWindow(seldom.origin).open('/user')
        expect(recorder.operations).toEqual(['GetItem'])
      })
    })

    describe('failures are failures (G6)', () => {
      test('a missing table is an error of every request, before a handler runs', async () => {
        const good = await shop()
        const ada = new Jar(good.origin)
        await ada.open('/login/ada')
        let handled = 0
        const broken = await shop(
          { table: uniqueTableName() },
          {
            routes: {
              '/handled': () => {
                handled++
                return 'handled'
              },
            },
          },
        )
        const visitor = ada.anotherWindow(broken.origin)
        for (let request = 1; request <= 3; request++) {
          const answer = await visitor.open('/handled')
          expect(answer).toEqual({ status: 500, text: 'TABLE_NOT_FOUND', setCookies: [] })
          expect(broken.errors).toHaveLength(request)
        }
        expect(broken.errors[0]).toBeInstanceOf(TableNotFoundError)
        expect(handled).toBe(0)
      })

      test('a session that cannot be read is an error, not a new session', async () => {
        const { ada, errors, recover } = await refusingShop('GetItem')
        const answer = await ada.open('/user')
        expect(answer).toEqual({ status: 500, text: 'ACCESS_DENIED', setCookies: [] })
        expect(errors).toHaveLength(1)
        recover()
        expect((await ada.open('/user')).text).toBe('ada')
      })

      test('a session that cannot be saved or extended is an error of the request', async () => {
        const { ada, errors, origin, recover } = await refusingShop('PutItem', 'UpdateItem')
        const unhandled = await unhandledErrorsDuring(async () => {
          expect(await ada.open('/login/eve')).toMatchObject({ status: 500, text: 'ACCESS_DENIED' })
          expect(await ada.open('/user')).toMatchObject({ status: 500, text: 'ACCESS_DENIED' })
          expect(await new Jar(origin).open('/login/eve')).toMatchObject({ status: 500, setCookies: [] })
        })
        expect(unhandled).toEqual({ uncaughtExceptions: [], unhandledRejections: [] })
        expect(errors).toMatchObject([{}, {}, {}].map(() => ({ code: 'ACCESS_DENIED' })))
        recover()
        expect((await ada.open('/user')).text).toBe('ada')
      })

      test('a session that cannot be destroyed is an error, and not a logout', async () => {
        const { ada, errors, recover } = await refusingShop('DeleteItem')
        const other = ada.anotherWindow()
        expect(await ada.open('/logout')).toMatchObject({ status: 500, text: 'ACCESS_DENIED' })
        expect(errors).toHaveLength(1)
        recover()
        expect((await other.open('/user')).text).toBe('ada')
      })

      test('a corrupt item is an error and is left as it is', async () => {
        const { origin, errors } = await shop()
        const ada = new Jar(origin)
        await ada.open('/login/ada')
        const id = framework.sessionId(ada)
        const item = { ...(await subject.item(id)), data: { S: '{"user":"a' } }
        await subject.table.put(item)
        expect(await ada.open('/login/eve')).toMatchObject({ status: 500, text: 'SESSION_CORRUPT' })
        expect(errors).toEqual([expect.any(SessionCorruptError)])
        expect(await subject.item(id)).toEqual(item)
      })

      test.each([
        [
          'the ENOENT of a missing file',
          Object.assign(new Error('no such file'), { code: 'ENOENT' }),
          'STORE_FAILED',
        ],
        ['nothing', undefined, 'CREDENTIALS_UNAVAILABLE'],
        ['a text', 'out of order', 'CREDENTIALS_UNAVAILABLE'],
      ])('a credential provider that fails with %s is no missing session', async (_name, reason, code) => {
        const good = await shop()
        const ada = new Jar(good.origin)
        await ada.open('/login/ada')
        const { origin, errors } = await shop({ credentials: () => Promise.reject(reason) })
        const answer = await ada.anotherWindow(origin).open('/user')
        expect(answer).toEqual({ status: 500, text: code, setCookies: [] })
        expect(errors).toMatchObject([{ code, cause: reason }])
      })

      test('what a handler has changed before it failed is answered with its own error', async () => {
        const { origin, errors } = await shop(
          {},
          {
            routes: {
              '/fail': ({ data }) => {
                data.visits = 7
                throw Object.assign(new Error('the handler is broken'), { code: 'BROKEN' })
              },
            },
          },
        )
        const ada = new Jar(origin)
        await ada.open('/login/ada')
        expect(await ada.open('/fail')).toMatchObject({ status: 500, text: 'BROKEN' })
        expect(errors).toMatchObject([{ code: 'BROKEN' }])
        expect((await ada.open('/user')).text).toBe('ada')
      })
    })
  })
}

interface Refusal {
  readonly ada: Jar
  readonly recover: () => void
}

/** A handler that moves a session to a new ID, with its user. */
async function regenerate(session: Parameters<ShopHandler>[0]): Promise<string> {
  await session.regenerate()
  return 'regenerated'
}

function shopRoutes(): Record<string, ShopHandler> {
  const names = ['ada', 'eve', ...Array.from({ length: 20 }, (_, index) => `visitor-${index}`)]
  return {
    ...Object.fromEntries(names.map(name => [`/login/${name}`, login(name)])),
    '/user': ({ data }) => data.user ?? 'nobody',
    '/visit': ({ data }) => {
      data.visits = (data.visits ?? 0) + 1
      return String(data.visits)
    },
    '/logout': async session => {
      await session.destroy()
      return 'logged out'
    },
  }
}

function login(user: string): ShopHandler {
  return ({ data }) => {
    data.user = user
    return 'logged in'
  }
}
