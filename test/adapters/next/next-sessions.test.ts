import { inspect } from 'node:util'

import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { type CookieJar, nextSessions, type NextSessions } from '../../../src/adapters/next.ts'
import type { WebSessionsOptions } from '../../../src/adapters/web.ts'
import { DynamoDBSessionsError } from '../../../src/index.ts'
import { engine } from '../../support/engines.ts'
import { StubDynamoDB } from '../../support/stub-dynamodb.ts'
import { tableSubject } from '../../support/table-subject.ts'
import { Visitor } from '../web/visitor.ts'
import { ActionJar, redirectError, RenderJar } from './jars.ts'

interface TestData {
  user?: string
  visits?: number
}

const secrets = ['a long random text']
const readOnly = { name: 'DynamoDBSessionsError', code: 'COOKIES_READ_ONLY' }

describe('sessions of Next.js', () => {
  const subject = tableSubject(engine)
  const sessionsWith = (options: Partial<WebSessionsOptions<TestData>> = {}): NextSessions<TestData> =>
    subject.closeLater(
      nextSessions<TestData>({ ...subject.options, secrets, ...options } as WebSessionsOptions<TestData>),
    )

  describe('in actions and route handlers', () => {
    test('save() stores the session and sets the cookie, with which the next request opens it', async () => {
      const sessions = sessionsWith()
      const jar = await signedIn(sessions)
      expect(jar.changes).toEqual([
        {
          name: '__Host-session',
          value: expect.stringMatching(/^[\w-]{43}\.[\w-]{43}$/) as string,
          options: {
            maxAge: expect.closeTo(86_400, -2) as number,
            path: '/',
            httpOnly: true,
            secure: true,
            sameSite: 'lax',
          },
        },
      ])
      const session = await sessions.get(jar.nextRequest())
      expect([session.status, session.get('user')]).toEqual(['stored', 'ada'])
    })

    test('with cacheComponents, a session is opened behind the timers by which Next.js renders in stages', async () => {
      vi.stubEnv('__NEXT_CACHE_COMPONENTS', 'true')
      onTestFinished(() => void vi.unstubAllEnvs())
      const order: string[] = []
      const jar: CookieJar = { get: () => void order.push('opened') }
      setTimeout(() => order.push('stage'), 0)
      await sessionsWith().get(jar)
      expect(order).toEqual(['stage', 'opened'])
    })

    test('a session without content sets no cookie, and is not stored', async () => {
      const jar = new ActionJar()
      const session = await sessionsWith().get(jar)
      await session.save()
      expect([jar.changes, session.status]).toEqual([[], 'new'])
    })

    test('signing in moves the session to a new ID', async () => {
      const sessions = sessionsWith()
      const before = await signedIn(sessions, 'visitor')
      const jar = before.nextRequest()
      const session = await sessions.get(jar)
      const planted = session.id
      session.regenerate()
      session.set('user', 'ada')
      await session.save()
      expect(session.id).not.toBe(planted)
      expect((await sessions.get(jar.nextRequest())).get('user')).toBe('ada')
      expect((await sessions.get(before.nextRequest())).status).toBe('moved')
    })

    test('destroy() deletes the session and makes the browser forget it', async () => {
      const sessions = sessionsWith()
      const before = await signedIn(sessions)
      const jar = before.nextRequest()
      await (await sessions.get(jar)).destroy()
      expect(jar.changes).toMatchObject([{ name: '__Host-session', value: '', options: { maxAge: 0 } }])
      expect((await sessions.get(before.nextRequest())).status).toBe('new')
    })

    test('save() of a session that was signed out elsewhere clears the cookie', async () => {
      const sessions = sessionsWith()
      const before = await signedIn(sessions)
      const [jar, elsewhere] = [before.nextRequest(), before.nextRequest()]
      const session = await sessions.get(jar)
      await (await sessions.get(elsewhere)).destroy()
      session.set('visits', 1)
      await session.save()
      expect([session.status, jar.changes.map(({ value }) => value)]).toEqual(['gone', ['']])
    })

    test('the cookie in parts is that of the session', async () => {
      const sessions = sessionsWith()
      const jar = await signedIn(sessions)
      expect(sessions.cookie(await sessions.get(jar))).toEqual(jar.changes[0])
      expect(sessions.cookie(await sessions.get(new RenderJar()))).toBeUndefined()
    })
  })

  describe('one jar', () => {
    test('has one session, read once, also when it is asked for by many at once', async () => {
      const jar = (await signedIn(sessionsWith())).nextRequest()
      const recorder = await subject.recorder()
      const sessions = sessionsWith({ endpoint: recorder.url })
      const opened = await Promise.all([sessions.get(jar), sessions.get(jar), sessions.get(jar)])
      expect(new Set([...opened, await sessions.get(jar)]).size).toBe(1)
      expect(recorder.requests).toHaveLength(1)
    })

    test.each<[string, readonly unknown[], RegExp]>([
      ['cookies() without await', [Promise.resolve(new ActionJar())], /; received a promise: await it$/],
      ['await headers()', [new Headers()], /; received something else, such as await headers\(\)$/],
      ['a Request', [new Request('https://app.example')], /takes await cookies\(\)/],
      ['a request without its response', [{ headers: { cookie: 'a=b' } }], /the request and the response/],
      ['Request and Response', [new Request('https://app.example'), new Response()], /of the Pages Router$/],
      ['nothing', [], /takes await cookies\(\)/],
      ['a string', ['session'], /takes await cookies\(\)/],
    ])('is not %s', async (_what, given, message) => {
      const sessions = sessionsWith()
      const get = sessions.get.bind(sessions) as (...sources: readonly unknown[]) => Promise<unknown>
      await expect(get(...given)).rejects.toThrow(message)
      await expect(get(...given)).rejects.toMatchObject({ name: 'TypeError', code: 'INVALID_ARGUMENT' })
    })

    test('is asked again after a failure', async () => {
      const jar = (await signedIn(sessionsWith())).nextRequest()
      let isFailing = true
      const recorder = await subject.recorder(() =>
        isFailing
          ? { statusCode: 400, body: { __type: 'com.amazonaws#ValidationException', message: 'no' } }
          : undefined,
      )
      const sessions = sessionsWith({ endpoint: recorder.url })
      await expect(sessions.get(jar)).rejects.toMatchObject({ code: 'DYNAMODB_ERROR' })
      isFailing = false
      expect((await sessions.get(jar)).get('user')).toBe('ada')
    })
  })

  describe('where cookies are read-only', () => {
    test.each([
      ['save()', 'save'],
      ['destroy()', 'destroy'],
    ] as const)('%s fails and leaves everything as it was', async (_title, method) => {
      const sessions = sessionsWith()
      const jar = (await signedIn(sessions)).nextRequest()
      const session = await sessions.get(new RenderJar(jar.values))
      session.set('user', 'eve')
      const failure: unknown = await session[method]().catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(DynamoDBSessionsError)
      expect(failure).toMatchObject({
        ...readOnly,
        message: expect.stringMatching(/server action/) as string,
      })
      expect(inspect(failure)).not.toContain(session.id)
      expect((await sessions.get(jar)).get('user')).toBe('ada')
    })

    test('nothing is written for a new session', async () => {
      const recorder = await subject.recorder()
      const session = await sessionsWith({ endpoint: recorder.url }).get(new RenderJar())
      session.set('user', 'ada')
      await expect(session.save()).rejects.toMatchObject(readOnly)
      expect(recorder.requests).toEqual([])
    })

    test('that is so for a jar without set, too', async () => {
      const jar: CookieJar = { get: () => undefined }
      await expect((await sessionsWith().get(jar)).save()).rejects.toMatchObject(readOnly)
    })

    test('and for a jar of an action whose response has begun', async () => {
      const jar = new ActionJar()
      const session = await sessionsWith().get(jar)
      jar.isOver = true
      await expect(session.save()).rejects.toMatchObject({ ...readOnly, cause: expect.any(Error) as Error })
    })
  })

  describe('route()', () => {
    test('commits before the response is returned, and keeps it out of caches', async () => {
      const sessions = sessionsWith()
      const visitor = new Visitor(
        sessions.route((_request, session) => {
          session.set('visits', (session.get('visits') ?? 0) + 1)
          return Response.json(session.get('visits'))
        }) as (request: Request) => Promise<Response>,
      )
      const first = await visitor.open('/')
      expect(Object.fromEntries(first.headers)).toMatchObject({ 'cache-control': 'no-store', vary: 'Cookie' })
      expect((await visitor.open('/')).text).toBe('2')
    })

    test('passes on what else the handler is called with', async () => {
      const handler = sessionsWith().route((_request, _session, { id }: { id: string }) => new Response(id))
      expect(await (await handler(new Request('https://app.example'), { id: '1' })).text()).toBe('1')
    })

    test.each([
      ['redirect()', 'GET', '', redirectError('/a;b', 307), 307, '/a;b'],
      ['redirect() after JSON', 'POST', 'application/json', redirectError('/', 307), 307, '/'],
      [
        'redirect() after a form',
        'POST',
        'multipart/form-data; boundary=x',
        redirectError('/', 307),
        303,
        '/',
      ],
      ['permanentRedirect()', 'GET', '', redirectError('/', 308), 308, '/'],
      ['notFound()', 'GET', '', digestError('NEXT_HTTP_ERROR_FALLBACK;404'), 404, null],
    ])(
      'commits before %s, and answers as Next.js does',
      async (_title, method, type, error, status, location) => {
        const sessions = sessionsWith()
        const handler = sessions.route((_request, session) => {
          session.set('user', 'ada')
          throw error
        })
        const request = new Request('https://app.example', { method, headers: { 'content-type': type } })
        const response = await handler(request, undefined)
        expect([response.status, response.headers.get('location')]).toEqual([status, location])
        const value = /^__Host-session=([^;]+)/.exec(response.headers.get('set-cookie') ?? '')?.[1] ?? ''
        const jar = new RenderJar(new Map([['__Host-session', value]]))
        expect((await sessions.get(jar)).get('user')).toBe('ada')
      },
    )

    test.each([
      ['a redirect without a cookie to set', redirectError('/', 307), false],
      ['what Next.js throws and this package does not know', digestError('NEXT_OTHER'), true],
      ['what interrupts a prerendering', digestError('DYNAMIC_SERVER_USAGE'), true],
      ['a failure of the handler', new Error('it failed'), true],
    ])('passes on %s', async (_title, error, isChanged) => {
      const handler = sessionsWith().route((_request, session) => {
        if (isChanged) session.set('user', 'ada')
        throw error
      })
      await expect(handler(new Request('https://app.example'), undefined)).rejects.toBe(error)
    })

    test('stores nothing when the handler fails', async () => {
      const recorder = await subject.recorder()
      const handler = sessionsWith({ endpoint: recorder.url }).route((_request, session) => {
        session.set('user', 'ada')
        throw new Error('it failed')
      })
      await expect(handler(new Request('https://app.example'), undefined)).rejects.toThrow('it failed')
      expect(recorder.requests).toEqual([])
    })
  })

  test('proxy() sets the cookie with the cookies of a NextResponse, once', async () => {
    const sessions = sessionsWith()
    const jar = new ActionJar()
    const response = Object.assign(new Response(), { cookies: jar })
    const handler = sessions.proxy((_request, session) => {
      session.set('user', 'ada')
      return response
    })
    expect(await handler(new Request('https://app.example'), undefined)).toBe(response)
    expect(jar.changes).toMatchObject([{ name: '__Host-session' }])
    expect((await sessions.get(jar.nextRequest())).get('user')).toBe('ada')
  })

  describe('in the Pages Router', () => {
    test('save() sets the cookie beside others, once, and keeps the response out of caches', async () => {
      const sessions = sessionsWith()
      const [request, response] = [{ headers: {} }, pagesResponse({ 'set-cookie': 'theme=dark' })]
      const session = await sessions.get(request, response)
      expect(await sessions.get(request, response)).toBe(session)
      session.set('visits', 1)
      await session.save()
      session.set('visits', 2)
      await session.save()
      expect(response.headers).toEqual({
        'set-cookie': ['theme=dark', expect.stringMatching(/^__Host-session=/) as string],
        'cache-control': 'private, no-store',
      })
      const cookie = String(response.headers['set-cookie']?.[1]).replace(/;.*/, '')
      const next = await sessions.get({ headers: { cookie } }, pagesResponse())
      expect(next.get('visits')).toBe(2)
    })

    test('what the application says of caches stays', async () => {
      const response = pagesResponse({ 'cache-control': 'private' })
      const session = await sessionsWith().get({ headers: {} }, response)
      session.set('visits', 1)
      await session.save()
      expect(response.headers['cache-control']).toBe('private')
    })

    test('save() fails once the headers have been sent', async () => {
      const session = await sessionsWith().get({ headers: {} }, pagesResponse({}, true))
      await expect(session.save()).rejects.toMatchObject(readOnly)
    })
  })

  describe('options', () => {
    test('are not looked at before a session is asked for', async () => {
      const sessions = nextSessions<TestData>({ table: 'sessions' })
      await expect(sessions.get(new RenderJar())).rejects.toMatchObject({
        name: 'TypeError',
        code: 'INVALID_OPTION',
        message: expect.stringContaining('"secrets" is missing') as string,
      })
      expect(() => sessions.store).toThrow('"secrets" is missing')
    })

    test('do not take locking, because nobody tells when a page has been rendered', async () => {
      const sessions = nextSessions({ ...subject.options, secrets, locking: true })
      await expect(sessions.get(new RenderJar())).rejects.toThrow('"locking" does not go with Next.js')
    })
  })

  describe('one process', () => {
    test('has one store for the same options, also when the module is evaluated anew', async () => {
      const options = { ...subject.options, secrets, userId: ({ user }: TestData) => user }
      const sessions = sessionsWith(options)
      vi.resetModules()
      const again = await import('../../../src/adapters/next.ts')
      expect(again.nextSessions).not.toBe(nextSessions)
      const reloaded = again.nextSessions<TestData>({ ...options, userId: ({ user }: TestData) => user })
      expect(reloaded.store).toBe(sessions.store)
      // Its sessions come from a store of the first evaluation.
      const jar = await signedIn(reloaded)
      expect((await sessions.get(jar.nextRequest())).get('user')).toBe('ada')
      const request = jar.nextRequest()
      expect(await reloaded.get(request)).toBe(await sessions.get(request))
    })

    test('has one store in production for functions of what a session holds, which each bundle has in other words', () => {
      vi.stubEnv('NODE_ENV', 'production')
      const sessions = sessionsWith({ userId: ({ user }) => user })
      expect(sessionsWith({ userId: ({ user: name }) => name }).store).toBe(sessions.store)
      expect(sessionsWith().store).not.toBe(sessions.store)
      vi.unstubAllEnvs()
    })

    test('has a store of its own for other options, and for functions that may differ unseen', () => {
      const { credentials: _, ...options } = subject.options
      const stores = [
        sessionsWith(),
        sessionsWith({ prefix: 'other:' }),
        sessionsWith({ userId: ({ user }) => user }),
        sessionsWith({ userId: ({ visits }) => String(visits) }),
        subject.closeLater(nextSessions({ ...options, secrets, credentials: credentialsOf('A') })),
        subject.closeLater(nextSessions({ ...options, secrets, credentials: credentialsOf('B') })),
      ].map(sessions => {
        expect(sessions.store).toBe(sessions.store)
        return sessions.store
      })
      expect(new Set(stores).size).toBe(stores.length)
    })

    test('keeps no secret where others look', () => {
      const sessions = sessionsWith({ prefix: 'secret:' })
      expect(sessions.store).toBeDefined()
      const registry: unknown = Reflect.get(globalThis, Symbol.for('dynamodb-sessions/next'))
      expect(inspect(registry, { depth: 9 })).not.toContain(secrets[0])
      expect(inspect(sessions, { depth: 9 })).not.toContain(secrets[0])
    })

    test('opens a store again after it was closed', async () => {
      const stub = await StubDynamoDB.start()
      const sessions = sessionsWith({ endpoint: stub.endpoint })
      const { store } = sessions
      await sessions.close()
      await expect(store.read('an-unguessable-id-of-a-session')).rejects.toMatchObject({
        code: 'STORE_CLOSED',
      })
      expect(sessions.store).not.toBe(store)
      await sessions.close()
      await stub.close()
    })
  })
})

async function signedIn(sessions: NextSessions<TestData>, user = 'ada'): Promise<ActionJar> {
  const jar = new ActionJar()
  const session = await sessions.get(jar)
  session.set('user', user)
  await session.save()
  return jar
}

/** A response as those of `node:http`. */
function pagesResponse(headers: Record<string, string | string[]> = {}, headersSent = false) {
  return {
    headers,
    headersSent,
    getHeader: (name: string) => headers[name],
    setHeader: (name: string, value: string | string[]) => {
      headers[name] = value
    },
  }
}

function credentialsOf(id: string) {
  return () => Promise.resolve({ accessKeyId: id, secretAccessKey: 'a secret' })
}

function digestError(digest: string): Error {
  return Object.assign(new Error('thrown by Next.js'), { digest })
}
