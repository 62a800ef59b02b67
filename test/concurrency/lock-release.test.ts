import { once } from 'node:events'
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

import express, { type Request } from 'express'
import { describe, expect, onTestFinished, test } from 'vitest'

import type { DynamoDBStore } from '../../src/adapters/express.ts'
import { hashSessionId } from '../../src/layouts/native.ts'
import { Browser } from '../support/browser.ts'
import { engine } from '../support/engines.ts'
import { type RunningApp, sessionCookie } from '../support/express-app.ts'
import { type ExpressSubject, expressSubject } from '../support/express-subject.ts'
import { Gates } from '../support/gates.ts'
import { isMoveMark } from '../support/session-table.ts'
import { addEndings } from './lock-release-routes.ts'
import { arrivalOf } from './request-arrival.ts'

/** No lease ends during a test: a lock that is gone was given back. */
const locking = { leaseSeconds: 900, maxHoldSeconds: 900, maxWaitMs: 15_000, minRetryMs: 10, maxRetryMs: 50 }

describe('the lock of a request', () => {
  const subject = expressSubject(engine)

  test.each([
    ['GET', '/unchanged', 200],
    ['GET', '/changed', 200],
    ['GET', '/throws', 500],
    ['GET', '/streams', 200],
    ['GET', '/no-content', 204],
    ['GET', '/saves', 200],
    ['GET', '/forgets-session', 200],
    ['GET', '/no-such-page', 404],
    ['HEAD', '/unchanged', 200],
    ['POST', '/unchanged', 200],
    ['POST', '/changed', 200],
    ['POST', '/throws', 500],
  ])('is given back after %s %s', async (method, path, status) => {
    const { app, ada } = await login(subject)
    const response = await open(app, ada, path, {
      method,
      ...(method === 'POST' && { body: 'x'.repeat(100_000) }),
    })
    await response.text()
    expect(response.status).toBe(status)
    expect(response.headers.get('x-locked')).toBe(path === '/no-such-page' ? null : 'true')
    await expectUnlocked(subject, ada)
    expect((await ada.open(`${app.origin}/changed`)).status).toBe(200)
  })

  test.each([
    ['resave', { resave: true }],
    ['rolling cookies', { rolling: true, cookie: { maxAge: 3_600_000 } }],
    ['touches that are left out', { cookie: { maxAge: 86_400_000 } }],
  ])('is given back with %s', async (_name, options) => {
    const { app, ada } = await login(subject, options)
    for (const path of ['/unchanged', '/changed', '/unchanged']) {
      expect((await ada.open(`${app.origin}${path}`)).status).toBe(200)
      await expectUnlocked(subject, ada)
    }
  })

  test('is given back after a body that nobody reads, and after one that the handler parses', async () => {
    const { ada } = await login(subject)
    const app = await subject.app({ store: subject.store({ locking }) }, each => {
      each.post('/parsed', express.json(), (request, response) => {
        request.session.user = (request.body as { readonly user: string }).user
        response.send('done')
      })
      each.post('/unread', (_request, response) => {
        response.send('done')
      })
    })
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ user: 'grace', padding: 'x'.repeat(50_000) })
    for (const path of ['/parsed', '/unread']) {
      const response = await open(app, ada, path, { method: 'POST', headers, body })
      expect([response.status, await response.text()]).toEqual([200, 'done'])
      await expectUnlocked(subject, ada)
    }
    expect(JSON.stringify(await subject.item(ada.sessionId))).toContain('grace')
  })

  test.each(['/destroys-response', '/destroys-socket'])('is given back when a handler %s', async path => {
    const { app, ada } = await login(subject)
    await expect(open(app, ada, path)).rejects.toThrow('fetch failed')
    await expectUnlocked(subject, ada)
    expect((await ada.open(`${app.origin}/changed`)).status).toBe(200)
  })

  test('is given back when the visitor leaves, and the late save is kept', async () => {
    const gates = new Gates()
    const { app, ada } = await login(subject, {}, gates)
    const controller = new AbortController()
    const left = open(app, ada, '/waits/leaves', { signal: controller.signal }).catch(
      (error: unknown) => error,
    )
    await gates.reached('leaves')
    expect(await isLocked(subject, ada)).toBe(true)
    controller.abort(new Error('the visitor has left'))
    expect(await left).toMatchObject({ message: 'the visitor has left' })
    await expectUnlocked(subject, ada)
    gates.open('leaves')
    await expect
      .poll(async () => JSON.stringify(await subject.item(ada.sessionId)))
      .toContain(String.raw`\"visits\":1`)
    await expectUnlocked(subject, ada)
  })

  test('is given back when the visitor left while the request was waiting for it', async () => {
    const gates = new Gates()
    const { app, ada } = await login(subject, {}, gates)
    const first = open(app, ada, '/waits/first')
    await gates.reached('first')
    const controller = new AbortController()
    const arrival = arrivalOf('/unchanged')
    const left = open(app, ada, '/unchanged', { signal: controller.signal }).catch((error: unknown) => error)
    const { response } = await arrival
    const closed = once(response, 'close')
    controller.abort(new Error('the visitor has left'))
    await Promise.all([left, closed])
    gates.open('first')
    expect((await first).status).toBe(200)
    await expectUnlocked(subject, ada)
    expect((await ada.open(`${app.origin}/changed`)).status).toBe(200)
  })

  test('is given back when the response was over before the session was there', async () => {
    const gates = new Gates()
    const { app, ada } = await login(subject, {}, gates)
    const first = open(app, ada, '/waits/busy')
    await gates.reached('busy')
    const arrival = arrivalOf('/unchanged')
    const impatient = open(app, ada, '/unchanged')
    const { response } = await arrival
    response.writeHead(503).end()
    expect((await impatient).status).toBe(503)
    gates.open('busy')
    expect((await first).status).toBe(200)
    await gates.reached('answered')
    await expectUnlocked(subject, ada)
    expect((await ada.open(`${app.origin}/changed`)).status).toBe(200)
  })

  test('ends with a session that is destroyed', async () => {
    const { app, ada } = await login(subject)
    const response = await open(app, ada, '/destroys-session')
    expect(response.headers.get('x-locked')).toBe('true')
    expect(await response.text()).toBe('done')
    expect(await subject.item(ada.sessionId)).toBeUndefined()
    expect((await ada.open(`${app.origin}/changed`)).status).toBe(200)
  })

  test('ends with a session that is regenerated, and the new one is free', async () => {
    const { app, ada } = await login(subject)
    const before = ada.sessionId
    expect((await ada.open(`${app.origin}/regenerates`)).text).toBe('done')
    expect(ada.sessionId).not.toBe(before)
    expect(isMoveMark(await subject.item(before))).toBe(true)
    await expectUnlocked(subject, ada)
    expect(JSON.stringify(await subject.item(ada.sessionId))).toContain('eve')
  })

  test('is taken again by a request that loads its session again', async () => {
    const { app, ada } = await login(subject)
    await ada.open(`${app.origin}/changed`)
    expect((await ada.open(`${app.origin}/reloads`)).text).toBe('locked again: true, visits 2')
    await expectUnlocked(subject, ada)
    expect(app.errors).toEqual([])
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ada.anotherWindow().open(`${app.origin}/reloads`)),
    )
    const visits = answers.map(answer => Number(/\d+$/.exec(answer.text)?.[0]))
    expect(visits.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 3))
  })

  test('is given back between the requests of one connection', async () => {
    const { app, ada } = await login(subject)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const sockets = new Set<unknown>()
    for (const path of ['/unchanged', '/changed', '/unchanged', '/changed']) {
      const request = httpRequest(`${app.origin}${path}`, { agent, headers: cookieOf(ada) })
      request.on('socket', socket => sockets.add(socket)).end()
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      expect([response.statusCode, response.headers['x-locked'], await text(response)]).toEqual([
        200,
        'true',
        'done',
      ])
      await expectUnlocked(subject, ada)
    }
    expect(sockets.size).toBe(1)
    agent.destroy()
  })

  test('is given back when a connection ends on which requests wait for their turn', async () => {
    const gates = new Gates()
    const { app, ada } = await login(subject, {}, gates)
    const grace = new Browser()
    await grace.open(`${app.origin}/login`)
    const socket = connect(Number(new URL(app.origin).port), '127.0.0.1')
    // The second is answered after the first, but handled at the same time.
    socket.write(rawRequest('/waits/one', ada) + rawRequest('/waits/two', grace))
    await Promise.all([gates.reached('one'), gates.reached('two')])
    expect([await isLocked(subject, ada), await isLocked(subject, grace)]).toEqual([true, true])
    socket.destroy()
    await expectUnlocked(subject, ada)
    await expectUnlocked(subject, grace)
    gates.open('one')
    gates.open('two')
  })

  test('is given back for each of many parallel requests of many sessions', async () => {
    const { app } = await login(subject)
    const visitors = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const visitor = new Browser()
        await visitor.open(`${app.origin}/login`)
        return visitor
      }),
    )
    const paths = ['/unchanged', '/changed', '/throws', '/streams', '/saves', '/destroys-response']
    await Promise.allSettled(
      visitors.flatMap(visitor => paths.map(path => visitor.anotherWindow().open(`${app.origin}${path}`))),
    )
    for (const visitor of visitors) {
      await expectUnlocked(subject, visitor)
      expect((await visitor.open(`${app.origin}/changed`)).status).toBe(200)
    }
  })
})

/** A visitor who has logged in at an app that locks sessions. */
async function login(
  subject: ExpressSubject,
  options: Parameters<ExpressSubject['app']>[0] = {},
  gates: Gates = new Gates(),
): Promise<{ readonly app: RunningApp; readonly ada: Browser; readonly store: DynamoDBStore }> {
  const store = subject.store({ locking })
  const lockNow = async ({ sessionID }: Request): Promise<boolean> =>
    (await subject.table.item(hashSessionId(sessionID)))?.['lock'] !== undefined
  const app = await subject.app({ store, ...options }, each => {
    addEndings(each, gates, lockNow)
  })
  const failures: unknown[] = []
  store.on('error', error => failures.push(error))
  onTestFinished(() => {
    expect(failures).toEqual([])
  })
  const ada = new Browser()
  await ada.open(`${app.origin}/login`)
  return { app, ada, store }
}

async function open(
  app: RunningApp,
  browser: Browser,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('cookie', cookieOf(browser).cookie)
  return fetch(`${app.origin}${path}`, { ...init, headers })
}

function cookieOf(browser: Browser): { readonly cookie: string } {
  return { cookie: `connect.sid=${sessionCookie(browser.sessionId)}` }
}

function rawRequest(path: string, browser: Browser): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookieOf(browser).cookie}\r\n\r\n`
}

async function isLocked(subject: ExpressSubject, browser: Browser): Promise<boolean> {
  const item = await subject.item(browser.sessionId)
  if (item === undefined) throw new Error('the session is gone, and its lock with it')
  return 'lock' in item
}

async function expectUnlocked(subject: ExpressSubject, browser: Browser): Promise<void> {
  await expect.poll(() => isLocked(subject, browser)).toBe(false)
}
