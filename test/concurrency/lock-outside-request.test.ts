import { once } from 'node:events'
import { createServer, get as httpGet, type IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'

import express, { type Express, type RequestHandler } from 'express'
import session from 'express-session'
import { describe, expect, onTestFinished, test } from 'vitest'

import type { DynamoDBStore } from '../../src/adapters/express.ts'
import { callbackValue } from '../support/callback-outcome.ts'
import { engine } from '../support/engines.ts'
import { sessionCookie } from '../support/express-app.ts'
import { expressSubject } from '../support/express-subject.ts'
import { Gates } from '../support/gates.ts'
import { listen } from '../support/loopback.ts'
import { newId } from '../support/session-ids.ts'

/** What these tests use of the packages `ws`, `socket.io` and `socket.io-client`. */
interface Socket {
  on(event: string, listener: (...values: never[]) => void): unknown
  once(event: string, listener: (...values: never[]) => void): unknown
  off(event: string, listener: (...values: never[]) => void): unknown
  send(text: string): void
  emit(event: string, acknowledged: (value: unknown) => void): void
  close(): void
}
interface WebSocketServer {
  handleUpgrade(...upgrade: [IncomingMessage, unknown, unknown, (socket: Socket) => void]): void
}
interface SocketIoServer {
  readonly engine: { use(middleware: RequestHandler): void }
  on(event: 'connection', listener: (socket: Socket & { readonly request: WithSession }) => void): void
  close(): Promise<void>
}
type WithSession = IncomingMessage & { readonly session: session.Session & session.SessionData }

const require = createRequire(import.meta.url)
const ws = require('ws') as {
  readonly WebSocketServer: new (options: object) => WebSocketServer
  readonly WebSocket: new (url: string, options: object) => Socket
}
const socketIo = require('socket.io') as { readonly Server: new (server: unknown) => SocketIoServer }
const socketIoClient = require('socket.io-client') as { io(url: string, options: object): Socket }

/** No lease ends during a test: a lock that is gone was given back. */
const locking = { leaseSeconds: 900, maxHoldSeconds: 900, maxWaitMs: 15_000, minRetryMs: 10, maxRetryMs: 50 }

describe('a locking store', () => {
  const subject = expressSubject(engine)

  interface Scene {
    readonly id: string
    readonly store: DynamoDBStore
    readonly app: Express
    readonly sessions: RequestHandler
    readonly origin: string
    readonly server: ReturnType<typeof createServer>
    /** Opens a page of the visitor, which counts visits. */
    readonly open: (path: string) => Promise<string>
  }

  async function scene(addRoutes: (app: Express) => void = () => {}, options = locking): Promise<Scene> {
    const store = subject.store({ locking: options })
    const id = newId()
    const cookie = { originalMaxAge: null } as unknown as session.SessionData['cookie']
    await callbackValue(done => {
      store.set(id, { cookie, visits: 0 }, done)
    })
    const app = express()
    const sessions = session({ secret: 'a long random text', store, resave: false, saveUninitialized: false })
    app.use(sessions)
    addRoutes(app)
    app.get('/count', (request, response) => {
      request.session.visits = (request.session.visits ?? 0) + 1
      response.send(String(request.session.visits))
    })
    const server = createServer(app)
    const origin = await listen(server)
    onTestFinished(() => {
      server.close()
      server.closeAllConnections()
    })
    const open = async (path: string): Promise<string> =>
      (await fetch(origin + path, { headers: cookieOf(id) })).text()
    return { id, store, app, sessions, origin, server, open }
  }

  async function isLocked(id: string): Promise<boolean> {
    return 'lock' in ((await subject.item(id)) ?? {})
  }

  async function expectUnlocked(id: string): Promise<void> {
    await expect.poll(() => isLocked(id)).toBe(false)
  }

  test.each(['get', 'load'] as const)('keeps no lock after %s outside of a request', async method => {
    const { id, store, open } = await scene()
    const loaded = await callbackValue<session.SessionData | null | undefined>(done => {
      store[method](id, done)
    })
    expect(loaded?.visits).toBe(0)
    await expectUnlocked(id)
    expect(await open('/count')).toBe('1')
    // A job may take its time: what it saves is merged.
    if (!loaded) throw new Error('there is no session')
    loaded.user = 'ada'
    await callbackValue(done => {
      store.set(id, loaded, done)
    })
    expect(JSON.stringify(await subject.item(id))).toContain('ada')
    expect(await open('/count')).toBe('2')
  })

  test('keeps no lock when nobody listens to what get gives', async () => {
    const { id, store } = await scene()
    store.get(id, undefined as unknown as () => void)
    // It has its turn after that.
    const loaded = await callbackValue<session.SessionData | null | undefined>(done => {
      store.get(id, done)
    })
    expect(loaded?.visits).toBe(0)
    await expectUnlocked(id)
  })

  test('reads the session that the request itself has locked', async () => {
    const { store, open } = await scene(app => {
      app.get('/own', (request, response, next) => {
        callbackValue<session.SessionData | null | undefined>(done => {
          store.get(request.sessionID, done)
        }).then(own => response.send(`visits ${own?.visits}`), next)
      })
    })
    expect(await open('/own')).toBe('visits 0')
  })

  test('lets a request save and reload after its response, while another one has the lock', async () => {
    const gates = new Gates()
    const late: WithSession[] = []
    const { id, open } = await scene(app => {
      app.get('/late', (request, response) => {
        late.push(request)
        response.send('done')
      })
      app.get('/waits', (_request, response, next) => {
        gates.pass('other').then(() => response.send('done'), next)
      })
    })
    await open('/late')
    const other = open('/waits')
    await gates.reached('other')
    const [request] = late
    if (request === undefined) throw new Error('there was no request')
    request.session.user = 'ada'
    await callbackValue(done => request.session.save(done))
    expect(JSON.stringify(await subject.item(id))).toContain('ada')
    gates.open('other')
    expect(await other).toBe('done')
    await callbackValue(done => request.session.reload(done))
    expect(request.session.user).toBe('ada')
    await expectUnlocked(id)
    expect(await open('/count')).toBe('1')
  })

  test.each([
    ['with an empty object as response', () => ({})],
    ['with a response that never ends', (request: IncomingMessage) => new ServerResponse(request)],
  ])('keeps no lock for a WebSocket, %s', async (_name, responseFor) => {
    const { id, origin, server, sessions, open } = await scene()
    const sockets = new ws.WebSocketServer({ noServer: true })
    server.on('upgrade', (request, socket, head) => {
      const response = responseFor(request)
      const [first, second] = [request, response] as unknown as Parameters<RequestHandler>
      void sessions(first, second, () => {
        sockets.handleUpgrade(request, socket, head, opened => {
          opened.on('message', () => {
            const { session: loaded } = request as WithSession
            loaded.reload(() => {
              const { session: fresh } = request as WithSession
              fresh.visits = (fresh.visits ?? 0) + 1
              fresh.save(error =>
                opened.send(error === undefined || error === null ? String(fresh.visits) : 'failed'),
              )
            })
          })
          opened.send('open')
        })
      })
    })
    const client = new ws.WebSocket(origin.replace('http', 'ws'), { headers: cookieOf(id) })
    onTestFinished(() => client.close())
    expect(await received(client)).toBe('open')
    await expectUnlocked(id)
    expect(await open('/count')).toBe('1')
    client.send('count')
    expect(await received(client)).toBe('2')
    await expectUnlocked(id)
    expect(await open('/count')).toBe('3')
  })

  test('keeps no lock for a WebSocket that the whole app handles', async () => {
    const { id, origin, server, app, open } = await scene(each => {
      each.get('/socket', request => {
        request.socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: test\r\n\r\n',
        )
      })
    })
    server.on('upgrade', request => {
      app(request, new ServerResponse(request))
    })
    const controller = new AbortController()
    const upgrading = httpGet(`${origin}/socket`, {
      headers: { ...cookieOf(id), connection: 'upgrade', upgrade: 'test' },
      signal: controller.signal,
    })
    await once(upgrading, 'upgrade')
    await expectUnlocked(id)
    expect(await open('/count')).toBe('1')
    upgrading.on('error', () => {})
    controller.abort()
  })

  test.each([[['polling']], [['websocket']], [['polling', 'websocket']]])(
    'keeps no lock for Socket.IO by %j',
    async transports => {
      const { id, origin, server, sessions, open } = await scene()
      const io = new socketIo.Server(server)
      onTestFinished(() => io.close())
      io.engine.use(sessions)
      io.on('connection', socket => {
        socket.on('count', (acknowledge: (value: unknown) => void) => {
          const { request } = socket
          request.session.reload(() => {
            request.session.visits = (request.session.visits ?? 0) + 1
            request.session.save(() => acknowledge(request.session.visits))
          })
        })
      })
      const client = socketIoClient.io(origin, { transports, extraHeaders: cookieOf(id), forceNew: true })
      onTestFinished(() => {
        client.close()
      })
      await new Promise<void>((resolve, reject) => {
        client.once('connect', resolve)
        client.once('connect_error', reject)
      })
      expect(await open('/count')).toBe('1')
      const count = await new Promise(resolve => {
        client.emit('count', resolve)
      })
      expect(count).toBe(2)
      await expectUnlocked(id)
      expect(await open('/count')).toBe('3')
    },
  )

  test('gives the lock back for a response that goes on as a stream of events', async () => {
    const { id, origin, open } = await scene(
      app => {
        app.get('/events', (request, response) => {
          request.session.user = 'ada'
          response.writeHead(200, { 'content-type': 'text/event-stream' })
          response.write('data: 1\n\n')
        })
      },
      { ...locking, leaseSeconds: 1 },
    )
    const controller = new AbortController()
    const events = await fetch(`${origin}/events`, { headers: cookieOf(id), signal: controller.signal })
    expect(events.status).toBe(200)
    expect(await open('/count')).toBe('1')
    expect(await open('/count')).toBe('2')
    controller.abort()
    await events.text().catch(() => undefined)
  })
})

function cookieOf(id: string): { readonly cookie: string } {
  return { cookie: `connect.sid=${sessionCookie(id)}` }
}

function received(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('message', (data: unknown) => resolve(String(data)))
    socket.once('error', reject)
  })
}
