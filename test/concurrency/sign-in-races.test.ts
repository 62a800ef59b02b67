import { describe, expect, test } from 'vitest'

import { type WebSession, webSessions } from '../../src/adapters/web.ts'
import { SessionStore } from '../../src/index.ts'
import { Browser } from '../support/browser.ts'
import { callbackValue } from '../support/callback-outcome.ts'
import { engine } from '../support/engines.ts'
import { expressSubject } from '../support/express-subject.ts'
import { Gates } from '../support/gates.ts'
import { isMoveMark } from '../support/session-table.ts'
import { tableSubject } from '../support/table-subject.ts'

/** `vitest run test/concurrency --mode long` is the long version; `SIGN_IN_ROUNDS` says how often each race is run. */
const rounds = Number(process.env['SIGN_IN_ROUNDS'] ?? (process.env['MODE'] === 'long' ? 1000 : 20))
const ROUNDS_AT_ONCE = 5

interface Content {
  user?: string
  visits?: number
  [key: `key-${string}`]: number
}

describe(`a sign-in, raced by requests of the same visitor, ${rounds} times`, () => {
  const timeoutMs = 180_000 + rounds * 600

  describe('through ./web, in two processes', () => {
    const subject = tableSubject(engine)

    test(
      'signs nobody out, stores nothing under the old ID, and keeps what was read before',
      async () => {
        const open = () => {
          const store = subject.closeLater(new SessionStore<Content>(subject.options))
          return webSessions<Content>({ store, secrets: 'a long random text' })
        }
        const processes = [open(), open()] as const
        const race = async (round: number): Promise<string | undefined> => {
          const here = processes[round % 2 === 0 ? 0 : 1]
          const openAs = (index: number, cookie?: string): Promise<WebSession<Content>> =>
            processes[index % 2 === 0 ? 0 : 1].openSession({ headers: { get: () => cookie ?? null } })
          const begun = await openAs(round)
          begun.set('visits', 1)
          const oldCookie = cookieIn(await begun.commit())
          const oldId = begun.id ?? ''

          const names = ['before', 'at-once-1', 'at-once-2', 'after', 'idle'] as const
          const sessions = await Promise.all(names.map((_, index) => openAs(index, oldCookie)))
          const signIn = await here.openSession({ headers: { get: () => oldCookie } })
          const commit = async (name: (typeof names)[number]): Promise<string | undefined> => {
            const session = sessions[names.indexOf(name)]
            if (name !== 'idle') session?.set(`key-${name}`, round)
            return session?.commit()
          }
          await commit('before')
          signIn.regenerate()
          signIn.set('user', 'ada')
          const [setCookie, ...atOnce] = await Promise.all([
            signIn.commit(),
            commit('at-once-1'),
            commit('at-once-2'),
          ])
          const afterwards = [await commit('after'), await commit('idle')]
          const late = await openAs(round + 1, oldCookie)
          late.set('key-late', round)
          afterwards.push(await late.commit())

          const problems: string[] = []
          if (afterwards.some(header => header !== undefined)) problems.push('a cookie after the sign-in')
          for (const [index, header] of atOnce.entries()) {
            // It was saved before the session moved, and answered then.
            const wasFirst = sessions[index + 1]?.status === 'stored'
            if (header !== undefined && !wasFirst) problems.push('a cookie of a request that came second')
            if (header?.includes('Max-Age=0') === true) problems.push('a cookie that was cleared')
          }
          if (late.status !== 'moved' || late.has('user')) problems.push(`late: ${late.status}`)
          const visitor = await openAs(round + 1, cookieIn(setCookie))
          const kept = ['user', 'visits', 'key-before', 'key-at-once-1', 'key-at-once-2', 'key-after']
          const keys = visitor.keys().toSorted()
          if (keys.join() !== kept.toSorted().join()) problems.push(`stored: ${keys.join()}`)
          if (!isMoveMark(await subject.item(oldId))) problems.push('no mark')
          return problems.length === 0 ? undefined : `round ${round}: ${problems.join('; ')}`
        }
        expect(await play(race)).toEqual([])
        expect(await subject.table.items()).toHaveLength(2 * rounds)
      },
      timeoutMs,
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
        expect(await play(race)).toEqual([])
        expect(errors).toEqual([])
        expect(await subject.table.items()).toHaveLength(2 * rounds)
      },
      timeoutMs,
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

function cookieIn(setCookie: string | undefined): string {
  return (setCookie ?? '').replace(/;.*/s, '')
}

/** Plays all rounds, some at the same time, and returns what went wrong. */
async function play(race: (round: number) => Promise<string | undefined>): Promise<readonly string[]> {
  const failures: string[] = []
  for (let first = 0; first < rounds; first += ROUNDS_AT_ONCE) {
    const together = Array.from({ length: Math.min(ROUNDS_AT_ONCE, rounds - first) }, (_, index) =>
      race(first + index),
    )
    for (const failure of await Promise.all(together)) if (failure !== undefined) failures.push(failure)
  }
  return failures
}
