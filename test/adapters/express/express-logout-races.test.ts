import { setTimeout as delay } from 'node:timers/promises'

import type { Express, Request } from 'express'
import { describe, expect, test } from 'vitest'

import { Browser } from '../../support/browser.ts'
import { callbackValue } from '../../support/callback-outcome.ts'
import { engine } from '../../support/engines.ts'
import { sessionCookie } from '../../support/express-app.ts'
import { addShop } from '../../support/express-shop.ts'
import { expressSubject } from '../../support/express-subject.ts'
import { Gates } from '../../support/gates.ts'

/** Of any place, head start and path, each combination once; the long version has as many as it takes to meet what is rare. */
const ROUNDS = process.env['MODE'] === 'long' ? 1000 : 40
const ROUNDS_AT_ONCE = 10
const slowPaths = ['/slow-change', '/slow-read', '/slow-save-and-change', '/slow-reload'] as const

describe('a logout that races a slow request', () => {
  const subject = expressSubject(engine)

  test.each([
    { slow: 'saves after the logout', resave: false, path: '/slow-change' },
    { slow: 'touches after the logout', resave: false, path: '/slow-read' },
    { slow: 'saves by resave after the logout', resave: true, path: '/slow-read' },
    { slow: 'has saved before the logout and saves again', resave: false, path: '/slow-save-and-change' },
    { slow: 'has reloaded the session before the logout', resave: false, path: '/slow-reload' },
  ])('stays a logout when the slow request $slow', async ({ resave, path }) => {
    const gates = new Gates()
    const slowApp = await subject.app({ resave }, app => {
      addRoutes(app, gates)
    })
    const { origin } = await subject.app({ resave }, app => {
      addRoutes(app, gates)
    })
    const ada = new Browser()
    await ada.open(`${origin}/login/ada`)
    const [slowWindow, laterWindow] = [ada.anotherWindow(), ada.anotherWindow()]
    const slow = slowWindow.open(`${slowApp.origin}${path}/g`)
    await gates.reached('g')
    expect((await ada.open(`${origin}/logout`)).text).toBe('logged out')
    gates.open('g')
    expect((await slow).status).toBe(200)
    expect(slowApp.errors).toEqual([])
    expect(await subject.item(ada.sessionId)).toBeUndefined()
    expect((await laterWindow.open(`${origin}/user`)).text).toBe('nobody')
  })

  test('stays a logout when a new session is saved early, destroyed elsewhere and saved at the end', async () => {
    const gates = new Gates()
    const { origin } = await subject.app({}, app => {
      addRoutes(app, gates)
    })
    const ada = new Browser()
    const slow = ada.open(`${origin}/slow-save-and-change/g`)
    const cookie = await gates.reached('g')
    const otherWindow = new Browser(cookie)
    expect((await otherWindow.open(`${origin}/logout`)).text).toBe('logged out')
    gates.open('g')
    expect((await slow).text).toBe('done')
    expect(await subject.item(ada.sessionId)).toBeUndefined()
  })

  test.each([false, true])(`in ${ROUNDS} interleavings, with resave %s`, async resave => {
    const gates = new Gates()
    const addAll = (app: Express): void => {
      addRoutes(app, gates)
    }
    const apps = [await subject.app({ resave }, addAll), await subject.app({ resave }, addAll)]
    const origins = apps.map(app => app.origin)
    const playRound = async (round: number): Promise<string | undefined> => {
      const [here, there] = round % 2 === 0 ? [origins[0], origins[1]] : [origins[1], origins[0]]
      const ada = new Browser()
      await ada.open(`${here}/login/ada`)
      const gate = `round-${round}`
      const path = slowPaths[round % slowPaths.length]
      const slow = ada.anotherWindow().open(`${there}${path}/${gate}`)
      await gates.reached(gate)
      // From well before the logout arrives to well after it is answered.
      const headStartMs = (round % 9) - 4
      const logout = delay(Math.max(0, headStartMs)).then(() => ada.open(`${here}/logout`))
      const release = delay(Math.max(0, -headStartMs)).then(() => {
        gates.open(gate)
      })
      const [answer] = await Promise.all([logout, slow, release])
      if (answer.text !== 'logged out') return `round ${round}: ${answer.status} ${answer.text}`
      return (await subject.item(ada.sessionId)) === undefined ? undefined : `round ${round}: not logged out`
    }
    const failures: string[] = []
    for (let first = 0; first < ROUNDS; first += ROUNDS_AT_ONCE) {
      const rounds = Array.from({ length: ROUNDS_AT_ONCE }, (_, index) => playRound(first + index))
      for (const failure of await Promise.all(rounds)) if (failure !== undefined) failures.push(failure)
    }
    expect(failures).toEqual([])
    expect(apps.flatMap(app => app.errors)).toEqual([])
  })
})

function addRoutes(app: Express, gates: Gates): void {
  addShop(app)
  const addSlowRoute = (
    path: string,
    work: (request: Request, pass: () => Promise<void>) => Promise<void>,
  ): void => {
    app.get(`${path}/:gate`, (request, response, fail) => {
      const pass = async (): Promise<void> =>
        gates.pass(request.params.gate, sessionCookie(request.sessionID))
      work(request, pass).then(() => response.send('done'), fail)
    })
  }
  addSlowRoute('/slow-read', async (_request, pass) => pass())
  addSlowRoute('/slow-change', async (request, pass) => {
    await pass()
    request.session.visits = 1
  })
  addSlowRoute('/slow-save-and-change', async (request, pass) => {
    request.session.user = 'ada again'
    await callbackValue(done => request.session.save(done))
    await pass()
    request.session.visits = 1
  })
  addSlowRoute('/slow-reload', async (request, pass) => {
    await callbackValue(done => request.session.reload(done))
    await pass()
    request.session.visits = 1
  })
}
