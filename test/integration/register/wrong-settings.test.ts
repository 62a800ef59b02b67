import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Browser } from '../../support/browser.ts'
import { engine } from '../../support/engines.ts'
import { SessionTable } from '../../support/session-table.ts'
import { AppFolder } from './app-folder.ts'
import { expressApp, fastifyApp, koaSessionApp } from './apps.ts'
import { environmentFor } from './preload.ts'
import { visit } from './visit.ts'

let folder: AppFolder
let environment: Readonly<Record<string, string>>

beforeAll(async () => {
  folder = await AppFolder.create()
  for (const name of ['express', 'express-session', 'fastify', '@fastify/session', '@fastify/cookie']) {
    await folder.link(name)
  }
  await folder.write('express.cjs', expressApp('cjs'))
  await folder.write('express.mjs', expressApp('mjs'))
  await folder.write('fastify.mjs', fastifyApp('mjs'))
  for (const name of ['koa', 'koa-session']) await folder.link(name)
  await folder.write('koa.cjs', koaSessionApp('cjs'))
  await folder.write(
    'old/node_modules/koa-session/package.json',
    '{ "name": "koa-session", "version": "6.1.9" }',
  )
  await folder.write('old/node_modules/koa-session/index.js', 'module.exports = () => () => undefined')
  await folder.write('old/koa.cjs', koaSessionApp('cjs'))
  environment = environmentFor(await SessionTable.create(engine))
})

afterAll(async () => {
  await folder.remove()
})

function count(text: string, part: string): number {
  return text.split(part).length - 1
}

describe('a wrong setting', () => {
  it.each([
    { file: 'express.cjs', name: 'DYNAMODB_SESSIONS_TABLE', value: 'no table!' },
    { file: 'express.mjs', name: 'DYNAMODB_SESSIONS_TTL_SECONDS', value: 'soon' },
    { file: 'fastify.mjs', name: 'DYNAMODB_SESSIONS_HASH_IDS', value: 'perhaps' },
    // One of a few words: what was received is no secret.
    { file: 'express.cjs', name: 'DYNAMODB_SESSIONS_OPTIONAL', value: 'perhaps', isRepeated: true },
    { file: 'express.cjs', name: 'DYNAMODB_SESSIONS_REPLACE', value: 'something-else' },
    { file: 'koa.cjs', name: 'DYNAMODB_SESSIONS_REPLACE', value: 'koa-sesssion' },
  ])(
    '$name stops the start of $file with a message that names it',
    async ({ file, name, value, isRepeated }) => {
      const { exitCode, stdout, stderr } = await folder.run(file, {
        environment: { ...environment, [name]: value },
      })
      expect(exitCode).toBe(1)
      expect(stdout).toBe('')
      expect(stderr).toContain('dynamodb-sessions/register cannot keep the sessions of ')
      expect(stderr).toContain(`the environment variable ${name} must be `)
      expect(stderr.includes(value)).toBe(isRepeated ?? false)
    },
  )

  it('that nothing reads is told once, and the application starts', async () => {
    const app = await folder.start('express.cjs', {
      environment: { ...environment, DYNAMODB_SESSIONS_ENCRYPTOIN: 'hunter2' },
    })
    expect(await visit(new Browser(), app)).toMatchObject({ visits: 1, store: 'DynamoDBStore' })
    await app.kill()
    const warning =
      'DynamoDBSessionsWarning: nothing reads the environment variable DYNAMODB_SESSIONS_ENCRYPTOIN; did you mean ' +
      'DYNAMODB_SESSIONS_ENCRYPTION?'
    expect(count(app.stderr, warning)).toBe(1)
    expect(app.stderr).not.toContain('hunter2')
  })

  it('that a framework cannot go with stops the start, too', async () => {
    const { exitCode, stderr } = await folder.run('fastify.mjs', {
      environment: { ...environment, DYNAMODB_SESSIONS_LOCKING: 'true' },
    })
    expect(exitCode).toBe(1)
    expect(stderr).toContain('cannot keep the sessions of @fastify/session in DynamoDB: the option "locking"')
  })

  it('that asks for more than a version of a framework can do stops the start, too', async () => {
    const { exitCode, stderr } = await folder.run('old/koa.cjs', {
      environment: { ...environment, DYNAMODB_SESSIONS_REPLACE: 'koa-session' },
    })
    expect(exitCode).toBe(1)
    expect(stderr).toContain('koa-session 6.1.9 does not tell its store enough; 6.2 and newer do')
  })

  it.each(['1', 'true'])(
    'with DYNAMODB_SESSIONS_OPTIONAL=%s leaves the application as it was, and says so once',
    async optional => {
      await folder.write(
        'twice.cjs',
        expressApp('cjs').replace(
          'app.get(',
          "session({ secret: 'another', resave: false, saveUninitialized: false })\napp.get(",
        ),
      )
      const app = await folder.start('twice.cjs', {
        environment: {
          ...environment,
          DYNAMODB_SESSIONS_TABLE: 'no table!',
          DYNAMODB_SESSIONS_OPTIONAL: optional,
        },
      })
      const browser = new Browser()
      await visit(browser, app)
      expect(await visit(browser, app)).toEqual({ visits: 2, store: 'MemoryStore', isStore: true })
      await app.kill()
      expect(count(app.stderr, 'Warning: dynamodb-sessions/register cannot keep the sessions of ')).toBe(1)
      expect(app.stderr).toContain('the environment variable DYNAMODB_SESSIONS_TABLE must be ')
      // What express-session has to say of it, to each that uses it.
      expect(count(app.stderr, 'MemoryStore is not')).toBe(2)
    },
  )

  it('does not stop a program without sessions', async () => {
    await folder.write('plain.cjs', "require('express')\nconsole.log('done')")
    const ended = await folder.run('plain.cjs', {
      environment: {
        ...environment,
        DYNAMODB_SESSIONS_TABLE: 'no table!',
        DYNAMODB_SESSIONS_OPTIONAL: 'perhaps',
        DYNAMODB_SESSIONS_REPLACE: 'something-else',
      },
    })
    expect(ended).toEqual({ exitCode: 0, stdout: 'done\n', stderr: '' })
  })

  it('is what the environment says when the store is made: an application may read a .env file before', async () => {
    await folder.write(
      'dotenv.cjs',
      `process.env.DYNAMODB_SESSIONS_TABLE = process.env.FROM_FILE\n${expressApp('cjs')}`,
    )
    const { DYNAMODB_SESSIONS_TABLE: table = '', ...others } = environment
    const app = await folder.start('dotenv.cjs', { environment: { ...others, FROM_FILE: table } })
    expect(await visit(new Browser(), app)).toMatchObject({ visits: 1, store: 'DynamoDBStore' })
    await app.kill()
  })
})
