import { EventEmitter, once } from 'node:events'

import { describe, expect, test } from 'vitest'

import { sveltekitSessions, type SvelteKitSessions } from '../../../src/adapters/sveltekit.ts'
import type { WebSession, WebSessionsOptions } from '../../../src/adapters/web.ts'
import { engine } from '../../support/engines.ts'
import { tableSubject } from '../../support/table-subject.ts'
import { Visitor } from '../web/visitor.ts'
import { KitApp, type KitEvent } from './kit-app.ts'

interface TestData {
  user?: string
  visits?: number
}

type Session = WebSession<TestData>
type Page = (event: KitEvent<TestData>) => Response | Promise<Response>

const secrets = ['a long random text']

function home({ locals: { session } }: KitEvent<TestData>): Response {
  return Response.json({ user: session.get('user'), visits: session.get('visits') })
}

function visit(session: Session): void {
  session.set('visits', (session.get('visits') ?? 0) + 1)
}

describe('sessions of SvelteKit', () => {
  const subject = tableSubject(engine, { touchAfterSeconds: 0 })
  const sessionsWith = (options: Partial<WebSessionsOptions<TestData>> = {}): SvelteKitSessions<TestData> =>
    subject.closeLater(
      sveltekitSessions<TestData>({
        ...subject.options,
        secrets,
        ...options,
      } as WebSessionsOptions<TestData>),
    )
  const appOf = (pages: Readonly<Record<string, Page>>, options?: Partial<WebSessionsOptions<TestData>>) =>
    new KitApp<TestData>(sessionsWith(options).handle, event => {
      const page = pages[event.url.pathname]
      return page === undefined ? new Response('not found', { status: 404 }) : page(event)
    })

  test('are committed before the response goes on, with their cookie', async () => {
    const app = appOf({
      '/': home,
      '/sign-in': ({ locals: { session } }) => {
        session.regenerate()
        session.set('user', 'ada')
        return new Response(null, { status: 303, headers: { location: '/' } })
      },
    })
    const ada = new Visitor(app.answer)
    const { setCookie, headers } = await ada.open('/sign-in', 'POST')
    expect([setCookie, headers.get('cache-control')]).toEqual([
      expect.stringMatching(/^__Host-session=/),
      'no-store',
    ])
    expect((await ada.open('/')).text).toBe('{"user":"ada"}')
  })

  test('are not opened for visitors without cookies whom nobody asks about, and need no options then', async () => {
    const { handle } = sveltekitSessions<TestData>({ table: 'sessions', secrets: undefined })
    const app = new KitApp<TestData>(handle, event =>
      event.url.pathname === '/' ? home(event) : new Response(),
    )
    const response = await app.answer(new Request('https://app.example/static'))
    expect([...response.headers]).toEqual([])
    await expect(app.answer(new Request('https://app.example/'))).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('"secrets" is undefined') as string,
    })
  })

  describe('of a request that the app makes of itself', () => {
    const pages: Readonly<Record<string, Page>> = {
      '/': home,
      '/visit': event => {
        visit(event.locals.session)
        return home(event)
      },
      '/sign-in': ({ locals: { session } }) => {
        session.regenerate()
        session.set('user', 'ada')
        return new Response()
      },
      '/nested': async event => {
        visit(event.locals.session)
        await Promise.all([event.fetch('/visit'), event.fetch('/visit'), event.fetch('/sign-in')])
        return home(event)
      },
      '/stranger': event => event.fetch('/visit', { credentials: 'omit' }),
    }

    test('are that of the request that it is made for: one read, one lock, one write, one cookie', async () => {
      const recorder = await subject.recorder()
      const app = appOf(pages, { locking: true, endpoint: recorder.url })
      const ada = new Visitor(app.answer)
      await ada.open('/visit')
      recorder.requests.length = 0
      const { text, setCookie } = await ada.open('/nested')
      expect([text, setCookie]).toEqual([
        '{"user":"ada","visits":4}',
        expect.stringMatching(/^__Host-session=/),
      ])
      expect(app.cookiesOfSubRequests).toEqual([])
      expect((await ada.open('/')).text).toBe('{"user":"ada","visits":4}')
    })

    test('are read once, and written once', async () => {
      const recorder = await subject.recorder()
      const app = appOf(
        {
          ...pages,
          '/visits': async event => {
            await Promise.all([event.fetch('/visit'), event.fetch('/visit')])
            return home(event)
          },
        },
        { endpoint: recorder.url },
      )
      const ada = new Visitor(app.answer)
      await ada.open('/visit')
      recorder.requests.length = 0
      expect((await ada.open('/visits')).text).toBe('{"visits":3}')
      expect(recorder.operations).toEqual(['GetItem', 'UpdateItem'])
    })

    test('begin with it for a new visitor', async () => {
      const ada = new Visitor(appOf(pages).answer)
      expect((await ada.open('/nested')).text).toBe('{"user":"ada","visits":3}')
      expect((await ada.open('/')).text).toBe('{"user":"ada","visits":3}')
    })

    test("are others' for a request without the visitor's cookie, and their cookie is not the visitor's", async () => {
      const app = appOf(pages)
      const ada = new Visitor(app.answer)
      await ada.open('/visit')
      await ada.open('/visit')
      expect((await ada.open('/stranger')).text).toBe('{"visits":1}')
      expect(app.cookiesOfSubRequests).toEqual([])
      expect((await ada.open('/')).text).toBe('{"visits":2}')
    })

    test('are saved by a request that is made when the response has begun', async () => {
      const response = new EventEmitter()
      let streamed: Promise<Response> | undefined
      const app = appOf(
        {
          ...pages,
          '/stream': event => {
            streamed = once(response, 'begun').then(() => event.fetch('/visit'))
            return home(event)
          },
        },
        { locking: true },
      )
      const ada = new Visitor(app.answer)
      await ada.open('/visit')
      expect((await ada.open('/stream')).text).toBe('{"visits":1}')
      response.emit('begun')
      await streamed
      expect((await ada.open('/')).text).toBe('{"visits":2}')
    })
  })

  const guarded = (thrown: unknown, act: (session: Session) => unknown) => {
    const { handle } = sessionsWith({ locking: true })
    return new KitApp<TestData>(handle, async event => {
      if (event.url.pathname === '/') return home(event)
      await act(event.locals.session)
      throw thrown
    })
  }

  describe('when another hook', () => {
    test('redirects, are committed first, and have their cookie set with the others', async () => {
      const ada = new Visitor(guarded({ status: 303, location: '/' }, visit).answer)
      for (const visits of [1, 2]) {
        const { status, setCookie } = await ada.open('/account')
        expect([status, setCookie]).toEqual([303, expect.stringMatching(/^__Host-session=/)])
        expect((await ada.open('/')).text).toBe(`{"visits":${visits}}`)
      }
    })

    test('redirects after a sign-out, are forgotten by the browser', async () => {
      const app = guarded({ status: 303, location: '/' }, async session => {
        if (session.status === 'stored') await session.destroy()
        else visit(session)
      })
      const ada = new Visitor(app.answer)
      await ada.open('/account')
      await ada.open('/account')
      expect(ada.cookie).toBeUndefined()
    })

    test('fails, are left as they were, and their lock is given back', async () => {
      const error = new Error('the hook failed')
      let isFailing = false
      const { handle } = sessionsWith({ locking: true })
      const app = new KitApp<TestData>(handle, event => {
        visit(event.locals.session)
        if (isFailing) throw error
        return home(event)
      })
      const ada = new Visitor(app.answer)
      await ada.open('/')
      isFailing = true
      await expect(ada.open('/')).rejects.toBe(error)
      isFailing = false
      expect((await ada.open('/')).text).toBe('{"visits":2}')
    })
  })

  test.each([
    ['500 or above are left as they were', {}, '{}'],
    ['of which isFailure says that it is none are committed', { isFailure: () => false }, '{"visits":1}'],
  ])('that end with a response of status %s', async (_title, options, text) => {
    const app = appOf(
      {
        '/': home,
        '/crash': ({ locals: { session } }) => {
          visit(session)
          return new Response('Internal Error', { status: 500 })
        },
      },
      options,
    )
    const ada = new Visitor(app.answer)
    await ada.open('/crash')
    expect((await ada.open('/')).text).toBe(text)
  })

  test('have one store in a process, whichever evaluation of the module asks', () => {
    expect(sessionsWith().store).toBe(sessionsWith().store)
    expect(sessionsWith().cookieName).toBe('__Host-session')
  })
})
