import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { beforeAll, describe, expect, it } from 'vitest'

import { engine } from '../support/engines.ts'
import { SessionTable } from '../support/session-table.ts'
import { filesLoadedBy, type LoadedFiles, modulesIn } from './merged-files.ts'
import { root } from '../support/packed-package.ts'
import { addFrameworks, installPackedApp, type PackedApp } from './packed-app.ts'
import { TypeChecker } from './type-checker.ts'

const name = 'dynamodb-sessions'

/** What each entry loads at once, besides itself: no more than it has a use for. */
const chunksOfEntries: Readonly<Record<string, readonly string[]>> = {
  '.': ['core', 'errors', 'http'],
  './express': ['core', 'errors', 'http'],
  './fastify': ['core', 'errors', 'http'],
  './koa': ['core', 'errors', 'http'],
  './hono': ['core', 'entry-options', 'errors', 'http', 'web'],
  './hono-sessions': ['core', 'entry-options', 'errors', 'http'],
  './web': ['core', 'entry-options', 'errors', 'http', 'web'],
  './next': ['core', 'entry-options', 'errors', 'http', 'shared-sessions', 'web'],
  './sveltekit': ['core', 'entry-options', 'errors', 'http', 'shared-sessions', 'web'],
  './tanstack-start': ['core', 'entry-options', 'errors', 'http', 'shared-sessions', 'web'],
  './lambda': ['core', 'entry-options', 'errors', 'http', 'web'],
  './react-router': ['core', 'errors', 'http'],
  './unstorage': ['core', 'entry-options', 'errors', 'http', 'key-values', 'rolldown-runtime', 'scan'],
  './better-auth': ['core', 'entry-options', 'errors', 'http', 'key-values'],
  './connect-dynamodb': ['core', 'errors', 'http'],
  './php': ['errors', 'php'],
  './table': ['core', 'entry-options', 'errors', 'http', 'rolldown-runtime', 'table'],
  './credentials': [
    'cache-file',
    'container',
    'credentials-document',
    'default-provider',
    'errors',
    'http',
    'ini',
    'instance-metadata',
    'login',
    'process',
    'rolldown-runtime',
    'service-call',
    'settings',
    'sso',
    'sts',
  ],
  './diagnostics': ['errors'],
  './transport': ['errors', 'fetch-transport', 'http', 'rolldown-runtime'],
  './register': [],
}
const entries = Object.keys(chunksOfEntries)

let app: PackedApp
let dist: string

beforeAll(async () => {
  app = await installPackedApp()
  dist = join(app.folder, 'node_modules', name, 'dist')
  await addFrameworks(app)
})

function specifierOf(entry: string): string {
  return name + entry.slice(1)
}

async function loadedBy(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<LoadedFiles> {
  return filesLoadedBy(dist, record => app.run(process.execPath, args, { ...environment, ...record }))
}

function environmentOf(table: SessionTable): Record<string, string> {
  return {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: table.engine.endpoint,
    DYNAMODB_SESSIONS_TABLE: table.name,
    HOME: app.folder,
    USERPROFILE: app.folder,
  }
}

describe('the merged files', () => {
  it('hold each module once, so that there is one copy of each class', async () => {
    const files = (await readdir(dist, { recursive: true })).filter(file => file.endsWith('.js'))
    for (const isForBundlers of [false, true]) {
      const merged = files.filter(file => file.startsWith('esm') === isForBundlers)
      const codes = await Promise.all(merged.map(file => readFile(join(dist, file), 'utf8')))
      const modules = codes.flatMap(modulesIn)
      expect(modules.length).toBeGreaterThan(100)
      expect(modules.filter((module, index) => modules.indexOf(module) !== index)).toEqual([])
    }
  })

  it('are the entries of package.json', async () => {
    const { exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      readonly exports: object
    }
    expect(Object.keys(exports)).toEqual([...entries, './schema/options.schema.json', './package.json'])
  })

  it.each(Object.entries(chunksOfEntries))('%s loads no more than it needs', async (entry, chunks) => {
    const both = `require('${specifierOf(entry)}'); void import('${specifierOf(entry)}')`
    const { files } = await loadedBy(['--input-type=commonjs', '--eval', both])
    expect(files.some(file => file.endsWith('.mjs'))).toBe(entry !== './register')
    // The ES module is an addition, and not another copy of anything.
    const loaded = files.filter(file => /^(?:chunks|esm)\//.test(file))
    expect(loaded).toEqual(chunks.map(chunk => `chunks/${chunk}.js`))
  })

  it('export the same, of one instance, to import and to require()', async () => {
    const print = `
      import { createRequire } from 'node:module'
      const require = createRequire(import.meta.url)
      const differences = []
      let count = 0
      for (const specifier of ${JSON.stringify(entries.map(specifierOf))}) {
        const required = require(specifier)
        const { default: main, ...imported } = await import(specifier)
        for (const name of new Set([...Object.keys(required), ...Object.keys(imported)])) {
          if (name === 'default' ? required.default !== main : required[name] !== imported[name]) {
            differences.push(specifier + ' ' + name)
          }
          count++
        }
      }
      console.log(JSON.stringify({ differences, areMany: count > 60 }))`
    const { stdout, stderr } = await app.run(process.execPath, ['--input-type=module', '--eval', print])
    expect([JSON.parse(stdout), stderr]).toEqual([{ differences: [], areMany: true }, ''])
  })

  it('are functions where require() is to give one', async () => {
    const print = `
      const connectDynamoDB = require('${name}/connect-dynamodb')
      console.log([connectDynamoDB, connectDynamoDB.default, connectDynamoDB.connectDynamoDB].map(it => typeof it).join())`
    const { stdout } = await app.run(process.execPath, ['--input-type=commonjs', '--eval', print])
    expect(stdout).toBe('function,function,function\n')
  })

  it('export what their declarations say', async () => {
    const print = `
      const names = {}
      for (const specifier of ${JSON.stringify(entries.filter(entry => entry !== './register').map(specifierOf))}) {
        names[specifier] = Object.keys(await import(specifier))
      }
      console.log(JSON.stringify(names))`
    const { stdout } = await app.run(process.execPath, ['--input-type=module', '--eval', print])
    const namesOf = JSON.parse(stdout) as Readonly<Record<string, readonly string[]>>
    expect(namesOf['dynamodb-sessions/express']).toEqual(['DynamoDBStore'])
    const checks = Object.entries(namesOf).map(([specifier, names], index) => {
      const exported = Object.fromEntries(names.map(exportedName => [exportedName, true]))
      // Too few and too many names are errors of the compiler.
      return `import * as entry${index} from '${specifier}'
        void (${JSON.stringify(exported)} satisfies Record<keyof typeof entry${index}, true>)`
    })
    await writeFile(join(app.folder, 'exports.mts'), checks.join('\n'))
    await using checker = new TypeChecker(app)
    const { messages } = await checker.check(['exports.mts'])
    expect(messages).toEqual([])
  })
})

describe('on an engine', () => {
  it('a process loads eight files to read a session with credentials from its environment', async () => {
    const table = await SessionTable.create(engine)
    const { files } = await loadedBy(['read-express.mjs'], environmentOf(table))
    expect(files).toEqual([
      'adapters/express.js',
      'adapters/express.mjs',
      'chunks/core.js',
      'chunks/default-provider.js',
      'chunks/errors.js',
      'chunks/http.js',
      'chunks/rolldown-runtime.js',
      'chunks/settings.js',
    ])
  })

  it('a process that passes its credentials loads nothing that looks for them', async () => {
    const table = await SessionTable.create(engine)
    const { files, modules } = await loadedBy(['read-with-keys.mjs'], environmentOf(table))
    expect(files).toEqual([
      'chunks/core.js',
      'chunks/errors.js',
      'chunks/http.js',
      'chunks/rolldown-runtime.js',
      'chunks/settings.js',
      'index.js',
      'index.mjs',
    ])
    expect(modules).toContain('store/session-store.js')
    expect(modules.filter(module => module.startsWith('credentials/'))).toEqual([])
  })

  it('a store of one entry is a store to the others', async () => {
    const table = await SessionTable.create(engine)
    const { stdout, stderr } = await app.run(process.execPath, ['one-store.mjs'], environmentOf(table))
    expect([JSON.parse(stdout), stderr]).toEqual([{ found: [1, 1, 1], caught: [true, true] }, ''])
  })

  it.each(['express-session', '@fastify/session', 'koa-generic-session'])(
    'the preload keeps the sessions of %s',
    async framework => {
      const table = await SessionTable.create(engine)
      const { stdout, stderr } = await app.run(process.execPath, ['unmodified.cjs', framework], {
        ...environmentOf(table),
        NODE_OPTIONS: '--import dynamodb-sessions/register',
        NODE_ENV: 'production',
      })
      expect([JSON.parse(stdout), stderr]).toEqual([[1, 2], ''])
      expect(await table.items()).toHaveLength(1)
    },
  )
})

it('the preload puts ours in the place of connect-dynamodb', async () => {
  const folder = join(app.folder, 'node_modules/connect-dynamodb')
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), '{ "name": "connect-dynamodb" }')
  await writeFile(join(folder, 'index.js'), `throw new Error('it was run')`)
  const print = `
    const connectDynamoDB = require('connect-dynamodb')
    const session = require('express-session')
    console.log(connectDynamoDB(session).prototype instanceof session.Store)`
  const { stdout } = await app.run(process.execPath, ['--input-type=commonjs', '--eval', print], {
    NODE_OPTIONS: '--import dynamodb-sessions/register',
    DYNAMODB_SESSIONS_REPLACE: 'connect-dynamodb',
  })
  expect(stdout).toBe('true\n')
})

it('the executable knows its version, and what its commands load is there', async () => {
  const executable = join(app.folder, 'node_modules/.bin/dynamodb-sessions')
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(await app.run(executable, ['--version'])).toEqual({ stdout: `${version}\n`, stderr: '' })
  const { stdout } = await app.run(executable, ['create-table', '--print', 'terraform'])
  expect(stdout).toContain('aws_dynamodb_table')
})
