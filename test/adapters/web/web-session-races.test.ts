import { describe, expect, test } from 'vitest'

import type { WebSession, WebSessions } from '../../../src/adapters/web.ts'
import { LockLostError, SessionConflictError, SessionLockedError } from '../../../src/index.ts'
import { engine } from '../../support/engines.ts'
import { incompressibleText } from '../../support/incompressible-text.ts'
import { sendToEngine } from '../../support/send-to-engine.ts'
import { StubEndpoint } from '../../support/stub-endpoint.ts'
import { type TestData, webSubject } from './web-subject.ts'

/** A request with the cookie of a `Set-Cookie` header. */
function requestWith(setCookie: string | undefined): Request {
  return new Request('https://app.example', { headers: { cookie: (setCookie ?? '').replace(/;.*/s, '') } })
}

async function begin(sessions: WebSessions<TestData>, data: TestData): Promise<Request> {
  const session = await sessions.openSession(new Request('https://app.example'))
  for (const [key, value] of Object.entries(data)) session.set(key as 'user', value as string)
  return requestWith(await session.commit())
}

async function contentOf(
  sessions: WebSessions<TestData>,
  request: Request,
): Promise<Record<string, unknown>> {
  const session = await sessions.openSession(request)
  const keys = ['user', 'visits', 'cart', 'key1', 'key2', 'key3'] as const
  const content = Object.fromEntries(keys.filter(key => session.has(key)).map(key => [key, session.get(key)]))
  await session.release()
  return content
}

describe('requests of one session at the same time', () => {
  const subject = webSubject(engine)

  describe('keep the changes of each other (G2)', () => {
    test('by key: added, changed and deleted ones', async () => {
      const sessions = subject.sessions()
      const request = await begin(sessions, { user: 'ada', visits: 1, key1: 1 })
      const [first, second, third] = await Promise.all([
        sessions.openSession(request),
        sessions.openSession(request),
        sessions.openSession(request),
      ])
      first.set('key2', 2)
      second.set('visits', 2)
      third.delete('key1')
      await Promise.all([first.commit(), second.commit(), third.commit()])
      expect(await contentOf(sessions, request)).toEqual({ user: 'ada', visits: 2, key2: 2 })
    })

    test('a session that goes on after a commit keeps what others wrote meanwhile', async () => {
      const sessions = subject.sessions()
      const request = await begin(sessions, { user: 'ada', cart: ['apple'] })
      const slow = await sessions.openSession(request)
      const fast = await sessions.openSession(request)
      const cart = slow.get('cart')
      fast.set('key1', 1)
      await fast.commit()
      slow.set('visits', 1)
      await slow.commit()
      fast.set('key1', 11)
      fast.set('key2', 2)
      await fast.commit()
      cart?.push('pear')
      await slow.commit()
      expect(await contentOf(sessions, request)).toEqual({
        user: 'ada',
        cart: ['apple', 'pear'],
        visits: 1,
        key1: 11,
        key2: 2,
      })
    })

    test('sign-in takes along what others wrote since the session was read', async () => {
      const sessions = subject.sessions()
      const request = await begin(sessions, { visits: 1, key1: 1, key2: 2, cart: ['apple'] })
      const login = await sessions.openSession(request)
      const other = await sessions.openSession(request)
      other.set('cart', ['apple', 'pear'])
      other.set('visits', 7)
      other.set('key3', 3)
      other.delete('key1')
      await other.commit()
      login.regenerate()
      login.set('user', 'ada')
      login.set('visits', 2)
      const moved = requestWith(await login.commit())
      expect(login.get('cart')).toEqual(['apple', 'pear'])
      expect(await contentOf(sessions, moved)).toEqual({
        user: 'ada',
        visits: 2,
        key2: 2,
        key3: 3,
        cart: ['apple', 'pear'],
      })
      expect(await contentOf(sessions, request)).toEqual({})
    })

    test('by what the option onConflict says', async () => {
      const sessions = subject.sessions({ onConflict: 'reject' })
      const request = await begin(sessions, { visits: 1 })
      const [first, second] = [await sessions.openSession(request), await sessions.openSession(request)]
      first.set('visits', 2)
      second.set('visits', 3)
      await first.commit()
      await expect(second.commit()).rejects.toThrow(SessionConflictError)
      expect(await contentOf(sessions, request)).toEqual({ visits: 2 })
    })
  })

  describe('do not bring back a session that one of them has destroyed (G3)', () => {
    const ways: [string, (session: WebSession<TestData>) => void][] = [
      ['saves', session => session.set('visits', 2)],
      ['only extends', () => undefined],
      ['moves it to a new ID', session => session.regenerate()],
    ]
    test.each(ways)('when another %s afterwards', async (_way, work) => {
      const sessions = subject.sessions({ touchAfterSeconds: 0 })
      const request = await begin(sessions, { user: 'ada' })
      const [slow, logout] = [await sessions.openSession(request), await sessions.openSession(request)]
      const { id = '' } = slow
      const itemsBefore = await subject.table.items()
      work(slow)
      await logout.destroy()
      const setCookie = await slow.commit()
      expect(setCookie).toMatch(/^__Host-session=; Max-Age=0; /)
      expect([slow.status, slow.id]).toEqual(['gone', undefined])
      slow.set('visits', 3)
      expect(await slow.commit()).toBe(setCookie)
      expect(await subject.item(id)).toBeUndefined()
      expect(await subject.table.items()).toHaveLength(itemsBefore.length - 1)
    })

    test('when the logout comes while another moves it to a new ID', async () => {
      const sessions = subject.sessions()
      const request = await begin(sessions, { user: 'ada' })
      const logout = await sessions.openSession(request)
      // Without transactions the new session is written first; the logout happens before the old one is ended.
      const pausing = await StubEndpoint.start(async ({ operation, input }) => {
        if (operation === 'TransactWriteItems' && engine.supports.transactions) await logout.destroy()
        const answer = await sendToEngine(engine.endpoint, operation, input)
        if (operation === 'PutItem') await logout.destroy()
        return answer
      })
      subject.closeLater(pausing)
      const moving = await subject.sessions({ endpoint: pausing.url }).openSession(request)
      const itemsBefore = await subject.table.items()
      moving.regenerate()
      expect(await moving.commit()).toMatch(/Max-Age=0/)
      expect(moving.status).toBe('gone')
      expect(await subject.table.items()).toHaveLength(itemsBefore.length - 1)
    })

    test('in 60 interleavings of a logout with requests that save and extend', async () => {
      const sessions = subject.sessions({ touchAfterSeconds: 0 })
      const itemsBefore = await subject.table.items()
      const survivors: string[] = []
      for (let round = 0; round < 60; round++) {
        const request = await begin(sessions, { user: 'ada' })
        const logout = await sessions.openSession(request)
        const [saving, extending] = [await sessions.openSession(request), await sessions.openSession(request)]
        saving.set('visits', 2)
        await Promise.all([saving.commit(), logout.destroy(), extending.commit()])
        saving.set('visits', 3)
        await saving.commit()
        if (Object.keys(await contentOf(sessions, request)).length > 0) survivors.push(`round ${round}`)
      }
      expect(survivors).toEqual([])
      expect(await subject.table.items()).toHaveLength(itemsBefore.length)
    })
  })

  describe('take turns with locking (G10)', () => {
    test('so that counting in parallel loses nothing', async () => {
      const processes = [subject.sessions({ locking: true }), subject.sessions({ locking: true })] as const
      const request = await begin(subject.sessions(), { visits: 0 })
      const requests = Array.from({ length: 20 }, (_, index) => processes[index % 2 === 0 ? 0 : 1])
      const answers = await Promise.all(
        requests.map(sessions =>
          sessions.handle(request, session => {
            session.set('visits', (session.get('visits') ?? 0) + 1)
            return new Response(String(session.get('visits')))
          }),
        ),
      )
      const counted = await Promise.all(answers.map(async answer => Number(await answer.text())))
      expect(counted.toSorted((left, right) => left - right)).toEqual(counted.map((_, index) => index + 1))
      expect(await contentOf(subject.sessions(), request)).toEqual({ visits: 20 })
    })

    test.each<[string, boolean, (session: WebSession<TestData>) => void | Promise<unknown>]>([
      ['a commit that changes something', true, session => (session.set('visits', 2), session.commit())],
      ['a commit that extends the session', true, session => session.commit()],
      ['a commit that changes nothing', false, session => session.commit()],
      ['a release', false, session => session.release()],
      ['the end of its scope', false, session => session[Symbol.asyncDispose]()],
    ])('%s gives the lock back', async (_how, rolling, end) => {
      const settings = { rolling }
      const sessions = subject.sessions({ locking: { maxWaitMs: 0 }, touchAfterSeconds: 0 }, settings)
      const request = await begin(sessions, { visits: 1 })
      const holder = await sessions.openSession(request)
      await expect(sessions.openSession(request)).rejects.toThrow(SessionLockedError)
      await end(holder)
      const next = await sessions.openSession(request)
      expect(next.status).toBe('stored')
      expect(await subject.item(next.id ?? '')).toHaveProperty('lockOwner')
      await next.release()
      expect(await subject.item(next.id ?? '')).not.toHaveProperty('lockOwner')
    })

    test('destroy and regenerate end the lock with the session', async () => {
      const sessions = subject.sessions({ locking: { maxWaitMs: 0 } })
      const first = await begin(sessions, { visits: 1 })
      const destroying = await sessions.openSession(first)
      await destroying.destroy()
      await destroying.commit()
      expect((await sessions.openSession(first)).status).toBe('new')
      const second = await begin(sessions, { visits: 1 })
      const moving = await sessions.openSession(second)
      moving.regenerate()
      const moved = requestWith(await moving.commit())
      expect((await sessions.openSession(second)).status).toBe('moved')
      expect(await contentOf(sessions, moved)).toEqual({ visits: 1 })
    })

    test('a handler that fails gives the lock back and stores nothing', async () => {
      const sessions = subject.sessions({ locking: { maxWaitMs: 0 } })
      const request = await begin(sessions, { visits: 1 })
      const failing = sessions.handle(request, session => {
        session.set('visits', 100)
        throw new Error('the handler failed')
      })
      await expect(failing).rejects.toThrow('the handler failed')
      expect(await contentOf(sessions, request)).toEqual({ visits: 1 })
    })

    test('a commit that fails gives the lock back', async () => {
      const sessions = subject.sessions({ locking: { maxWaitMs: 0 } })
      const request = await begin(sessions, { visits: 1 })
      const failing = sessions.handle(request, session => {
        session.set('cart', [incompressibleText(700_000)])
        return new Response()
      })
      await expect(failing).rejects.toMatchObject({ code: 'SESSION_TOO_LARGE' })
      expect(await contentOf(sessions, request)).toEqual({ visits: 1 })
    })

    test('what is changed after the commit, in a stream for example, is merged', async () => {
      const sessions = subject.sessions({ locking: true }, { rolling: false })
      const request = await begin(sessions, { visits: 1 })
      const streaming = await sessions.openSession(request)
      await streaming.commit()
      const other = await sessions.openSession(request)
      other.set('key1', 1)
      await other.commit()
      streaming.set('key2', 2)
      await streaming.commit()
      expect(await contentOf(sessions, request)).toEqual({ visits: 1, key1: 1, key2: 2 })
    })

    test('a holder that was overtaken cannot write', async () => {
      const sessions = subject.sessions({
        locking: { leaseSeconds: 1, maxHoldSeconds: 1, maxWaitMs: 10_000 },
      })
      const request = await begin(sessions, { visits: 1 })
      const hanging = await sessions.openSession(request)
      const next = await sessions.openSession(request)
      hanging.set('visits', 100)
      next.set('visits', 2)
      await next.commit()
      await expect(hanging.commit()).rejects.toThrow(LockLostError)
      expect(await contentOf(sessions, request)).toEqual({ visits: 2 })
    })

    test('visitors without a session lock nothing', async () => {
      const recorder = await subject.recorder()
      const sessions = subject.sessions({ locking: true, endpoint: recorder.url })
      const session = await sessions.openSession(new Request('https://app.example'))
      await session.commit()
      await session.release()
      expect(recorder.operations).toEqual([])
    })
  })
})
