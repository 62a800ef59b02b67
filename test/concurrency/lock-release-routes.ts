import type { Express, Request } from 'express'

import { callbackValue } from '../support/callback-outcome.ts'
import type { Gates } from '../support/gates.ts'

/** Adds a page for each way in which a response can end. */
export function addEndings(
  app: Express,
  gates: Gates,
  lockNow: (request: Request) => Promise<boolean>,
): void {
  app.all('/login', (request, response) => {
    request.session.user = 'ada'
    response.send('logged in')
  })
  const addEnding = (
    path: string,
    end: (...handler: Parameters<Parameters<typeof app.all>[1]>) => void | Promise<void>,
  ): void => {
    app.all(path, (request, response, fail) => {
      // The test says little of a session that was not locked.
      const work = async (): Promise<void> => {
        if (response.headersSent) {
          await gates.pass('answered')
          return
        }
        response.setHeader('x-locked', String(await lockNow(request)))
        await end(request, response, fail)
      }
      work().then(undefined, fail)
    })
  }
  addEnding('/unchanged', (_request, response) => {
    response.send('done')
  })
  addEnding('/changed', (request, response) => {
    request.session.visits = (request.session.visits ?? 0) + 1
    response.send('done')
  })
  addEnding('/throws', () => {
    throw new Error('as the test wants')
  })
  addEnding('/streams', async (_request, response) => {
    response.write('a part, ')
    await new Promise(resolve => {
      setImmediate(resolve)
    })
    response.end('and the rest')
  })
  addEnding('/no-content', (_request, response) => {
    response.status(204).end()
  })
  addEnding('/destroys-response', (_request, response) => {
    response.destroy()
  })
  addEnding('/destroys-socket', request => {
    request.socket.destroy()
  })
  addEnding('/destroys-session', async (request, response) => {
    await callbackValue(done => request.session.destroy(done))
    response.send('done')
  })
  addEnding('/regenerates', async (request, response) => {
    await callbackValue(done => request.session.regenerate(done))
    request.session.user = 'eve'
    response.send('done')
  })
  addEnding('/saves', async (request, response) => {
    request.session.visits = 10
    await callbackValue(done => request.session.save(done))
    request.session.visits = 11
    response.send('done')
  })
  addEnding('/reloads', async (request, response) => {
    request.session.visits = 99
    await callbackValue(done => request.session.reload(done))
    const isLocked = await lockNow(request)
    const visits = (request.session.visits ?? 0) + 1
    request.session.visits = visits
    response.send(`locked again: ${isLocked}, visits ${visits}`)
  })
  addEnding('/forgets-session', (request, response) => {
    Reflect.deleteProperty(request, 'session')
    response.send('done')
  })
  app.all('/waits/:gate', (request, response, next) => {
    gates.pass(request.params.gate).then(() => {
      request.session.visits = (request.session.visits ?? 0) + 1
      response.send('done')
    }, next)
  })
}
