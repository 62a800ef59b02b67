import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { Browser } from '../../support/browser.ts'
import { engine } from '../../support/engines.ts'
import { SessionTable } from '../../support/session-table.ts'
import { withHooks } from '../../runtimes/runtime-packages.ts'
import { AppFolder } from './app-folder.ts'
import { expressApp, fastifyApp } from './apps.ts'
import { environmentFor } from './preload.ts'
import { visit } from './visit.ts'

/** What express-session and @fastify/session need; their copies find it at the top. */
const dependencies =
  'cookie cookie-signature debug ms depd on-headers parseurl safe-buffer uid-safe ' +
  'random-bytes fastify-plugin safe-stable-stringify @fastify/cookie'

let folder: AppFolder
let table: SessionTable

beforeEach(async () => {
  folder = await AppFolder.create()
  table = await SessionTable.create(engine)
  for (const name of ['express', 'fastify', ...dependencies.split(' ')]) await folder.link(name)
})

afterEach(async () => {
  await folder.remove()
})

describe('sessions go to the table', () => {
  it('from a copy of express-session in the node_modules of a framework, when there is no other', async () => {
    await folder.copyInto('framework', 'express-session')
    await folder.write('node_modules/framework/index.js', expressApp('cjs'))
    await folder.write('app.mjs', "import 'framework'")
    const app = await folder.start('app.mjs', { environment: environmentFor(table) })
    const browser = new Browser()
    await visit(browser, app)
    expect(await visit(browser, app)).toEqual({ visits: 2, store: 'DynamoDBStore', isStore: true })
    expect(await table.items()).toHaveLength(1)
    expect(app.stderr).toBe('')
  })

  it('from a copy of express-session beside the one of the application, each with a Store of its own', async () => {
    await folder.link('express-session')
    await folder.copyInto('framework', 'express-session')
    await folder.write('node_modules/framework/index.js', expressApp('cjs'))
    await folder.write('app.cjs', `require('framework')\n${expressApp('cjs').replace('listening on', 'and')}`)
    await folder.write('reverse.cjs', `${expressApp('cjs')}\nrequire('framework')`)
    for (const file of ['app.cjs', 'reverse.cjs']) {
      const app = await folder.start(file, { environment: environmentFor(table) })
      const answer = await visit(new Browser(), app)
      expect(answer).toEqual({ visits: 1, store: 'DynamoDBStore', isStore: true })
    }
    expect(await table.items()).toHaveLength(2)
  })

  it('from a copy of @fastify/session in the node_modules of a framework', async () => {
    await folder.copyInto('framework', '@fastify/session')
    await folder.write('node_modules/framework/index.mjs', fastifyApp('mjs'))
    await folder.write('node_modules/framework/package.json', '{ "exports": "./index.mjs" }')
    await folder.write('app.mjs', "import 'framework'")
    const app = await folder.start('app.mjs', { environment: environmentFor(table) })
    const browser = new Browser()
    await visit(browser, app)
    expect(await visit(browser, app)).toEqual({ visits: 2, store: 'DynamoDBStore' })
    expect(await table.items()).toHaveLength(1)
  })

  it('from worker threads', async () => {
    await folder.link('express-session')
    await folder.write('app.cjs', expressApp('cjs'))
    await folder.write(
      'main.mjs',
      "import { Worker } from 'node:worker_threads'\nnew Worker(new URL('app.cjs', import.meta.url))",
    )
    const app = await folder.start('main.mjs', { environment: environmentFor(table) })
    const browser = new Browser()
    await visit(browser, app)
    expect(await visit(browser, app)).toMatchObject({ visits: 2, store: 'DynamoDBStore' })
    expect(await table.items()).toHaveLength(1)
  })

  it('from all processes of a cluster', async () => {
    await folder.link('express-session')
    await folder.write('app.cjs', expressApp('cjs'))
    await folder.write(
      'cluster.cjs',
      `const cluster = require('node:cluster')
       cluster.setupPrimary({ exec: __dirname + '/app.cjs' })
       for (let count = 0; count < 2; count++) cluster.fork()
       cluster.on('disconnect', () => { if (Object.keys(cluster.workers).length === 0) process.exit() })
       process.on('SIGTERM', () => { for (const worker of Object.values(cluster.workers)) worker.kill() })`,
    )
    const app = await folder.start('cluster.cjs', { environment: environmentFor(table) })
    const browser = new Browser()
    for (let visits = 1; visits <= 4; visits++) {
      expect(await visit(browser, app)).toMatchObject({ visits, store: 'DynamoDBStore' })
    }
    await app.stop()
  })
})

describe('next to other tools', () => {
  const replaceCompiler = `
    const Module = require('node:module')
    const { readFileSync } = require('node:fs')
    Module._extensions['.js'] = (module, filename) => { module._compile(readFileSync(filename, 'utf8'), filename) }`
  const wrapRequire = `
    const Module = require('node:module')
    const { require: original } = Module.prototype
    Module.prototype.require = function (id) { return original.call(this, id) }`

  it.each([
    ['one that replaces the compiler of .js files', replaceCompiler],
    ['one that wraps require', wrapRequire],
    ['one that formats stacks', "Error.prepareStackTrace = () => 'no stack'\nError.stackTraceLimit = 0"],
  ])('%s, loaded before or after', async (_what, text) => {
    await folder.link('express-session')
    await folder.write('tool.cjs', text)
    await folder.write('app.cjs', expressApp('cjs'))
    const preload = '-r dynamodb-sessions/register'
    for (const options of [`${preload} -r ./tool.cjs`, `-r ./tool.cjs ${preload}`]) {
      const app = await folder.start('app.cjs', { environment: environmentFor(table, options) })
      expect(await visit(new Browser(), app)).toMatchObject({ store: 'DynamoDBStore' })
      await app.kill()
    }
  })

  it('one that hands out the sources of CommonJS modules to ES modules', async () => {
    const node = await withHooks(process.execPath)
    if (node === undefined) return
    await folder.link('express-session')
    await folder.write(
      'sources.mjs',
      `import { readFileSync } from 'node:fs'
       import { fileURLToPath } from 'node:url'
       export async function load(url, context, nextLoad) {
         const loaded = await nextLoad(url, context)
         return loaded.format === 'commonjs' ? { ...loaded, source: readFileSync(fileURLToPath(url)) } : loaded
       }`,
    )
    await folder.write(
      'tool.mjs',
      "import { register } from 'node:module'\nregister('./sources.mjs', import.meta.url)",
    )
    await folder.write('app.mjs', expressApp('mjs'))
    const preload = '--import dynamodb-sessions/register'
    for (const options of [`${preload} --import ./tool.mjs`, `--import ./tool.mjs ${preload}`]) {
      const environment = { ...environmentFor(table, options), NODE_NO_WARNINGS: '1' }
      const app = await folder.start('app.mjs', { environment, node })
      expect(await visit(new Browser(), app)).toMatchObject({ store: 'DynamoDBStore', isStore: true })
      await app.kill()
    }
  })
})
