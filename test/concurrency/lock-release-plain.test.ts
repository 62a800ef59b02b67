import { once } from 'node:events'
import {
  Agent,
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { connect, type Server } from 'node:net'
import { text } from 'node:stream/consumers'

import session from 'express-session'
import { describe, expect, onTestFinished, test } from 'vitest'

import type { DynamoDBStore } from '../../src/adapters/express.ts'
import { callbackValue } from '../support/callback-outcome.ts'
import { engine } from '../support/engines.ts'
import { sessionCookie } from '../support/express-app.ts'
import { type ExpressSubject, expressSubject } from '../support/express-subject.ts'
import { Gates } from '../support/gates.ts'
import { listen } from '../support/loopback.ts'
import { newId } from '../support/session-ids.ts'
import { arrivalOf } from './request-arrival.ts'

/** No lease ends during a test: a lock that is gone was given back. */
const locking = { leaseSeconds: 900, maxHoldSeconds: 900, maxWaitMs: 15_000, minRetryMs: 10, maxRetryMs: 50 }
const SECRET = 'a long random text'

type Listener = (request: IncomingMessage, response: ServerResponse) => void

describe('without Express, the lock of a request', () => {
  const subject = expressSubject(engine)

  test('is given back however the response ends', async () => {
    const { id, listener } = await newSession(subject)
    const origin = await serve(createServer({ keepAliveTimeout: 300_000 }, listener))
    for (const [path, method] of [
      ['/unchanged', 'GET'],
      ['/changed', 'GET'],
      ['/unchanged', 'POST'],
      ['/changed', 'POST'],
      ['/fails', 'GET'],
      ['/no-content', 'GET'],
    ] as const) {
      const response = await fetch(origin + path, {
        method,
        headers: cookieOf(id),
        ...(method === 'POST' && { body: 'x'.repeat(100_000) }),
      })
      await response.text()
      expect([path, response.headers.get('x-locked')]).toEqual([path, 'true'])
      await expectUnlocked(subject, id)
    }
    for (const path of ['/destroys-response', '/destroys-socket']) {
      await expect(fetch(origin + path, { headers: cookieOf(id) })).rejects.toThrow('fetch failed')
      await expectUnlocked(subject, id)
    }
  })

  test('is given back between the requests of one connection', async () => {
    const { id, listener } = await newSession(subject)
    const origin = await serve(createServer({ keepAliveTimeout: 300_000 }, listener))
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const sockets = new Set<unknown>()
    for (const path of ['/unchanged', '/changed', '/unchanged', '/fails', '/changed']) {
      const request = httpRequest(origin + path, { agent, headers: cookieOf(id) })
      request.on('socket', socket => sockets.add(socket)).end()
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      await text(response)
      await expectUnlocked(subject, id)
    }
    expect(sockets.size).toBe(1)
    agent.destroy()
  })

  test('is given back when the visitor leaves', async () => {
    const { id, listener, gates } = await newSession(subject)
    const origin = await serve(createServer({ keepAliveTimeout: 300_000 }, listener))
    const controller = new AbortController()
    const left = fetch(`${origin}/waits`, { headers: cookieOf(id), signal: controller.signal }).catch(
      (error: unknown) => error,
    )
    await gates.reached('/waits')
    expect(await isLocked(subject, id)).toBe(true)
    controller.abort(new Error('the visitor has left'))
    await left
    await expectUnlocked(subject, id)
    gates.open('/waits')
  })

  test('is given back when a connection ends on which requests wait for their turn', async () => {
    const { id, listener, gates, store } = await newSession(subject)
    const other = newId()
    await saveSession(store, other)
    const origin = await serve(createServer({ keepAliveTimeout: 300_000 }, listener))
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    socket.write(rawRequest('/waits', id) + rawRequest('/waits?too', other))
    await Promise.all([gates.reached('/waits'), gates.reached('/waits?too')])
    expect([await isLocked(subject, id), await isLocked(subject, other)]).toEqual([true, true])
    socket.destroy()
    await expectUnlocked(subject, id)
    await expectUnlocked(subject, other)
    gates.open('/waits')
    gates.open('/waits?too')
  })

  test('is given back when the response was over before the session was there', async () => {
    const { id, listener, gates } = await newSession(subject)
    const origin = await serve(createServer({ keepAliveTimeout: 300_000 }, listener))
    const agent = new Agent({ keepAlive: true })
    const first = fetch(`${origin}/waits`, { headers: cookieOf(id) })
    await gates.reached('/waits')
    const arrival = arrivalOf('/unchanged')
    const request = httpRequest(`${origin}/unchanged`, { agent, headers: cookieOf(id) }).end()
    const { response } = await arrival
    response.writeHead(503).end()
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    expect([answer.statusCode, await text(answer)]).toEqual([503, ''])
    gates.open('/waits')
    expect((await first).status).toBe(200)
    // Its connection stays open: nothing more will be heard of it.
    await gates.reached('answered')
    await expectUnlocked(subject, id)
    agent.destroy()
  })

  test('is given back over HTTP/2', async () => {
    const { id, listener, gates } = await newSession(subject)
    const origin = await serve(
      createHttp2Server((request, response) => {
        listener(request as unknown as IncomingMessage, response as unknown as ServerResponse)
      }),
    )
    const client = connectHttp2(origin)
    onTestFinished(() => client.destroy())
    for (const path of ['/unchanged', '/changed', '/fails']) {
      const stream = client.request({ ':path': path, ...cookieOf(id) })
      const [headers] = (await once(stream, 'response')) as [Readonly<Record<string, unknown>>]
      expect([path, headers['x-locked']]).toEqual([path, 'true'])
      await text(stream)
      await expectUnlocked(subject, id)
    }
    const left = client.request({ ':path': '/waits', ...cookieOf(id) })
    await gates.reached('/waits')
    expect(await isLocked(subject, id)).toBe(true)
    left.close()
    await expectUnlocked(subject, id)
    gates.open('/waits')
  })

  test('ends at once when a session is loaded outside of a request, which is saved without it', async () => {
    const { id, store } = await newSession(subject)
    const loaded = await callbackValue<session.SessionData>(done => {
      store.load(id, done)
    })
    expect(loaded?.user).toBe('ada')
    await expectUnlocked(subject, id)
    await callbackValue(done => (loaded as session.Session & session.SessionData).save(done))
    expect(await isLocked(subject, id)).toBe(false)
  })
})

interface Subject {
  readonly id: string
  readonly store: DynamoDBStore
  readonly listener: Listener
  readonly gates: Gates
}

/** A session, and a request listener with sessions that lock. */
async function newSession(subject: ExpressSubject): Promise<Subject> {
  const store = subject.store({ locking })
  const id = newId()
  await saveSession(store, id)
  const gates = new Gates()
  const middleware = session({ secret: SECRET, store, resave: false, saveUninitialized: false })
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // It needs nothing of Express but these two.
    const [first, second] = [request, response] as unknown as Parameters<typeof middleware>
    const error = await new Promise<unknown>(resolve => {
      middleware(first, second, resolve)
    })
    if (response.headersSent) {
      await gates.pass('answered')
      return
    }
    const path = request.url ?? ''
    const { session: loaded } = request as IncomingMessage & { readonly session?: session.SessionData }
    const sessionId = String(Reflect.get(request, 'sessionID'))
    response.setHeader('x-locked', String(await isLocked(subject, sessionId)))
    if (path.startsWith('/waits')) await gates.pass(path)
    if (path === '/changed' && loaded !== undefined) loaded.visits = (loaded.visits ?? 0) + 1
    if (path === '/destroys-response') response.destroy()
    else if (path === '/destroys-socket') request.socket.destroy()
    else if (path === '/no-content') response.writeHead(204).end()
    else if (error !== undefined || path === '/fails') response.writeHead(500).end('failed')
    // The HTTP/2 server has no implicit headers, which express-session asks for.
    else response.writeHead(200).end('done')
  }
  const listener: Listener = (request, response) => {
    handle(request, response).catch(() => response.destroy())
  }
  return { id, store, listener, gates }
}

async function saveSession(store: DynamoDBStore, id: string): Promise<void> {
  const cookie = { originalMaxAge: null } as unknown as session.SessionData['cookie']
  await callbackValue(done => {
    store.set(id, { cookie, user: 'ada' }, done)
  })
}

async function serve(server: Server): Promise<string> {
  onTestFinished(() => {
    server.close()
  })
  return listen(server)
}

function cookieOf(id: string): { readonly cookie: string } {
  return { cookie: `connect.sid=${sessionCookie(id)}` }
}

function rawRequest(path: string, id: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookieOf(id).cookie}\r\n\r\n`
}

async function isLocked(subject: ExpressSubject, id: string): Promise<boolean> {
  const item = await subject.item(id)
  if (item === undefined) throw new Error('the session is gone, and its lock with it')
  return 'lock' in item
}

async function expectUnlocked(subject: ExpressSubject, id: string): Promise<void> {
  await expect.poll(() => isLocked(subject, id)).toBe(false)
}
