import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Browser } from '../../support/browser.ts'
import { engine } from '../../support/engines.ts'
import { SessionTable } from '../../support/session-table.ts'
import { AppFolder } from './app-folder.ts'
import { expressApp, fastifyApp, koaApp } from './apps.ts'
import { environmentFor } from './preload.ts'
import { visit } from './visit.ts'

const apps = {
  'express.cjs': expressApp('cjs'),
  'express.mjs': expressApp('mjs'),
  'fastify.cjs': fastifyApp('cjs'),
  'fastify.mjs': fastifyApp('mjs'),
  'koa.cjs': koaApp('cjs'),
  'koa.mjs': koaApp('mjs'),
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
  for (const name of ['koa', 'koa-generic-session']) await folder.link(name)
  for (const [file, text] of Object.entries(apps)) await folder.write(file, text)
})

afterAll(async () => {
  await folder.remove()
})

describe.each([process.execPath, ...otherNodes])('unmodified applications on %s', node => {
  describe.each(['--import', '-r'])('%s', option => {
    it.each(Object.keys(apps))('%s: sessions survive the process that made them', async file => {
      const table = await SessionTable.create(engine)
      const environment = environmentFor(table, `${option} dynamodb-sessions/register`)
      const [one, other] = await Promise.all([
        folder.start(file, { environment, node }),
        folder.start(file, { environment, node }),
      ])
      const browser = new Browser()
      expect(await visit(browser, one)).toMatchObject({ visits: 1 })
      expect(await visit(browser, other)).toMatchObject({ visits: 2 })
      expect(await visit(browser, one)).toMatchObject({ visits: 3 })
      await one.kill()
      expect(await visit(browser, other)).toMatchObject({ visits: 4 })
      const third = await folder.start(file, { environment, node })
      expect(await visit(browser, third)).toMatchObject({ visits: 5 })

      expect(await table.items()).toHaveLength(1)
      // Nothing warns of a store in memory, nor of anything else.
      expect([one.stderr, other.stderr, third.stderr]).toEqual(['', '', ''])
      await Promise.all([other.kill(), third.kill()])
    })
  })
})
