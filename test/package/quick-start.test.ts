import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { beforeAll, describe, expect, it } from 'vitest'

import { createTable } from '../../src/table/create-table.ts'
import { connectionTo, engine, uniqueTableName } from '../support/engines.ts'
import { root } from '../support/packed-package.ts'
import { addFrameworks, installPackedApp, type PackedApp } from './packed-app.ts'
import { TypeChecker } from './type-checker.ts'

const readme = await readFile(join(root, 'README.md'), 'utf8')
const [code = ''] = blocksOf('js')
const [declaration = ''] = blocksOf('ts')
const { endpoint, region, credentials } = connectionTo(engine)

let app: PackedApp

beforeAll(async () => {
  app = await installPackedApp()
  await addFrameworks(app)
}, 120_000)

/** The blocks of code of the README in a language, in their order. */
function blocksOf(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(
    ([, text = '']) => text,
  )
}

function environmentWith(more: Readonly<Record<string, string>>): Record<string, string> {
  return {
    DYNAMODB_SESSIONS_ENDPOINT: endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    ...more,
  }
}

/** Runs the app of the README, with another table and a port that is free, and what is to follow. */
async function runApp(
  table: string,
  environment: Readonly<Record<string, string>>,
  listening = '',
): Promise<{ stdout: string; stderr: string }> {
  const adapted = code
    .replace("table: 'sessions', region: 'eu-west-1'", `table: '${table}', region: '${region}'`)
    .replace('app.listen(3000)', `const server = app.listen(0, '127.0.0.1', async () => {${listening}})`)
  await writeFile(join(app.folder, 'app.mjs'), adapted)
  return app.run(process.execPath, ['app.mjs'], environmentWith(environment))
}

describe('the quick start of the README', () => {
  it('compiles under strict, with the declaration that follows it', async () => {
    await using checker = new TypeChecker(app)
    await writeFile(join(app.folder, 'quick-start.mts'), `${declaration}\n${code}`)
    expect((await checker.check(['quick-start.mts'])).messages).toEqual([])
  })

  it('ends at once without its secret', async () => {
    const running = runApp(uniqueTableName(), { SESSION_SECRET: '' })
    await expect(running).rejects.toThrow('SESSION_SECRET is not set')
  })

  it('ends at once without its table, and says how to create it', async () => {
    const table = uniqueTableName()
    const running = runApp(table, { SESSION_SECRET: 'a secret' })
    await expect(running).rejects.toThrow(`npx dynamodb-sessions create-table --table ${table}`)
  })

  it('counts visits', async () => {
    const table = uniqueTableName()
    await createTable({ endpoint, region, credentials, table, onWarning: () => {} })
    const visits = `
      const url = 'http://127.0.0.1:' + server.address().port
      const first = await fetch(url)
      const cookie = first.headers.getSetCookie()[0].split(';')[0]
      const second = await fetch(url, { headers: { cookie } })
      console.log(await first.text(), await second.text())
      server.close()
      server.closeAllConnections()
      await store.close()
    `
    const { stdout } = await runApp(table, { SESSION_SECRET: 'a secret' }, visits)
    expect(stdout.trim()).toBe('visit 1 visit 2')
  })
})
