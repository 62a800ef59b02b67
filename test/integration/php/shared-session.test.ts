import { randomBytes } from 'node:crypto'

import { describe, expect, onTestFinished, test } from 'vitest'

import { type WebSession, webSessions } from '../../../src/adapters/web.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { engine } from '../../support/engines.ts'
import { SessionTable } from '../../support/session-table.ts'
import { PhpApp, type PhpAppOptions } from './php-app.ts'
import { hasPhp } from './php-peer.ts'

type PhpOptions = Omit<Extract<SessionStoreOptions, { readonly layout: 'php' }>, 'layout'>

/** An application in Node next to the one in PHP: it opens the same sessions by the same cookie. */
type NodeApp = (
  cookieValue: string,
  handler: (session: WebSession<Record<string, unknown>>) => void,
) => Promise<Response>

interface BothApps {
  readonly php: PhpApp
  readonly node: NodeApp
}

const newId = (): string => randomBytes(16).toString('hex')
const sessionIdIn = (setCookie: string): string => /^PHPSESSID=([^;]+)/.exec(setCookie)?.[1] ?? ''

describe.skipIf(!hasPhp)('a PHP application and a Node application share sessions', () => {
  async function start(
    phpOptions: Omit<PhpAppOptions, 'engine' | 'table'>,
    options: PhpOptions,
  ): Promise<BothApps> {
    const table = await SessionTable.create(engine)
    const php = await PhpApp.start({ engine, table: table.name, ...phpOptions })
    const sessions = webSessions<Record<string, unknown>>({
      ...table.options,
      layout: 'php',
      ...options,
      cookie: { signed: false, name: 'PHPSESSID', allowHttp: true },
    })
    onTestFinished(async () => {
      php.close()
      await sessions.close()
    })
    return {
      php,
      node: (cookieValue, handler) => {
        const request = new Request('http://127.0.0.1/', {
          headers: { cookie: `PHPSESSID=${cookieValue}` },
        })
        return sessions.handle(request, session => {
          handler(session)
          return new Response()
        })
      },
    }
  }

  test.each<[string, Omit<PhpAppOptions, 'engine' | 'table'>, PhpOptions]>([
    ['as the AWS SDK for PHP does it', { dataAttributeType: 'binary' }, { dataAttributeType: 'binary' }],
    ['in base64', { base64: true }, { base64: true }],
    [
      'with php_serialize',
      { serializer: 'php_serialize', base64: true },
      { serializer: 'php_serialize', base64: true },
    ],
  ])('%s: they take turns', async (_, phpOptions, options) => {
    const { php, node } = await start(phpOptions, options)
    const id = newId()
    expect((await php.open('/visit', id)).session).toEqual({ visits: 1 })
    await node(id, session => {
      expect(session.get('visits')).toBe(1)
      session.set('visits', 2)
      session.set('name', 'Zoë')
    })
    expect((await php.open('/visit', id)).session).toEqual({ visits: 3, name: 'Zoë' })
    await node(id, session => {
      expect(session.get('visits')).toBe(3)
      session.delete('name')
    })
    expect((await php.open('/', id)).session).toEqual({ visits: 3 })
  })

  test('what Node does not touch is the same to PHP: objects, references, floats, large integers', async () => {
    const { php, node } = await start({ base64: true }, { base64: true })
    const id = newId()
    await php.open('/visit', id)
    const before = await php.open('/fill', id)
    await node(id, session => {
      expect(session.get('big')).toBe(9_223_372_036_854_775_807n)
      session.set('visits', 5)
    })
    const after = await php.open('/', id)
    expect(after).toEqual({ ...before, session: { ...before.session, visits: 5 } })
  })

  test('a session ID with commas, and a cookie that neither of them gives a lifetime', async () => {
    const settings = { 'session.sid_bits_per_character': '6', 'session.sid_length': '256' }
    const { php, node } = await start({ base64: true, settings }, { base64: true })
    let phpCookie = ''
    // One ID in fifty has none.
    while (!phpCookie.includes('%2C')) phpCookie = sessionIdIn(await php.openAsStranger('/visit'))
    const response = await node(phpCookie, session => {
      expect(session.get('visits')).toBe(1)
      session.regenerate()
    })
    const setCookie = response.headers.get('set-cookie') ?? ''
    expect(setCookie).not.toContain('Max-Age')
    expect((await php.open('/visit', sessionIdIn(setCookie))).session).toEqual({ visits: 2 })
    expect((await php.open('/', phpCookie)).session).toEqual([])
  })

  test('what one of them ends is ended for the other (G3)', async () => {
    const { php, node } = await start({ base64: true }, { base64: true })
    const id = newId()
    await php.open('/visit', id)
    await php.open('/end', id)
    await node(id, session => {
      expect(session.status).toBe('new')
    })
  })

  test('a lock that a crashed PHP request left behind is taken over', async () => {
    const table = await SessionTable.create(engine)
    const store = new SessionStore({
      ...table.options,
      layout: 'php',
      staleLockSeconds: 1,
    })
    onTestFinished(() => store.close())
    const id = newId()
    const expires = { N: String(Math.ceil(Date.now() / 1000) + 600) }
    await table.put({ id: { S: `PHPSESSID_${id}` }, data: { S: 'a|i:1;' }, expires, lock: { N: '1' } })
    await expect(store.lock(id, { maxWaitMs: 0 })).rejects.toMatchObject({ code: 'SESSION_LOCKED' })
    const lock = await store.lock(id, { maxWaitMs: 20_000, minRetryMs: 20, maxRetryMs: 100 })
    expect(lock?.record.data).toEqual({ a: 1 })
    expect(await store.write(id, { a: 2 }, { basis: lock?.record })).toBeDefined()
    expect(await table.item(`PHPSESSID_${id}`)).not.toHaveProperty('lock')
  })

  test('with locking, no increment of either is lost', async () => {
    const { php, node } = await start(
      { base64: true, locking: true },
      { base64: true, locking: { minRetryMs: 5, maxRetryMs: 40, maxWaitMs: 60_000 } },
    )
    const id = newId()
    await php.open('/visit', id)
    const byPhp = Array.from({ length: 12 }, () => php.open('/visit', id))
    const byNode = Array.from({ length: 12 }, () =>
      node(id, session => {
        session.set('visits', Number(session.get('visits')) + 1)
      }),
    )
    await Promise.all([...byPhp, ...byNode])
    expect((await php.open('/', id)).session).toEqual({ visits: 25 })
  })
})
