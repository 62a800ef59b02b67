import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'

import { dynamoDBSessions } from '../../src/adapters/hono.ts'
import { nextSessions } from '../../src/adapters/next.ts'
import { sveltekitSessions } from '../../src/adapters/sveltekit.ts'
import { tanstackStartSessions } from '../../src/adapters/tanstack-start.ts'
import { type WebSession, webSessions } from '../../src/adapters/web.ts'
import { setCookieHeader } from '../../src/adapters/web/cookie.ts'
import { SessionStore } from '../../src/index.ts'
import { deferred } from '../../src/internal/timers.ts'
import { ActionJar } from '../adapters/next/jars.ts'
import { KitApp } from '../adapters/sveltekit/kit-app.ts'
import { Browser } from '../support/browser.ts'
import { callbackValue } from '../support/callback-outcome.ts'
import { engine } from '../support/engines.ts'
import { expressSubject } from '../support/express-subject.ts'
import { Gates } from '../support/gates.ts'
import { isMoveMark } from '../support/session-table.ts'
import { tableSubject } from '../support/table-subject.ts'

/** `vitest run test/concurrency --mode long` is the long version; `SIGN_IN_ROUNDS` says how often each race is run. */
const given = process.env['SIGN_IN_ROUNDS'] ?? (process.env['MODE'] === 'long' ? 1000 : undefined)
const rounds = Number(given ?? 20)
/** Where another entry has been raced as often already. */
const fewerRounds = Number(given ?? 4)
const ROUNDS_AT_ONCE = 5

interface Content {
  user?: string
  visits?: number
  [key: `key-${string}`]: number
}

/** A request under way. */
interface UnderWay {
  readonly session: WebSession<Content>
  /** Ends it, and returns the header `Set-Cookie` of its response. */
  readonly commit: () => Promise<string | undefined>
}

/** Begins a request in one process. */
type Begin = (cookie?: string) => Promise<UnderWay>

type Handler = (session: WebSession<Content>) => Promise<Response>

/** How a process begins its requests, by entry, and how often these are raced. */
const entries: Readonly<
  Record<string, readonly [open: (store: SessionStore<Content>) => Begin, rounds: number]>
> = {
  './web': [openedByHand, rounds],
  './next, in actions': [openedOfJars, fewerRounds],
  './next, in route handlers': [
    store => {
      const sessions = nextSessions<Content>({ store, secrets })
      return answering((request, handler) =>
        sessions.route((_request, session) => handler(session))(request, undefined),
      )
    },
    fewerRounds,
  ],
  './hono': [
    store => {
      const middleware = dynamoDBSessions<Content>({ store, secrets })
      return answering(async (request, handler) =>
        new Hono()
          .use(middleware)
          .get('/', context => handler(context.var.session))
          .request(request),
      )
    },
    fewerRounds,
  ],
  './sveltekit': [
    store => {
      const sessions = sveltekitSessions<Content>({ store, secrets })
      return answering((request, handler) =>
        new KitApp<Content>(sessions.handle, event => handler(event.locals.session)).answer(request),
      )
    },
    fewerRounds,
  ],
  './tanstack-start': [
    store => {
      const sessions = tanstackStartSessions<Content>({ store, secrets })
      return answering(async (request, handler) => {
        const next = async (session: WebSession<Content>) => ({ response: await handler(session) })
        return (await sessions.handle(request, next)).response
      })
    },
    fewerRounds,
  ],
}

const secrets = 'a long random text'

describe('a sign-in, raced by requests of the same visitor', () => {
  describe.each(Object.entries(entries))('through %s, in two processes', (_name, [processWith, times]) => {
    const subject = tableSubject(engine)

    test(
      'signs nobody out, stores nothing under the old ID, and keeps what was read before',
      async () => {
        const open = (): Begin => processWith(subject.closeLater(new SessionStore<Content>(subject.options)))
        const processes = [open(), open()] as const
        const race = async (round: number): Promise<string | undefined> => {
          const here = processes[round % 2 === 0 ? 0 : 1]
          const openAs = (index: number, cookie?: string): Promise<UnderWay> =>
            processes[index % 2 === 0 ? 0 : 1](cookie)
          const begun = await openAs(round)
          begun.session.set('visits', 1)
          const oldCookie = cookieIn(await begun.commit())
          const oldId = begun.session.id ?? ''

          const names = ['before', 'at-once-1', 'at-once-2', 'after', 'idle'] as const
          const requests = await Promise.all(names.map((_, index) => openAs(index, oldCookie)))
          const signIn = await here(oldCookie)
          const commit = async (name: (typeof names)[number]): Promise<string | undefined> => {
            const request = requests[names.indexOf(name)]
            if (name !== 'idle') request?.session.set(`key-${name}`, round)
            return request?.commit()
          }
          await commit('before')
          signIn.session.regenerate()
          signIn.session.set('user', 'ada')
          const [setCookie, ...atOnce] = await Promise.all([
            signIn.commit(),
            commit('at-once-1'),
            commit('at-once-2'),
          ])
          const afterwards = [await commit('after'), await commit('idle')]
          const late = await openAs(round + 1, oldCookie)
          late.session.set('key-late', round)
          afterwards.push(await late.commit())

          const problems: string[] = []
          if (afterwards.some(header => header !== undefined)) problems.push('a cookie after the sign-in')
          for (const [index, header] of atOnce.entries()) {
            // It was saved before the session moved, and answered then.
            const wasFirst = requests[index + 1]?.session.status === 'stored'
            if (header !== undefined && !wasFirst) problems.push('a cookie of a request that came second')
            if (header?.includes('Max-Age=0') === true) problems.push('a cookie that was cleared')
          }
          if (late.session.status !== 'moved' || late.session.has('user')) {
            problems.push(`late: ${late.session.status}`)
          }
          const visitor = await openAs(round + 1, cookieIn(setCookie))
          const kept = ['user', 'visits', 'key-before', 'key-at-once-1', 'key-at-once-2', 'key-after']
          const keys = visitor.session.keys().toSorted()
          await visitor.commit()
          if (keys.join() !== kept.toSorted().join()) problems.push(`stored: ${keys.join()}`)
          if (!isMoveMark(await subject.item(oldId))) problems.push('no mark')
          return problems.length === 0 ? undefined : `round ${round}: ${problems.join('; ')}`
        }
        expect(await play(race, times)).toEqual([])
        expect(await subject.table.items()).toHaveLength(2 * times)
      },
      timeoutFor(times),
    )
  })

  describe('through Express', () => {
    const subject = expressSubject(engine)

    test(
      'signs nobody out, and stores nothing under the old ID',
      async () => {
        const gates = new Gates()
        const options = { rolling: true, cookie: { maxAge: 3_600_000 } }
        const { origin, errors } = await subject.app(options, app => {
          app.get('/begin', (request, response) => {
            request.session.visits = 1
            response.send('begun')
          })
          app.get('/login', (request, response, fail) => {
            callbackValue(done => request.session.regenerate(done)).then(() => {
              request.session.user = 'ada'
              response.send('logged in')
            }, fail)
          })
          app.get('/slow/:gate/:change', (request, response, fail) => {
            const { gate, change } = request.params
            gates.pass(`${gate}-${change}`).then(() => {
              if (change !== 'idle') Reflect.set(request.session, change, 1)
              response.send('done')
            }, fail)
          })
          app.get('/user', (request, response) => {
            response.send(request.session.user ?? 'nobody')
          })
        })
        const race = async (round: number): Promise<string | undefined> => {
          const ada = new Browser()
          await ada.open(`${origin}/begin`)
          const [oldId, late] = [ada.sessionId, ada.anotherWindow()]
          const gate = `sign-in-${round}`
          const changes = ['at-once', 'after', 'idle'] as const
          const [atOnce, ...afterwards] = changes.map(change =>
            ada.anotherWindow().open(`${origin}/slow/${gate}/${change}`),
          )
          await Promise.all(changes.map(change => gates.reached(`${gate}-${change}`)))
          gates.open(`${gate}-at-once`)
          const [{ text }] = await Promise.all([ada.open(`${origin}/login`), atOnce])
          for (const change of changes) gates.open(`${gate}-${change}`)
          const answers = [...(await Promise.all(afterwards)), await late.open(`${origin}/user`)]
          answers.push(await late.open(`${origin}/begin`))

          const problems: string[] = []
          if (text !== 'logged in') problems.push(text)
          if (answers.some(({ setCookie }) => setCookie !== undefined)) {
            problems.push('a cookie after the sign-in')
          }
          if (answers[2]?.text !== 'nobody') problems.push(`late: ${answers[2]?.text}`)
          if ((await ada.open(`${origin}/user`)).text !== 'ada') problems.push('signed out')
          if (!isMoveMark(await subject.item(oldId))) problems.push('no mark')
          return problems.length === 0 ? undefined : `round ${round}: ${problems.join('; ')}`
        }
        expect(await play(race, rounds)).toEqual([])
        expect(errors).toEqual([])
        expect(await subject.table.items()).toHaveLength(2 * rounds)
      },
      timeoutFor(rounds),
    )

    test('a request that comes late can sign in, and sign out', async () => {
      const { origin } = await subject.app({}, app => {
        app.get('/begin', (request, response) => {
          request.session.user = 'visitor'
          response.send('begun')
        })
        app.get('/login/:user', (request, response, fail) => {
          callbackValue(done => request.session.regenerate(done)).then(() => {
            request.session.user = request.params.user
            response.send('logged in')
          }, fail)
        })
        app.get('/save', (request, response, fail) => {
          request.session.user = 'nobody'
          callbackValue(done => request.session.save(done)).then(() => response.send('saved'), fail)
        })
        app.get('/logout', (request, response, fail) => {
          callbackValue(done => request.session.destroy(done)).then(() => response.send('logged out'), fail)
        })
        app.get('/user', (request, response) => {
          response.send(request.session.user ?? 'nobody')
        })
      })
      const ada = new Browser()
      await ada.open(`${origin}/begin`)
      const late = ada.anotherWindow()
      const items = (await subject.table.items()).length
      await ada.open(`${origin}/login/ada`)
      expect(await late.open(`${origin}/save`)).toEqual({ status: 200, text: 'saved', setCookie: undefined })
      expect((await late.open(`${origin}/logout`)).status).toBe(200)
      expect(await subject.table.items()).toHaveLength(items + 1)
      expect((await late.open(`${origin}/login/eve`)).text).toBe('logged in')
      expect((await late.open(`${origin}/user`)).text).toBe('eve')
      expect((await ada.open(`${origin}/user`)).text).toBe('ada')
    })
  })
})

function openedByHand(store: SessionStore<Content>): Begin {
  const sessions = webSessions<Content>({ store, secrets })
  return async cookie => {
    const session = await sessions.openSession({ headers: { get: () => cookie ?? null } })
    return { session, commit: () => session.commit() }
  }
}

/** As server actions do it, each with a cookie jar of its own. */
function openedOfJars(store: SessionStore<Content>): Begin {
  const sessions = nextSessions<Content>({ store, secrets })
  return async cookie => {
    const [name = '', value = ''] = (cookie ?? '').split('=')
    const jar = new ActionJar(new Map(cookie === undefined ? [] : [[name, value]]))
    const session = await sessions.get(jar)
    const commit = async (): Promise<string | undefined> => {
      await session.save()
      const [set] = jar.changes
      return set && setCookieHeader(set)
    }
    return { session, commit }
  }
}

/** Each request waits in its handler until it is told to end. */
function answering(serve: (request: Request, handler: Handler) => Promise<Response>): Begin {
  return async cookie => {
    const [begun, ending] = [deferred<WebSession<Content>>(), deferred<void>()]
    const headers = cookie === undefined ? {} : { cookie }
    const response = serve(new Request('https://app.example/', { headers }), async session => {
      begun.resolve(session)
      await ending.promise
      return new Response('done')
    })
    const commit = async (): Promise<string | undefined> => {
      ending.resolve()
      const { status, headers: answered } = await response
      if (status !== 200) throw new Error(`the response has the status ${status}`)
      return answered.get('set-cookie') ?? undefined
    }
    const noHandler = response.then(() => Promise.reject(new Error('no handler was called')))
    return { session: await Promise.race([begun.promise, noHandler]), commit }
  }
}

function timeoutFor(times: number): number {
  return 180_000 + times * 600
}

function cookieIn(setCookie: string | undefined): string {
  return (setCookie ?? '').replace(/;.*/s, '')
}

/** Plays all rounds, some at the same time, and returns what went wrong. */
async function play(
  race: (round: number) => Promise<string | undefined>,
  times: number,
): Promise<readonly string[]> {
  const failures: string[] = []
  for (let first = 0; first < times; first += ROUNDS_AT_ONCE) {
    const together = Array.from({ length: Math.min(ROUNDS_AT_ONCE, times - first) }, (_, index) =>
      race(first + index),
    )
    for (const failure of await Promise.all(together)) if (failure !== undefined) failures.push(failure)
  }
  return failures
}
