import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { Browser } from '../../support/browser.ts'
import { engine } from '../../support/engines.ts'
import { SessionTable } from '../../support/session-table.ts'
import { AppFolder } from './app-folder.ts'
import { expressApp, fastifyApp, honoApp, koaSessionApp } from './apps.ts'
import { environmentFor } from './preload.ts'
import { visit } from './visit.ts'

let folder: AppFolder
let table: SessionTable

beforeAll(async () => {
  folder = await AppFolder.create()
  for (const name of ['express', 'express-session', 'fastify', '@fastify/session', '@fastify/cookie']) {
    await folder.link(name)
  }
  for (const name of ['koa', 'koa-session', 'hono', 'hono-sessions', '@hono/node-server']) {
    await folder.link(name)
  }
})

beforeEach(async () => {
  table = await SessionTable.create(engine)
})

afterAll(async () => {
  await folder.remove()
})

async function visitTwice(
  file: string,
  more: Readonly<Record<string, string>> = {},
): Promise<{ readonly store: string | undefined; readonly stderr: string }> {
  const app = await folder.start(file, { environment: { ...environmentFor(table), ...more } })
  const browser = new Browser()
  expect(await visit(browser, app)).toMatchObject({ visits: 1 })
  const second = await visit(browser, app)
  expect(second).toMatchObject({ visits: 2 })
  await app.kill()
  return { store: second.store, stderr: app.stderr }
}

describe('an application that has chosen a store', () => {
  it.each(['cjs', 'mjs'] as const)(
    'keeps new MemoryStore(), and its warning, in Express (%s)',
    async kind => {
      await folder.write(`memory.${kind}`, expressApp(kind, 'store: new session.MemoryStore()'))
      const { store, stderr } = await visitTwice(`memory.${kind}`)
      expect(store).toBe('MemoryStore')
      expect(stderr).toContain('MemoryStore is not')
      expect(await table.items()).toEqual([])
    },
  )

  it('keeps a store that extends MemoryStore', async () => {
    const store = 'store: new (class OwnStore extends session.MemoryStore {})()'
    await folder.write('extended.cjs', expressApp('cjs', store))
    expect(await visitTwice('extended.cjs')).toMatchObject({ store: 'OwnStore' })
    expect(await table.items()).toEqual([])
  })

  it('keeps a store that calls the constructor of MemoryStore in the old way', async () => {
    const store = `store: (() => {
      function OwnStore() { session.MemoryStore.call(this) }
      require('node:util').inherits(OwnStore, session.MemoryStore)
      return new OwnStore()
    })()`
    await folder.write('called.cjs', expressApp('cjs', store))
    expect(await visitTwice('called.cjs')).toMatchObject({ store: 'OwnStore' })
    expect(await table.items()).toEqual([])
  })

  it('keeps the file of the store in memory as a package of its own uses it', async () => {
    await folder.write(
      'node_modules/some-store/index.js',
      "const Memory = require('express-session/session/memory')\nmodule.exports = () => new Memory()",
    )
    await folder.write('other.cjs', expressApp('cjs', "store: require('some-store')()"))
    expect(await visitTwice('other.cjs')).toMatchObject({ store: 'MemoryStore' })
    expect(await table.items()).toEqual([])
  })

  it.each(['new session.MemoryStore()', 'new session.Store(new Map())'])(
    'keeps %s in Fastify',
    async store => {
      await folder.write('chosen.mjs', fastifyApp('mjs', `store: ${store}`))
      expect(await visitTwice('chosen.mjs')).toMatchObject({ store: 'Store' })
      expect(await table.items()).toEqual([])
    },
  )

  it('keeps the cookie in which koa-session has the session', async () => {
    await folder.write('cookie.cjs', koaSessionApp('cjs'))
    await visitTwice('cookie.cjs')
    expect(await table.items()).toEqual([])
  })

  it.each(['store: new OwnStore()', 'ContextStore: OwnStore'])(
    'keeps %s of koa-session, also where koa-session is to be replaced',
    async store => {
      const own = `
        const kept = new Map()
        class OwnStore {
          get(key) { return kept.get(key) }
          set(key, session) { kept.set(key, session) }
          destroy(key) { kept.delete(key) }
        }`
      await folder.write('own.cjs', own + koaSessionApp('cjs', store))
      await visitTwice('own.cjs', { DYNAMODB_SESSIONS_REPLACE: 'koa-session' })
      expect(await table.items()).toEqual([])
    },
  )

  it('keeps a store that extends MemoryStore, also where express-session is to be replaced', async () => {
    const store = 'store: new (class OwnStore extends session.MemoryStore {})()'
    await folder.write('extended.cjs', expressApp('cjs', store))
    const replaced = { DYNAMODB_SESSIONS_REPLACE: 'express-session' }
    expect(await visitTwice('extended.cjs', replaced)).toMatchObject({ store: 'OwnStore' })
    expect(await table.items()).toEqual([])
  })

  it('keeps new MemoryStore() of hono-sessions, which has no default', async () => {
    await folder.write('hono.cjs', honoApp('cjs'))
    expect(await visitTwice('hono.cjs')).toMatchObject({ store: 'MemoryStore' })
    expect(await table.items()).toEqual([])
  })

  it('starts even when the settings for the store that it does not use are wrong', async () => {
    await folder.write('memory.cjs', expressApp('cjs', 'store: new session.MemoryStore()'))
    const environment = { ...environmentFor(table), DYNAMODB_SESSIONS_TABLE: 'no table!' }
    const app = await folder.start('memory.cjs', { environment })
    expect(await visit(new Browser(), app)).toMatchObject({ visits: 1, store: 'MemoryStore' })
    await app.kill()
  })
})
