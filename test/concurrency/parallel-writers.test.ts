import type { Express } from 'express'
import { describe, expect, test } from 'vitest'

import { Browser } from '../support/browser.ts'
import { engine } from '../support/engines.ts'
import { expressSubject } from '../support/express-subject.ts'
import { Meeting } from '../support/meeting.ts'
import { LoggingTransport } from './logging-transport.ts'

const WRITERS = 50
const everyKey = Array.from({ length: WRITERS }, (_, index) => `key-${index}`)

describe('parallel requests that change different keys', () => {
  const subject = expressSubject(engine)

  test(`of ${WRITERS} at once, every key is there afterwards (G2)`, async () => {
    const log = new LoggingTransport()
    const apps = [
      await subject.app({ store: subject.store({ transport: log }) }, addRoutes()),
      await subject.app({ store: subject.store({ transport: log }) }, addRoutes()),
    ]
    const { answers, keys, errors } = await writeInParallel(apps)
    const [updates, reads] = [log.count('UpdateItem'), log.count('GetItem')]
    process.stdout.write(`${WRITERS} writers: ${engine.name}, ${updates} UpdateItem, ${reads} GetItem\n`)
    await log.close()
    expect(new Set(answers)).toEqual(new Set(['kept']))
    expect(errors).toEqual([])
    expect(keys).toEqual(['user', ...everyKey].toSorted())
  })

  test('keys are lost with "overwrite", as without a merge they would be', async () => {
    const store = subject.store({ onConflict: 'overwrite' })
    // All have loaded the session before the first saves it.
    const { answers, keys } = await writeInParallel([await subject.app({ store }, addRoutes(WRITERS))])
    expect(new Set(answers)).toEqual(new Set(['kept']))
    expect(keys.filter(key => key !== 'user')).toHaveLength(1)
  })

  test('a key that one request removes stays removed when others save', async () => {
    const app = await subject.app({}, addRoutes(3))
    const ada = new Browser()
    await ada.open(`${app.origin}/login`)
    await Promise.all([
      ada.anotherWindow().open(`${app.origin}/set/a`),
      ada.anotherWindow().open(`${app.origin}/remove/user`),
      ada.anotherWindow().open(`${app.origin}/set/b`),
    ])
    expect(JSON.parse((await ada.open(`${app.origin}/keys`)).text)).toEqual(['a', 'b'])
  })
})

async function writeInParallel(
  apps: readonly { readonly origin: string; readonly errors: readonly unknown[] }[],
): Promise<{
  readonly answers: readonly string[]
  readonly keys: readonly string[]
  readonly errors: readonly unknown[]
}> {
  const originFor = (index: number): string => apps[index % apps.length]?.origin ?? ''
  const ada = new Browser()
  await ada.open(`${originFor(0)}/login`)
  const answers = await Promise.all(
    everyKey.map(async (key, index) => {
      const { status, text } = await ada.anotherWindow().open(`${originFor(index)}/set/${key}`)
      return status === 200 ? text : `${status} ${text}`
    }),
  )
  const { text } = await ada.open(`${originFor(1)}/keys`)
  return { answers, keys: JSON.parse(text) as string[], errors: apps.flatMap(app => app.errors) }
}

/** Requests that change the session go on when that many have loaded it. */
function addRoutes(together = 1): (app: Express) => void {
  return app => {
    const meeting = new Meeting(together)
    app.get('/login', (request, response) => {
      request.session.user = 'ada'
      response.send('logged in')
    })
    app.get('/set/:key', (request, response, fail) => {
      meeting.attend().then(() => {
        Reflect.set(request.session, request.params.key, 'kept')
        response.send('kept')
      }, fail)
    })
    app.get('/remove/:key', (request, response, fail) => {
      meeting.attend().then(() => {
        Reflect.deleteProperty(request.session, request.params.key)
        response.send('removed')
      }, fail)
    })
    app.get('/keys', (request, response) => {
      response.send(
        Object.keys(request.session)
          .filter(key => key !== 'cookie')
          .toSorted(),
      )
    })
  }
}
