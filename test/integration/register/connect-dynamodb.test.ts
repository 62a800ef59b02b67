import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Browser } from '../../support/browser.ts'
import { engine } from '../../support/engines.ts'
import { SessionTable } from '../../support/session-table.ts'
import { AppFolder } from './app-folder.ts'
import { expressApp, type ModuleKind } from './apps.ts'
import { environmentFor } from './preload.ts'
import { visit } from './visit.ts'

const ORIGINAL = `
module.exports = function connectDynamoDB(session) {
  return class OriginalStore extends session.MemoryStore {}
}`

let folder: AppFolder

beforeAll(async () => {
  folder = await AppFolder.create()
  for (const name of ['express', 'express-session']) await folder.link(name)
  await folder.write(
    'node_modules/connect-dynamodb/package.json',
    '{ "name": "connect-dynamodb", "main": "./index" }',
  )
  await folder.write('node_modules/connect-dynamodb/index.js', ORIGINAL)
  await folder.write('node_modules/connect-dynamodb/lib/other.js', 'module.exports = 7')
})

afterAll(async () => {
  await folder.remove()
})

function app(kind: ModuleKind, table: SessionTable): string {
  const load = {
    cjs: "const connectDynamoDB = require('connect-dynamodb')",
    mjs: "import connectDynamoDB from 'connect-dynamodb'",
  }
  const options = JSON.stringify({ table: table.name, initialized: true })
  return `${load[kind]}\n${expressApp(kind, `store: new (connectDynamoDB(session))(${options})`)}`
}

describe('DYNAMODB_SESSIONS_REPLACE=connect-dynamodb', () => {
  it.each(['cjs', 'mjs'] as const)(
    'puts ours in the place of the package (%s), which is not even run',
    async kind => {
      const table = await SessionTable.create(engine)
      await folder.write('node_modules/connect-dynamodb/index.js', `throw new Error('it was run')`)
      await folder.write(`app.${kind}`, app(kind, table))
      const environment = { ...environmentFor(table), DYNAMODB_SESSIONS_REPLACE: 'connect-dynamodb' }
      const [one, other] = await Promise.all([
        folder.start(`app.${kind}`, { environment }),
        folder.start(`app.${kind}`, { environment }),
      ])
      const browser = new Browser()
      expect(await visit(browser, one)).toMatchObject({ visits: 1, isStore: true })
      expect(await visit(browser, other)).toMatchObject({ visits: 2, isStore: true })
      await one.kill()
      expect(await visit(browser, other)).toMatchObject({ visits: 3 })
      await other.kill()
      expect(await table.items('sess:')).toHaveLength(1)
    },
  )

  it('leaves other files of the package alone', async () => {
    await folder.write('other.cjs', "console.log(require('connect-dynamodb/lib/other'))")
    const environment = {
      NODE_OPTIONS: '--import dynamodb-sessions/register',
      DYNAMODB_SESSIONS_REPLACE: 'connect-dynamodb',
    }
    expect(await folder.run('other.cjs', { environment })).toEqual({ exitCode: 0, stdout: '7\n', stderr: '' })
  })

  it('is the wish of whoever sets it: without, the package is what it was', async () => {
    const table = await SessionTable.create(engine)
    await folder.write('node_modules/connect-dynamodb/index.js', ORIGINAL)
    await folder.write('app.cjs', app('cjs', table))
    const process = await folder.start('app.cjs', { environment: environmentFor(table) })
    expect(await visit(new Browser(), process)).toMatchObject({ visits: 1, store: 'OriginalStore' })
    await process.kill()
  })

  it.each([
    { optional: '', exitCode: 1 },
    { optional: '1', exitCode: 0 },
  ])(
    'of another package stops the start, unless it is optional ($exitCode)',
    async ({ optional, exitCode }) => {
      await folder.write('node_modules/connect-dynamodb/index.js', ORIGINAL)
      await folder.write('load.cjs', "console.log(require('connect-dynamodb').name)")
      const ended = await folder.run('load.cjs', {
        environment: {
          NODE_OPTIONS: '--import dynamodb-sessions/register',
          DYNAMODB_SESSIONS_REPLACE: 'connect-dynamo',
          DYNAMODB_SESSIONS_OPTIONAL: optional,
        },
      })
      expect(ended.exitCode).toBe(exitCode)
      expect(ended.stdout).toBe(exitCode === 0 ? 'connectDynamoDB\n' : '')
      expect(ended.stderr).toContain('dynamodb-sessions/register cannot replace connect-dynamodb: ')
      expect(ended.stderr).toContain(
        "the environment variable DYNAMODB_SESSIONS_REPLACE must be a list, separated by commas, of 'connect-dynamodb'",
      )
    },
  )
})
