/*
 * Loaders that cannot load ES modules with require(), and compilers that know no `exports`: Jest, ts-jest, TypeScript 5.
 */
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { beforeAll, describe, expect, it } from 'vitest'

import { engineCredentials, engineRegion, engine } from '../support/engines.ts'
import { areInstalled } from '../support/packages.ts'
import { root } from '../support/packed-package.ts'
import { SessionTable } from '../support/session-table.ts'
import { type Finished, installPackedApp, type PackedApp } from './packed-app.ts'

const toolsFolder = join(root, 'test/package/loaders')
const isThere = await areInstalled(toolsFolder, 'Jest and TypeScript 5')

/** Uses what is loaded at once and what is loaded later: locks, layouts, encryption, lists. */
const useOfStores = `
  const options = { table: process.env['TABLE'] ?? '', region: '${engineRegion}' }
  for (const more of [{ locking: true }, { layout: 'php' }, { encryption: { keys: [new Uint8Array(32)] } }] as const) {
    const store = new SessionStore<{ user: string }>({ ...options, ...more, hashIds: false, prefix: 'mine-' })
    await store.write('an-ID', { user: 'ada' })
    expect((await store.read('an-ID'))?.data).toEqual({ user: 'ada' })
    expect(await store.count()).toBe(1)
    await store.destroy('an-ID')
    await store.close()
  }
  expect(new DynamoDBStore(options)).toBeInstanceOf(Store)
  const elsewhere = new SessionStore({ ...options, table: 'no-such-table' })
  await expect(elsewhere.read('an-ID')).rejects.toBeInstanceOf(TableNotFoundError)
  await elsewhere.close()`
const useOfStoresInJavaScript = useOfStores.replaceAll(' as const', '').replace('<{ user: string }>', '')

const imports = `
import { Store } from 'express-session'
import { SessionStore, TableNotFoundError } from 'dynamodb-sessions'
import connectDynamoDB from 'dynamodb-sessions/connect-dynamodb'
import { DynamoDBStore } from 'dynamodb-sessions/express'
import dynamoDBDriver, { dynamoDBDriver as sameDriver } from 'dynamodb-sessions/unstorage'
`

const files: Readonly<Record<string, string>> = {
  'package.json': '{ "private": true }',
  'javascript.test.js': `
const { Store } = require('express-session')
const { SessionStore, TableNotFoundError } = require('dynamodb-sessions')
const { DynamoDBStore } = require('dynamodb-sessions/express')
test('sessions', async () => {${useOfStoresInJavaScript}
}, 60_000)`,
  'timers.test.js': `
const { Store } = require('express-session')
const { SessionStore, TableNotFoundError } = require('dynamodb-sessions')
const { DynamoDBStore } = require('dynamodb-sessions/express')
test('sessions, with fake timers, and without a global that jsdom lacks', async () => {
  jest.useFakeTimers()
  delete globalThis.setImmediate${useOfStoresInJavaScript}
}, 60_000)`,
  'module.test.mjs': `
import { createRequire } from 'node:module'
${imports}
test('sessions', async () => {${useOfStoresInJavaScript}
}, 60_000)
test('one instance', () => {
  const require = createRequire(import.meta.url)
  expect(require('dynamodb-sessions').SessionStore).toBe(SessionStore)
  expect(require('dynamodb-sessions/express').DynamoDBStore).toBe(DynamoDBStore)
  expect(require('dynamodb-sessions/connect-dynamodb')).toBe(connectDynamoDB)
})`,
  'typescript.test.ts': `${imports}
test('sessions', async () => {${useOfStores}
}, 60_000)
test('functions', () => {
  expect([connectDynamoDB, dynamoDBDriver, sameDriver].map(value => typeof value)).toEqual(['function', 'function', 'function'])
})`,
  'jest.config.js': `module.exports = {
    testEnvironment: 'node',
    transform: { 'ts$': ['ts-jest', { tsconfig: 'tsconfig.json' }] },
    testMatch: ['**/*.test.{js,mjs,ts}'],
  }`,
  'tsconfig.json': JSON.stringify({
    compilerOptions: { module: 'commonjs', target: 'es2022', strict: true, esModuleInterop: true },
  }),
}

let app: PackedApp

beforeAll(async () => {
  if (!isThere) return
  app = await installPackedApp()
  for (const [name, text] of Object.entries(files)) await writeFile(join(app.folder, name), text)
  const tools = await readdir(join(toolsFolder, 'node_modules'))
  for (const name of tools.filter(file => !file.startsWith('.'))) {
    await symlink(join(toolsFolder, 'node_modules', name), join(app.folder, 'node_modules', name))
  }
})

async function node(
  script: string,
  args: readonly string[],
  options: readonly string[] = [],
): Promise<Finished> {
  const table = await SessionTable.create(engine)
  return app.run(process.execPath, [...options, join('node_modules', script), ...args], {
    AWS_ACCESS_KEY_ID: engineCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: engineCredentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint,
    TABLE: table.name,
  })
}

describe.skipIf(!isThere)('Jest', () => {
  it.each([
    { files: ['javascript.test.js', 'timers.test.js', 'typescript.test.ts'], options: [], count: 4 },
    { files: ['module.test.mjs'], options: ['--experimental-vm-modules'], count: 2 },
  ])('runs $files', async ({ files: ran, options, count }) => {
    // One after the other: each empties the table.
    const { stderr } = await node('jest/bin/jest.js', ['--runInBand', ...ran], options)
    expect(stderr).toMatch(new RegExp(`^Tests: +${count} passed, ${count} total$`, 'm'))
  })
})

describe.skipIf(!isThere)('TypeScript 5', () => {
  const resolutions = [
    { module: 'commonjs', resolution: 'node10', apps: ['app.ts'] },
    { module: 'node16', resolution: 'node16', apps: ['app.cts', 'app.mts'] },
  ]

  it.each(resolutions)(
    'finds every entry by $resolution, from $apps',
    async ({ module, resolution, apps }) => {
      const { exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
        exports: object
      }
      const entries = Object.keys(exports).filter(path => !path.endsWith('.json'))
      // The frameworks that are not installed here have no types.
      const others = entries.filter(path => !/fastify|hono$|react-router/.test(path))
      const lines = others.map(path => `import 'dynamodb-sessions${path.slice(1)}'`)
      const code = `${imports}${lines.join('\n')}
      export const Stores: object[] = [connectDynamoDB({ Store }), DynamoDBStore, SessionStore, TableNotFoundError]
      export const drivers = [dynamoDBDriver({}), sameDriver({})]
      // @ts-expect-error: not an option
      new DynamoDBStore({ tabel: 'sessions' })`
      for (const file of apps) await writeFile(join(app.folder, file), code)
      const settings = ['--strict', '--noEmit', '--esModuleInterop', '--target', 'es2022', '--types', 'node']
      const ways = ['--module', module, '--moduleResolution', resolution]
      const { stdout } = await node('typescript/bin/tsc', [...settings, ...ways, ...apps])
      expect(stdout).toBe('')
    },
  )
})
