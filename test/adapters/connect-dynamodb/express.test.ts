import { setTimeout as delay } from 'node:timers/promises'

import type { Express } from 'express'
import { describe, expect, test } from 'vitest'

import '../../support/express-session-data.ts'

import type { DynamoDBStore, DynamoDBStoreOptions } from '../../../src/adapters/connect-dynamodb.ts'
import { Browser } from '../../support/browser.ts'
import { engine, uniqueTableName } from '../../support/engines.ts'
import { type AppSessionOptions, startApp } from '../../support/express-app.ts'
import { Gates } from '../../support/gates.ts'
import { unhandledErrorsDuring } from '../../support/process-events.ts'
import { connectDynamoDBSubject } from './subject.ts'

const nothing = { uncaughtExceptions: [], unhandledRejections: [] }

describe('an Express app whose store is in the place of connect-dynamodb', () => {
  const subject = connectDynamoDBSubject(engine)

  const app = async (
    store: DynamoDBStore,
    options: AppSessionOptions = {},
  ): Promise<{ origin: string; errors: readonly unknown[]; gates: Gates }> => {
    const gates = new Gates()
    const running = await startApp({ store, ...options }, express => addRoutes(express, gates))
    return { ...subject.closeLater(running), gates }
  }

  // Medusa saves every session at the end of every request.
  test.each([{ resave: false }, { resave: true, rolling: true, cookie: { maxAge: 36_000_000 } }])(
    'keeps a session from request to request: %o',
    async options => {
      const { origin, errors } = await app(subject.store(), options)
      const browser = new Browser()
      await browser.open(`${origin}/login/ada`)
      expect((await browser.open(`${origin}/visit`)).text).toBe('ada 1')
      expect((await browser.open(`${origin}/visit`)).text).toBe('ada 2')
      await browser.open(`${origin}/logout`)
      expect((await browser.open(`${origin}/visit`)).text).toBe('nobody 1')
      expect(errors).toEqual([])
    },
  )

  test('does not write a session that has not changed, although the app saves each', async () => {
    const stub = await subject.recorder()
    const store = subject.store({ endpoint: stub.url, touchAfterSeconds: undefined })
    const { origin } = await app(store, { resave: true, cookie: { maxAge: 36_000_000 } })
    const browser = new Browser()
    await browser.open(`${origin}/login/ada`)
    stub.forget()
    // Items tell whole seconds, rounded up: within that second the new expiry is the earlier one.
    await delay(1001)
    await browser.open(`${origin}/user`)
    await browser.open(`${origin}/user`)
    expect(stub.operations).toEqual(['GetItem', 'GetItem'])
  })

  test.each([{ resave: false }, { resave: true }])(
    'keeps what parallel requests change: %o',
    async options => {
      const { origin, errors, gates } = await app(subject.store(), options)
      const browser = new Browser()
      await browser.open(`${origin}/login/ada`)
      const slow = browser.anotherWindow().open(`${origin}/slow-visit`)
      await gates.reached('slow visit')
      await browser.open(`${origin}/login/bob`)
      gates.open('slow visit')
      expect((await slow).text).toBe('done')
      expect(errors).toEqual([])
      expect((await browser.open(`${origin}/user`)).text).toBe('bob 1')
    },
  )

  test.each([{ resave: false }, { resave: true }])(
    'does not log in again who has logged out meanwhile: %o',
    async options => {
      const { origin, errors, gates } = await app(subject.store(), options)
      const browser = new Browser()
      await browser.open(`${origin}/login/ada`)
      const slow = browser.anotherWindow().open(`${origin}/slow-visit`)
      const before = browser.anotherWindow()
      await gates.reached('slow visit')
      await browser.open(`${origin}/logout`)
      gates.open('slow visit')
      expect((await slow).text).toBe('done')
      expect(errors).toEqual([])
      expect((await before.open(`${origin}/user`)).text).toBe('nobody 0')
    },
  )

  test('creates its table at the first visit', async () => {
    const { origin, errors } = await app(subject.store({ table: uniqueTableName() }))
    const [ada, bob] = [new Browser(), new Browser()]
    await Promise.all([ada.open(`${origin}/login/ada`), bob.open(`${origin}/login/bob`)])
    expect((await ada.open(`${origin}/user`)).text).toBe('ada 0')
    expect((await bob.open(`${origin}/user`)).text).toBe('bob 0')
    expect(errors).toEqual([])
  })

  test.each<[string, DynamoDBStoreOptions]>([
    ['a missing table', { table: 'not-there', initialized: true }],
    ['a table that cannot be reached', { endpoint: 'http://127.0.0.1:9', maxAttempts: 1 }],
    ['credentials that fail', { credentials: () => Promise.reject(new Error('no credentials')) }],
  ])('answers with an error, and does not hang: %s', async (_name, options) => {
    const works = await app(subject.store())
    const browser = new Browser()
    await browser.open(`${works.origin}/login/ada`)
    const { origin, errors } = await app(subject.store(options))
    const unhandled = await unhandledErrorsDuring(async () => {
      expect((await browser.open(`${origin}/user`)).status).toBe(500)
      await new Browser().open(`${origin}/login/eve`)
    })
    expect(unhandled).toEqual(nothing)
    expect(errors).toHaveLength(2)
  })

  test('answers with an error when a special key is missing, and does not hang', async () => {
    const specialKeys = [{ name: 'user', type: 'S' as const }]
    const { origin, errors } = await app(subject.store({ specialKeys }))
    const unhandled = await unhandledErrorsDuring(async () => {
      await new Browser().open(`${origin}/visit`)
    })
    expect(unhandled).toEqual(nothing)
    expect(errors).toMatchObject([{ code: 'INVALID_SESSION_DATA' }])
  })
})

function addRoutes(app: Express, gates: Gates): void {
  app.get('/login/:user', (request, response) => {
    request.session.user = request.params.user
    response.send('welcome')
  })
  app.get('/visit', (request, response) => {
    const visits = (request.session.visits ?? 0) + 1
    request.session.visits = visits
    response.send(`${request.session.user ?? 'nobody'} ${visits}`)
  })
  app.get('/slow-visit', (request, response, next) => {
    request.session.visits = (request.session.visits ?? 0) + 1
    gates.pass('slow visit').then(() => response.send('done'), next)
  })
  app.get('/user', (request, response) => {
    response.send(`${request.session.user ?? 'nobody'} ${request.session.visits ?? 0}`)
  })
  app.get('/logout', (request, response, next) => {
    request.session.destroy(error => {
      if (error) next(error)
      else response.send('goodbye')
    })
  })
}
