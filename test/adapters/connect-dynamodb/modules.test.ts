import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { engine, uniqueTableName } from '../../support/engines.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

const useOfStore = `
const store = new DynamoDBStore({ table: process.env.TABLE, reapInterval: 60000 })
store.set('one', { cookie: { maxAge: 60000 }, user: 'ada' }, error => {
  if (error) throw error
  store.get('one', (error, data) => {
    if (error) throw error
    console.log(data.user, DynamoDBStore.name, store instanceof session.Store)
  })
})
`

const apps = {
  'app.cjs': `
const session = require('express-session')
const connectDynamoDB = require('dynamodb-sessions/connect-dynamodb')
const DynamoDBStore = connectDynamoDB(session)
${useOfStore}`,
  'one-line.cjs': `
const session = require('express-session')
const DynamoDBStore = require('dynamodb-sessions/connect-dynamodb')({ session })
${useOfStore}`,
  'app.mjs': `
import session from 'express-session'
import connectDynamoDB from 'dynamodb-sessions/connect-dynamodb'
const DynamoDBStore = connectDynamoDB(session)
${useOfStore}`,
  'named.mjs': `
import session from 'express-session'
import { connectDynamoDB } from 'dynamodb-sessions/connect-dynamodb'
const DynamoDBStore = connectDynamoDB(session)
${useOfStore}`,
  // What a compiler makes of \`import connectDynamoDB from\` in a CommonJS project.
  'compiled.cjs': `
const withDefault = module => (module && module.__esModule ? module : { default: module })
const session = withDefault(require('express-session')).default
const connectDynamoDB = withDefault(require('dynamodb-sessions/connect-dynamodb')).default
const DynamoDBStore = connectDynamoDB(session)
${useOfStore}`,
  // And of \`import { connectDynamoDB } from\`.
  'compiled-named.cjs': `
const session = require('express-session')
const { connectDynamoDB } = require('dynamodb-sessions/connect-dynamodb')
const DynamoDBStore = connectDynamoDB(session)
${useOfStore}`,
}

describe('an app of the module system', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'connect-dynamodb-'))
    await mkdir(join(folder, 'node_modules'))
    await symlink(root, join(folder, 'node_modules/dynamodb-sessions'))
    await symlink(join(root, 'node_modules/express-session'), join(folder, 'node_modules/express-session'))
    for (const [name, text] of Object.entries(apps)) await writeFile(join(folder, name), text)
  })
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  test.each(Object.keys(apps))(
    'uses the factory as that of connect-dynamodb, and ends by itself: %s',
    async name => {
      const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', join(folder, name)], {
        env: {
          ...process.env,
          AWS_REGION: 'us-east-1',
          AWS_ACCESS_KEY_ID: 'local',
          AWS_SECRET_ACCESS_KEY: 'local',
          AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint,
          TABLE: uniqueTableName(),
        },
      })
      expect(stdout.trim()).toBe('ada DynamoDBStore true')
    },
  )
})
