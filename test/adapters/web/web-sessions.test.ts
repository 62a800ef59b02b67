import { inspect } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'

import { describe, expect, test } from 'vitest'

import { tanstackStartSessions } from '../../../src/adapters/tanstack-start.ts'
import type { WebSession, WebSessions } from '../../../src/adapters/web.ts'
import { TableNotFoundError } from '../../../src/index.ts'
import { engine } from '../../support/engines.ts'
import { isMoveMark, numberText } from '../../support/session-table.ts'
import { type Answerer, Visitor } from './visitor.ts'
import { SECRET, type TestData, webSubject } from './web-subject.ts'

type Session = WebSession<TestData>

/** A handler with the pages that most tests need. */
function shop(sessions: WebSessions<TestData>): Answerer {
  return request => sessions.handle(request, session => page(session, new URL(request.url).pathname))
}

async function page(session: Session, path: string): Promise<Response> {
  const [, action = '', value = ''] = path.split('/')
  if (action === 'static') return new Response('static')
  if (action === 'login') {
    session.regenerate()
    session.set('user', value)
  }
  if (action === 'name') session.set('user', value)
  if (action === 'visit') session.set('visits', (session.get('visits') ?? 0) + 1)
  if (action === 'buy') {
    const cart = session.get('cart')
    if (cart === undefined) session.set('cart', [value])
    else cart.push(value)
  }
  if (action === 'forget') session.delete('user')
  if (action === 'logout') await session.destroy()
  if (action === 'logout-and-greet') {
    await session.destroy()
    session.set('visits', 1)
  }
  if (action === 'fail') {
    session.set('user', 'nobody should see this')
    throw new Error('the handler failed')
  }
  return Response.json({
    user: session.get('user') ?? null,
    visits: session.get('visits') ?? 0,
    cart: session.get('cart') ?? [],
    status: session.status,
  })
}

describe('web sessions', () => {
  const subject = webSubject(engine)

  describe('saving and loading', () => {
    test('what one request commits the next one opens, nested changes included', async () => {
      const ada = new Visitor(shop(subject.sessions()))
      expect((await ada.open('/name/ada')).setCookie).toMatch(/^__Host-session=/)
      await ada.open('/visit')
      await ada.open('/buy/apple')
      await ada.open('/buy/pear')
      const { text } = await ada.open('/')
      expect(JSON.parse(text)).toEqual({ user: 'ada', visits: 1, cart: ['apple', 'pear'], status: 'stored' })
      await ada.open('/forget')
      expect(JSON.parse((await ada.open('/')).text)).toMatchObject({ user: null, visits: 1 })
    })

    test('a session follows from one process to another that shares the table and the secret', async () => {
      const ada = new Visitor(shop(subject.sessions()))
      await ada.open('/name/ada')
      const elsewhere = new Visitor(shop(subject.sessions()), { cookie: ada.cookie })
      expect((await elsewhere.open('/')).text).toContain('"ada"')
    })

    test('a cookie in parts is that of the header, and keys are told', async () => {
      const sessions = subject.sessions()
      const session = await sessions.openSession(new Request('https://app.example'))
      expect([session.setCookie, session.keys()]).toEqual([undefined, []])
      session.set('user', 'ada')
      session.set('visits', 1)
      expect(session.keys()).toEqual(['user', 'visits'])
      const header = await session.commit()
      const { name, value, options } = session.setCookie ?? {}
      expect(header).toMatch(new RegExp(`^${name}=${value}; Max-Age=${options?.maxAge}; Path=/; `))
      expect(name).toBe(sessions.cookieName)
      await session.destroy()
      expect(session.setCookie).toMatchObject({ name, value: '', options: { maxAge: 0 } })
      expect(session.keys()).toEqual([])
    })

    test('a message is read once', async () => {
      const sessions = subject.sessions()
      const session = await sessions.openSession(new Request('https://app.example'))
      expect(session.flash('user')).toBeUndefined()
      session.flash('user', 'welcome, ada')
      const cookie = ((await session.commit()) ?? '').replace(/;.*/, '')
      const open = () => sessions.openSession(new Request('https://app.example', { headers: { cookie } }))
      const next = await open()
      expect([next.flash('user'), next.flash('user')]).toEqual(['welcome, ada', undefined])
      await next.commit()
      expect((await open()).has('user')).toBe(false)
    })

    test('keys that objects have by themselves are keys like others', async () => {
      const sessions = subject.sessions() as unknown as WebSessions
      const session = await sessions.openSession(new Request('https://app.example'))
      for (const key of ['__proto__', 'constructor', 'toString']) {
        expect(session.get(key)).toBeUndefined()
        session.set(key, { own: key })
      }
      const setCookie = (await session.commit()) ?? ''
      const again = await sessions.openSession(
        new Request('https://app.example', { headers: { cookie: setCookie.replace(/;.*/, '') } }),
      )
      for (const key of ['__proto__', 'constructor', 'toString']) {
        expect(again.get(key)).toEqual({ own: key })
        again.delete(key)
        expect(again.has(key)).toBe(false)
      }
    })

    test('what JSON cannot carry is an error, and nothing is stored', async () => {
      const sessions = subject.sessions() as unknown as WebSessions
      const before = await subject.table.items()
      const session = await sessions.openSession(new Request('https://app.example'))
      session.set('number', 1n)
      await expect(session.commit()).rejects.toMatchObject({ code: 'INVALID_SESSION_DATA' })
      session.set('number', 1)
      await expect(session.commit()).resolves.toMatch(/^__Host-session=/)
      expect(await subject.table.items()).toHaveLength(before.length + 1)
    })

    test('sessions show nothing of what they hold', async () => {
      const sessions = subject.sessions()
      const session = await sessions.openSession(new Request('https://app.example'))
      session.set('user', 'ada-the-secret')
      await session.commit()
      const shown = inspect(session, { depth: 10, showHidden: true }) + JSON.stringify(session)
      expect(shown).not.toContain('ada-the-secret')
      expect(shown).not.toContain(session.id)
    })
  })

  describe('what is sent to the table', () => {
    test('nothing for visitors without a cookie of whom nothing is kept', async () => {
      const recorder = await subject.recorder()
      const ada = new Visitor(shop(subject.sessions({ endpoint: recorder.url })))
      for (const path of ['/', '/forget', '/logout', '/static']) {
        expect((await ada.open(path)).setCookie).toBeUndefined()
      }
      expect(recorder.operations).toEqual([])
    })

    test('nothing for cookies that are malformed, forged or signed for something else', async () => {
      const recorder = await subject.recorder()
      const answerer = shop(subject.sessions({ endpoint: recorder.url }))
      const other = shop(subject.sessions({}, { secrets: ['another long random text'] }))
      const eve = new Visitor(other)
      await eve.open('/name/eve')
      const named = new Visitor(shop(subject.sessions({}, { cookie: { name: 'other' } })), {
        cookieName: '__Host-other',
      })
      await named.open('/name/eve')
      const id = 'A'.repeat(43)
      for (const cookie of [eve.cookie, named.cookie, '', 'x', id, `${id}.${id}`, `${id}.`, '../..', '%00']) {
        const visitor = new Visitor(answerer, { cookie })
        expect((await visitor.open('/')).text).toContain('"status":"new"')
      }
      expect(recorder.operations).toEqual([])
    })

    test('one read and what changed', async () => {
      const recorder = await subject.recorder()
      const ada = new Visitor(shop(subject.sessions({ endpoint: recorder.url }, { rolling: false })))
      const sentBy = async (path: string): Promise<readonly string[]> => {
        recorder.forget()
        await ada.open(path)
        return recorder.operations
      }
      expect(await sentBy('/name/ada')).toEqual(['PutItem'])
      expect(await sentBy('/')).toEqual(['GetItem'])
      expect(await sentBy('/name/ada'), 'the same value again').toEqual(['GetItem'])
      expect(await sentBy('/buy/apple')).toEqual(['GetItem', 'UpdateItem'])
      expect(await sentBy('/buy/pear'), 'a change inside of a value').toEqual(['GetItem', 'UpdateItem'])
      expect(await sentBy('/logout')).toEqual(['GetItem', 'DeleteItem'])
    })

    test('commit writes what has changed since the last one, and answers the same', async () => {
      const recorder = await subject.recorder()
      const sessions = subject.sessions({ endpoint: recorder.url, touchAfterSeconds: 0 })
      const session = await sessions.openSession(new Request('https://app.example'))
      session.set('visits', 1)
      const [first, second] = await Promise.all([session.commit(), session.commit()])
      expect(first).toMatch(/^__Host-session=/)
      expect([second, await session.commit()]).toEqual([first, first])
      expect(recorder.operations).toEqual(['PutItem'])
      session.set('visits', 2)
      await session.commit()
      await session.commit()
      expect(recorder.operations).toEqual(['PutItem', 'UpdateItem'])
    })
  })

  describe('IDs', () => {
    test('a cookie without a session behind it begins a new one, under a new ID', async () => {
      const sessions = subject.sessions()
      const ada = new Visitor(shop(sessions))
      await ada.open('/name/ada')
      const { id } = ada
      await sessions.store.destroy(id)
      for (const path of ['/static', '/forget']) expect((await ada.open(path)).setCookie).toBeUndefined()
      expect((await ada.open('/')).text).toContain('"status":"new"')
      await ada.open('/name/ada')
      expect(ada.id).not.toBe(id)
      expect(await subject.item(id)).toBeUndefined()
    })

    test('sign-in moves the session to a new ID, keeps the data and leaves a mark under the old one', async () => {
      const ada = new Visitor(shop(subject.sessions()))
      await ada.open('/buy/apple')
      const old = ada.anotherWindow()
      await ada.open('/login/ada')
      expect(ada.id).not.toBe(old.id)
      expect(JSON.parse((await ada.open('/')).text)).toMatchObject({ user: 'ada', cart: ['apple'] })
      expect(isMoveMark(await subject.item(old.id))).toBe(true)
      expect((await old.open('/')).text).toContain('"status":"moved"')
    })

    test('sign-in never stores anything new under the old ID', async () => {
      const recorder = await subject.recorder()
      const ada = new Visitor(shop(subject.sessions({ endpoint: recorder.url })))
      await ada.open('/buy/apple')
      recorder.forget()
      await ada.open('/login/ada')
      const steps = ['GetItem', 'GetItem', 'TransactWriteItems']
      const twoSteps = engine.supports.transactions ? [] : ['PutItem', 'PutItem']
      expect(recorder.operations).toEqual([...steps, ...twoSteps])
    })

    test('regenerate without a session to move is a new session', async () => {
      const ada = new Visitor(shop(subject.sessions()))
      await ada.open('/login/ada')
      expect((await ada.open('/')).text).toContain('"ada"')
    })

    test('a cookie of an old secret is signed anew, and then the old secret may go', async () => {
      const newSecret = 'a newer long random text'
      const ada = new Visitor(shop(subject.sessions()))
      await ada.open('/name/ada')
      const { id } = ada
      const settings = { secrets: [newSecret, SECRET], rolling: false }
      const rotating = new Visitor(shop(subject.sessions({}, settings)), { cookie: ada.cookie })
      expect((await rotating.open('/')).setCookie).toMatch(new RegExp(`=${id}\\..*; Max-Age=`))
      expect((await rotating.open('/')).setCookie).toBeUndefined()
      const later = new Visitor(shop(subject.sessions({}, { secrets: newSecret })), {
        cookie: rotating.cookie,
      })
      expect((await later.open('/')).text).toContain('"ada"')
    })
  })

  describe('destroy', () => {
    test('deletes the session and clears the cookie', async () => {
      const ada = new Visitor(shop(subject.sessions()))
      await ada.open('/name/ada')
      const { id } = ada
      const answer = await ada.open('/logout')
      expect(answer.setCookie).toMatch(
        /^__Host-session=; Max-Age=0; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      )
      expect(answer.text).toContain('"status":"destroyed"')
      expect(await subject.item(id)).toBeUndefined()
    })

    test('clears a cookie that nothing is behind, too', async () => {
      const ada = new Visitor(shop(subject.sessions()), { cookie: 'stale' })
      expect((await ada.open('/logout')).setCookie).toContain('Max-Age=0')
    })

    test('what is set afterwards begins another session', async () => {
      const ada = new Visitor(shop(subject.sessions()))
      await ada.open('/name/ada')
      const { id } = ada
      await ada.open('/logout-and-greet')
      expect(ada.id).not.toBe(id)
      expect(JSON.parse((await ada.open('/')).text)).toMatchObject({ user: null, visits: 1 })
      expect(await subject.item(id)).toBeUndefined()
    })
  })

  describe('expiry', () => {
    test('cookie and item agree, for lifetimes that depend on the data, too', async () => {
      const sessions = subject.sessions({ ttlSeconds: ({ user }) => (user === undefined ? 60 : 600) })
      const ada = new Visitor(shop(sessions))
      for (const [path, seconds] of [
        ['/visit', 60],
        ['/name/ada', 600],
      ] as const) {
        const startedAtMs = Date.now()
        const { setCookie } = await ada.open(path)
        const storedMs = Number(numberText(await subject.item(ada.id), 'expiresMs'))
        const maxAge = Number(/Max-Age=(\d+)/.exec(setCookie ?? '')?.[1])
        expect(storedMs).toBeGreaterThanOrEqual(startedAtMs + seconds * 1000)
        expect(maxAge).toBeLessThanOrEqual(seconds)
        // The browser counts from when the answer arrives: never before the table says so, and by less than a second.
        expect(startedAtMs + maxAge * 1000).toBeLessThanOrEqual(storedMs)
        expect(Date.now() + maxAge * 1000).toBeGreaterThanOrEqual(storedMs)
      }
    })

    test('an absolute timeout shows in the cookie', async () => {
      const sessions = subject.sessions({ absoluteTimeoutSeconds: 30 })
      const { setCookie } = await new Visitor(shop(sessions)).open('/visit')
      const maxAge = Number(/Max-Age=(\d+)/.exec(setCookie ?? '')?.[1])
      expect(maxAge).toBeGreaterThan(0)
      expect(maxAge).toBeLessThanOrEqual(30)
    })

    test('a cookie that ends with the browser has no lifetime, and is sent once', async () => {
      const ada = new Visitor(
        shop(subject.sessions({ touchAfterSeconds: 0 }, { cookie: { persistent: false } })),
      )
      expect((await ada.open('/visit')).setCookie).not.toMatch(/Max-Age|Expires/)
      expect((await ada.open('/visit')).setCookie).toBeUndefined()
      expect((await ada.open('/')).setCookie).toBeUndefined()
    })

    test('rolling sessions are extended by every request, item and cookie', async () => {
      const ada = new Visitor(shop(subject.sessions({ touchAfterSeconds: 0 })))
      await ada.open('/visit')
      const before = await subject.item(ada.id)
      await delay(5)
      expect((await ada.open('/static')).setCookie).toMatch(/Max-Age=86400;/)
      const after = await subject.item(ada.id)
      expect(Number(numberText(after, 'expiresMs'))).toBeGreaterThan(Number(numberText(before, 'expiresMs')))
      expect({ ...after, expires: 0, expiresMs: 0 }).toEqual({ ...before, expires: 0, expiresMs: 0 })
    })

    test('an extension that is not worth a write does not change the cookie either', async () => {
      const recorder = await subject.recorder()
      const ada = new Visitor(shop(subject.sessions({ endpoint: recorder.url })))
      await ada.open('/visit')
      recorder.forget()
      const answer = await ada.open('/static')
      expect([answer.setCookie, answer.headers.get('cache-control')]).toEqual([undefined, null])
      expect(recorder.operations).toEqual(['GetItem'])
    })

    test('others are extended by changes only', async () => {
      const ada = new Visitor(shop(subject.sessions({}, { rolling: false })))
      await ada.open('/visit')
      const before = await subject.item(ada.id)
      await delay(5)
      expect((await ada.open('/')).setCookie).toBeUndefined()
      expect(await subject.item(ada.id)).toEqual(before)
      expect((await ada.open('/visit')).setCookie).toMatch(/Max-Age=86400;/)
      const after = await subject.item(ada.id)
      expect(Number(numberText(after, 'expiresMs'))).toBeGreaterThan(Number(numberText(before, 'expiresMs')))
    })

    test('a session that has expired is none, although its item is still there', async () => {
      const ada = new Visitor(shop(subject.sessions({ ttlSeconds: 0.001 })))
      await ada.open('/name/ada')
      await delay(5)
      const { id } = ada
      expect((await ada.open('/')).text).toContain('"status":"new"')
      expect(await subject.item(id)).toBeDefined()
    })
  })

  describe('caches', () => {
    test('are told about cookies and about pages that depend on them', async () => {
      const ada = new Visitor(shop(subject.sessions({}, { rolling: false })))
      const changed = await ada.open('/visit')
      expect([changed.headers.get('cache-control'), changed.headers.get('vary')]).toEqual([
        'no-store',
        'Cookie',
      ])
      const read = await ada.open('/')
      expect([read.headers.get('cache-control'), read.headers.get('vary')]).toEqual([null, 'Cookie'])
      const untouched = await ada.open('/static')
      expect([untouched.headers.get('cache-control'), untouched.headers.get('vary')]).toEqual([null, null])
    })
  })

  describe('failures', () => {
    test('of the handler store nothing and are passed on', async () => {
      const ada = new Visitor(shop(subject.sessions()))
      await ada.open('/name/ada')
      await expect(ada.open('/fail')).rejects.toThrow('the handler failed')
      expect((await ada.open('/')).text).toContain('"ada"')
    })

    test.each([
      ['are what isFailure says: nothing is stored, and a lock is given back', [500], 'ada', undefined],
      ['are no responses without isFailure', [], 'eve', undefined],
      ['leave what the handler has committed, with its cookie', [500], 'eve', 'commit'],
      ['leave what the handler has destroyed, with its cookie', [500], null, 'destroy'],
    ] as const)('that are responses %s', async (_title, statuses, user, before) => {
      const isFailure = ({ status }: Response): boolean => statuses.some(failure => failure === status)
      const sessions = subject.sessions({ locking: true }, statuses.length === 0 ? {} : { isFailure })
      const pages = shop(sessions)
      const ada = new Visitor(request =>
        request.url.endsWith('/error')
          ? sessions.handle(request, async session => {
              session.set('user', 'eve')
              if (before !== undefined) {
                session.regenerate()
                await session[before]()
              }
              return new Response('it failed', { status: 500 })
            })
          : pages(request),
      )
      await ada.open('/name/ada')
      const { status, setCookie, headers } = await ada.open('/error')
      expect([status, headers.get('vary')]).toEqual([500, 'Cookie'])
      expect(setCookie === undefined).toBe(before === undefined && statuses.length > 0)
      expect(JSON.parse((await ada.open('/')).text)).toMatchObject({ user })
    })

    test('of a read are errors, never an empty session', async () => {
      const ada = new Visitor(shop(subject.sessions()))
      await ada.open('/name/ada')
      const missing = new Visitor(shop(subject.sessions({ table: 'missing-table' })), { cookie: ada.cookie })
      await expect(missing.open('/')).rejects.toThrow(TableNotFoundError)
    })

    test('of a write are errors, and the commit can be repeated', async () => {
      let isBroken = true
      const recorder = await subject.recorder(({ operation }) =>
        operation === 'PutItem' && isBroken
          ? { statusCode: 400, body: { __type: 'com.amazonaws.dynamodb.v20120810#AccessDeniedException' } }
          : undefined,
      )
      const sessions = subject.sessions({ endpoint: recorder.url })
      const session = await sessions.openSession(new Request('https://app.example'))
      session.set('user', 'ada')
      await expect(session.commit()).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
      expect([session.status, session.id]).toEqual(['new', undefined])
      isBroken = false
      const setCookie = await session.commit()
      expect(session.status).toBe('stored')
      expect(setCookie).toContain(`=${session.id}.`)
    })

    test('of options that there are not are errors, with a cookie or without', async () => {
      const sessions = subject.sessions()
      const wrong: object = { sginal: undefined }
      const opening = sessions.openSession({ headers: new Headers() }, wrong)
      await expect(opening).rejects.toThrow('no option "sginal"; did you mean "signal"?')
      const session = await sessions.openSession({ headers: new Headers() })
      await expect(session.commit(wrong)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
      expect(await session.commit()).toBeUndefined()
    })

    test.each([
      ['no request at all', undefined, /needs a Request, .*; received nothing without/],
      [
        'a request of node:http',
        { headers: { cookie: 'a=b' } },
        /headers: \{ get: \(\) => request\.headers\.cookie/,
      ],
    ])('of %s say what is needed', async (_what, request, message) => {
      const sessions = subject.sessions()
      const wrong = request as unknown as Request
      const expected = {
        name: 'TypeError',
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(message) as string,
      }
      await expect(sessions.openSession(wrong)).rejects.toMatchObject(expected)
      await expect(sessions.handle(wrong, () => new Response())).rejects.toMatchObject(expected)
    })

    test.each([undefined, 'text', { status: 200 }])(
      'of a handler that returns %j in place of a response store nothing',
      async returned => {
        const sessions = subject.sessions({ locking: true })
        const items = (await subject.table.items()).length
        const answering = sessions.handle(new Request('https://app.example'), session => {
          session.set('user', 'ada')
          return returned as unknown as Response
        })
        await expect(answering).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
        await expect(answering).rejects.toThrow('the handler must return a Response; received')
        expect(await subject.table.items()).toHaveLength(items)
      },
    )

    test('of middleware of TanStack Start that returns no result of next store nothing', async () => {
      const sessions = tanstackStartSessions<TestData>({ store: subject.sessions().store, secrets: SECRET })
      const items = (await subject.table.items()).length
      const next = ((session: WebSession<TestData>) => {
        session.set('user', 'ada')
      }) as unknown as (session: WebSession<TestData>) => { readonly response: Response }
      const answering = sessions.handle(new Request('https://app.example'), next)
      await expect(answering).rejects.toThrow('the handler must return a Response; received nothing')
      expect(await subject.table.items()).toHaveLength(items)
    })

    test('of an object that is set in place of a key and a value name both', async () => {
      const session = await subject.sessions().openSession(new Request('https://app.example'))
      const set = session.set.bind(session) as (key: unknown) => void
      expect(() => {
        set({ user: 'ada' })
      }).toThrow('set(key, value); received a value of type object as the key')
    })

    test('of an abort are its reason', async () => {
      const ada = new Visitor(shop(subject.sessions()))
      await ada.open('/name/ada')
      const request = new Request('https://app.example', {
        headers: { cookie: `__Host-session=${ada.cookie}` },
      })
      const signal = AbortSignal.abort(new Error('given up'))
      await expect(subject.sessions().openSession(request, { signal })).rejects.toThrow('given up')
    })
  })
})
