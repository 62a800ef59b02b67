import type { Express } from 'express'
import { describe, expect, test } from 'vitest'

import { Browser } from '../support/browser.ts'
import { engine } from '../support/engines.ts'
import type { RunningApp } from '../support/express-app.ts'
import { expressSubject } from '../support/express-subject.ts'
import { LoggingTransport } from './logging-transport.ts'

const INCREMENTS = 200
const APPS = 4
/** Nobody gives up, and nobody loses the lock, however slow the machine is. */
const locking = { leaseSeconds: 60, maxWaitMs: 120_000, minRetryMs: 10, maxRetryMs: 200 }

describe(`${INCREMENTS} parallel increments of a counter`, () => {
  const subject = expressSubject(engine)

  test('in one process take turns and send nothing that is not needed (G10)', async () => {
    const log = new LoggingTransport()
    const store = subject.store({ locking, transport: log })
    const visits = await increment([await subject.app({ store }, addRoutes)], log)
    process.stdout.write(`${INCREMENTS} increments, one store: ${engine.name}, ${summary(log)}\n`)
    await log.close()
    expect(visits).toBe(INCREMENTS)
    // One to read and lock, one to save and unlock.
    expect(log.count('UpdateItem')).toBe(2 * INCREMENTS)
    expect(log.count('GetItem')).toBe(0)
  })

  test(`through ${APPS} stores count, too (G10)`, async () => {
    const log = new LoggingTransport()
    const apps: RunningApp[] = []
    for (let index = 0; index < APPS; index++) {
      apps.push(await subject.app({ store: subject.store({ locking, transport: log }) }, addRoutes))
    }
    const startedAtMs = performance.now()
    const visits = await increment(apps, log)
    const tookMs = performance.now() - startedAtMs
    process.stdout.write(`${INCREMENTS} increments, ${APPS} stores: ${engine.name}, ${summary(log)}\n`)
    await log.close()
    expect(visits).toBe(INCREMENTS)
    const refused = log.count('UpdateItem') - 2 * INCREMENTS
    // While one has the lock, one request of each store asks for it, in pauses that double up to half of the maximum at least;
    // a store that does not know the time of the server yet asks twice.
    const doublings = Math.ceil(Math.log2(locking.maxRetryMs / locking.minRetryMs))
    const bound = APPS + INCREMENTS * (1 + doublings) + (APPS * tookMs) / (locking.maxRetryMs / 2)
    expect(refused).toBeLessThanOrEqual(bound)
  })

  test('are lost without locks: of one key that all change, the last one counts', async () => {
    const store = subject.store()
    const visits = await increment([await subject.app({ store }, addRoutes)], undefined)
    expect(visits).toBeGreaterThan(0)
    expect(visits).toBeLessThan(INCREMENTS)
  })
})

function summary(log: LoggingTransport): string {
  return `${log.count('UpdateItem')} UpdateItem, ${log.count('GetItem')} GetItem`
}

/** Opens the page that counts in many windows at once, and says what the counter is afterwards. */
async function increment(apps: readonly RunningApp[], log: LoggingTransport | undefined): Promise<number> {
  const originFor = (index: number): string => apps[index % apps.length]?.origin ?? ''
  const ada = new Browser()
  await ada.open(`${originFor(0)}/login`)
  log?.forget()
  const answers = await Promise.all(
    Array.from({ length: INCREMENTS }, (_, index) => ada.anotherWindow().open(`${originFor(index)}/count`)),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  const requests = log?.requests.slice()
  const { text } = await ada.open(`${originFor(0)}/visits`)
  log?.forget()
  log?.requests.push(...(requests ?? []))
  return Number(text)
}

function addRoutes(app: Express): void {
  app.get('/login', (request, response) => {
    request.session.visits = 0
    response.send('logged in')
  })
  app.get('/count', (request, response) => {
    const visits = (request.session.visits ?? 0) + 1
    // Others get their turn between reading and changing.
    setImmediate(() => {
      request.session.visits = visits
      response.send('counted')
    })
  })
  app.get('/visits', (request, response) => {
    response.send(String(request.session.visits))
  })
}
