import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Browser } from '../../support/browser.ts'
import { engine } from '../../support/engines.ts'
import { root } from '../../support/packed-package.ts'
import { areInstalled } from '../../support/packages.ts'
import { SessionTable } from '../../support/session-table.ts'
import { withHooks } from '../../runtimes/runtime-packages.ts'
import { AppFolder, type AppProcess } from './app-folder.ts'
import { connectApp, expressApp, fastifyApp, honoApp, koaApp, koaSessionApp, nestApp } from './apps.ts'
import { environmentFor } from './preload.ts'
import { visit } from './visit.ts'

const olderFolder = fileURLToPath(new URL('packages', import.meta.url))
const nestFolder = join(root, 'test/adapters/nestjs')
const hasOlder = await areInstalled(olderFolder, 'older frameworks for the preload')
const hasNest = await areInstalled(nestFolder, 'NestJS')

/** An application; `replaced` when it has chosen where its sessions are, which the operator overrules. */
interface App {
  readonly text: string
  readonly replaced?: string
  /** Whether its framework is an ES module, which the preload reaches with `module.registerHooks`. */
  readonly needsHooks?: boolean
}

/** Also tried with `-r`. */
const commonApps: Readonly<Record<string, App>> = {
  'express.cjs': { text: expressApp('cjs') },
  'express.mjs': { text: expressApp('mjs') },
  'fastify.cjs': { text: fastifyApp('cjs') },
  'fastify.mjs': { text: fastifyApp('mjs') },
  'koa-generic.cjs': { text: koaApp('cjs') },
  'koa-generic.mjs': { text: koaApp('mjs') },
}

const memory = expressApp('mjs', 'store: new session.MemoryStore()')
const apps: Readonly<Record<string, App>> = {
  ...commonApps,
  'koa.cjs': { text: koaSessionApp('cjs'), replaced: 'koa-session' },
  'koa.mjs': { text: koaSessionApp('mjs'), replaced: 'koa-session', needsHooks: true },
  'hono.cjs': { text: honoApp('cjs'), replaced: 'hono-sessions, koa-session' },
  'hono.mjs': { text: honoApp('mjs'), replaced: 'hono-sessions', needsHooks: true },
  'express-memory.mjs': { text: memory, replaced: 'express-session' },
  ...(hasNest && {
    'nest-express.cjs': { text: nestApp('express') },
    'nest-fastify.cjs': { text: nestApp('fastify') },
  }),
  ...(hasOlder && {
    'connect.cjs': { text: connectApp('connect-2.7') },
    'express-3.cjs': { text: connectApp('express-3') },
    'koa-6/app.mjs': { text: koaSessionApp('mjs'), replaced: 'koa-session' },
  }),
}

/** Other versions of Node to run the applications with: paths, separated as in PATH. */
const otherNodes = (process.env['TEST_WITH_NODES'] ?? '').split(':').filter(path => path !== '')
if (otherNodes.length === 0) {
  process.stderr.write(
    `The preload is tested on Node ${process.version} only; TEST_WITH_NODES may name other executables.\n`,
  )
}

let folder: AppFolder

beforeAll(async () => {
  folder = await AppFolder.create()
  for (const name of ['express', 'express-session', 'fastify', '@fastify/session', '@fastify/cookie']) {
    await folder.link(name)
  }
  for (const name of ['koa', 'koa-generic-session', 'koa-session', 'hono', 'hono-sessions']) {
    await folder.link(name)
  }
  await folder.link('@hono/node-server')
  if (hasNest) for (const name of ['@nestjs', 'reflect-metadata']) await folder.link(name, nestFolder)
  if (hasOlder) {
    for (const name of ['connect-2.7', 'express-3']) await folder.link(name, olderFolder)
    await folder.link('koa-session', olderFolder, 'koa-6')
  }
  for (const [file, { text }] of Object.entries(apps)) await folder.write(file, text)
})

afterAll(async () => {
  await folder.remove()
})

describe.each([process.execPath, ...otherNodes])('unmodified applications on %s', node => {
  it.each([
    ...Object.entries(apps).map(([file, app]) => ['--import', file, app] as const),
    ...Object.entries(commonApps).map(([file, app]) => ['-r', file, app] as const),
  ])('%s %s: sessions survive the process that made them', async (option, file, app) => {
    const runtime = app.needsHooks === true ? await withHooks(node) : node
    if (runtime === undefined) return
    const table = await SessionTable.create(engine)
    const environment = {
      ...environmentFor(table, `${option} dynamodb-sessions/register`),
      DYNAMODB_SESSIONS_REPLACE: app.replaced ?? '',
    }
    const start = (): Promise<AppProcess> => folder.start(file, { environment, node: runtime })
    const [one, other] = await Promise.all([start(), start()])
    const browser = new Browser()
    expect(await visit(browser, one)).toMatchObject({ visits: 1 })
    expect(await visit(browser, other)).toMatchObject({ visits: 2 })
    expect(await visit(browser, one)).toMatchObject({ visits: 3 })
    await one.kill()
    expect(await visit(browser, other)).toMatchObject({ visits: 4 })
    const third = await start()
    expect(await visit(browser, third)).toMatchObject({ visits: 5 })

    expect(await table.items()).toHaveLength(1)
    // Nothing warns of a store in memory, nor of anything else.
    expect([one.stderr, other.stderr, third.stderr]).toEqual(['', '', ''])
    await Promise.all([other.kill(), third.kill()])
  })
})
