import { setTimeout as delay } from 'node:timers/promises'

import { describe, expect, test } from 'vitest'

import { Browser } from '../support/browser.ts'
import { callbackValue } from '../support/callback-outcome.ts'
import { engine } from '../support/engines.ts'
import type { RunningApp } from '../support/express-app.ts'
import { expressSubject } from '../support/express-subject.ts'
import { Gates } from '../support/gates.ts'
import { newId } from '../support/session-ids.ts'
import { isMoveMark } from '../support/session-table.ts'
import { type Content, concurrencySubject } from './concurrency-subject.ts'

/** `vitest run test/concurrency --mode long` is the long version; `LOGOUT_ROUNDS` says how often each race is run. */
const rounds = Number(process.env['LOGOUT_ROUNDS'] ?? (process.env['MODE'] === 'long' ? 1000 : 15))
const ROUNDS_AT_ONCE = 5
const IN_FLIGHT = 10

describe(`a logout with ${IN_FLIGHT} saves and touches in flight, ${rounds} times`, () => {
  const timeoutMs = 180_000 + rounds * 300

  describe('through the store', () => {
    const subject = concurrencySubject(engine)

    test.each([false, true])(
      'is never undone (G3), with a lock taken meanwhile: %s',
      async locks => {
        const [here, there] = [subject.store(), subject.store()]
        const race = async (round: number): Promise<string | undefined> => {
          const id = newId()
          await here.write(id, { user: 'ada' })
          const inFlight = Array.from({ length: IN_FLIGHT }, async (_, index) => {
            const store = index % 2 === 0 ? here : there
            const record = await store.read(id)
            if (index % 5 === 4) return store.touch(id)
            if (record === undefined) return undefined
            if (index % 5 === 3) return store.touch(record)
            const data: Content = { ...record.data, [`key-${index}`]: round }
            const saved = await store.write(id, data, { basis: record })
            // Another save within the same request.
            return saved && store.write(id, { ...data, again: true }, { basis: saved })
          })
          const locked = locks
            ? there
                .lock(id, { maxWaitMs: 0 })
                .then(
                  lock => lock && there.write(id, { ...lock.record.data, locked: 1 }, { basis: lock.record }),
                )
            : undefined
          // From before the first of them arrives to after the last.
          await delay(round % 12)
          await here.destroy(id)
          const late = await here.read(id)
          await Promise.all([...inFlight, locked])
          if (late !== undefined) return `round ${round}: read after the logout`
          return (await subject.table.item(id)) === undefined ? undefined : `round ${round}: logged in again`
        }
        expect(await play(race)).toEqual([])
      },
      timeoutMs,
    )
  })

  describe('through Express', () => {
    const subject = expressSubject(engine)

    test.each(['destroy', 'regenerate', 'unset'] as const)(
      'by %s is never undone (G3)',
      async how => {
        const gates = new Gates()
        const openApp = async (): Promise<RunningApp> => {
          const options = how === 'unset' ? { unset: 'destroy' as const } : {}
          return subject.app(options, app => {
            app.get('/login', (request, response) => {
              request.session.user = 'ada'
              response.send('logged in')
            })
            app.get('/slow/:gate/:change', (request, response, fail) => {
              const { gate, change } = request.params
              gates.pass(gate).then(() => {
                if (change !== '3') Reflect.set(request.session, `key-${change}`, gate)
                response.send('done')
              }, fail)
            })
            app.get('/logout', (request, response, fail) => {
              if (how === 'unset') {
                Reflect.set(request, 'session', null)
                response.send('logged out')
              } else {
                callbackValue(done => request.session[how](done)).then(() => {
                  response.send('logged out')
                }, fail)
              }
            })
          })
        }
        const apps = [await openApp(), await openApp()] as const
        const [here, there] = apps.map(({ origin }) => origin)
        const race = async (round: number): Promise<string | undefined> => {
          const ada = new Browser()
          await ada.open(`${here}/login`)
          const id = ada.sessionId
          const gate = `round-${round}-${how}`
          const slow = Array.from({ length: IN_FLIGHT }, (_, index) => {
            const origin = index % 2 === 0 ? here : there
            return ada.anotherWindow().open(`${origin}/slow/${gate}/${index % 5}`)
          })
          await gates.reached(gate)
          const headStartMs = (round % 9) - 4
          const logout = delay(Math.max(0, headStartMs)).then(() => ada.open(`${here}/logout`))
          const release = delay(Math.max(0, -headStartMs)).then(() => {
            gates.open(gate)
          })
          const [answer] = await Promise.all([logout, release, ...slow])
          if (answer.text !== 'logged out') return `round ${round}: ${answer.status} ${answer.text}`
          const left = await subject.item(id)
          const isOver = how === 'regenerate' ? isMoveMark(left) : left === undefined
          return isOver ? undefined : `round ${round}: logged in again`
        }
        expect(await play(race)).toEqual([])
        expect(apps.flatMap(({ errors }) => errors)).toEqual([])
      },
      timeoutMs,
    )
  })
})

/** Plays all rounds, some at the same time, and returns what went wrong. */
async function play(race: (round: number) => Promise<string | undefined>): Promise<readonly string[]> {
  const failures: string[] = []
  for (let first = 0; first < rounds; first += ROUNDS_AT_ONCE) {
    const together = Array.from({ length: ROUNDS_AT_ONCE }, (_, index) => race(first + index))
    for (const failure of await Promise.all(together)) if (failure !== undefined) failures.push(failure)
  }
  return failures
}
