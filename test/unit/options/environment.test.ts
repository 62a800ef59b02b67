import expressSession from 'express-session'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { dynamoDBSecondaryStorage } from '../../../src/adapters/better-auth.ts'
import { connectDynamoDB } from '../../../src/adapters/connect-dynamodb.ts'
import { DynamoDBStore as HonoSessionsStore } from '../../../src/adapters/hono-sessions.ts'
import { dynamoDBDriver } from '../../../src/adapters/unstorage.ts'
import { webSessions } from '../../../src/adapters/web.ts'
import { isReplaced } from '../../../src/register/default-store.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import { knownVariables, ownVariables, unknownVariables } from '../../../src/options/environment.ts'
import { createTable } from '../../../src/table/create-table.ts'

const environment = process.env

afterEach(() => {
  process.env = environment
  vi.restoreAllMocks()
})

test('every variable that anything reads is known, and no other', async () => {
  const read = new Set<string>()
  process.env = new Proxy(environment, {
    get: (target, name) => {
      if (typeof name === 'string' && name.startsWith('DYNAMODB_SESSIONS_')) read.add(name)
      return target[String(name)]
    },
  })
  const opened = [
    new SessionStore(),
    webSessions({ cookie: { signed: false } }),
    dynamoDBSecondaryStorage(),
    new HonoSessionsStore(),
    new (connectDynamoDB(expressSession))(),
  ]
  const driver = dynamoDBDriver({})
  expect(isReplaced('connect-dynamodb', process.env)).toBe(false)
  await expect(createTable({ signal: AbortSignal.abort() })).rejects.toThrow('aborted')
  expect(Array.from(read).sort()).toEqual(knownVariables().fromEnvironment.toSorted())
  await Promise.all([...opened.map(async each => each.close()), driver.dispose()])
})

describe('a variable that nothing reads', () => {
  test.each([
    ['DYNAMODB_SESSIONS_ENCRYPTOIN', 'DYNAMODB_SESSIONS_ENCRYPTION'],
    ['DYNAMODB_SESSIONS_TTL', 'DYNAMODB_SESSIONS_TTL_SECONDS'],
    ['DYNAMODB_SESSIONS_SECRET', 'DYNAMODB_SESSIONS_SECRETS'],
    ['DYNAMODB_SESSIONS_OPTIONNAL', 'DYNAMODB_SESSIONS_OPTIONAL'],
  ])('%s is told with what may have been meant: %s', (name, meant) => {
    const text = `nothing reads the environment variable ${name}; did you mean ${meant}?`
    expect(unknownVariables({ [name]: 'hunter2' })).toEqual([text])
  })

  test('and resembles none is told with how they are named', () => {
    expect(unknownVariables({ DYNAMODB_SESSIONS_QUUX: 'hunter2' })).toEqual([
      'nothing reads the environment variable DYNAMODB_SESSIONS_QUUX; an option of SessionStore is read from ' +
        'DYNAMODB_SESSIONS_ and its name, as DYNAMODB_SESSIONS_TTL_SECONDS',
    ])
  })

  test('because a text cannot carry that option', () => {
    expect(unknownVariables({ DYNAMODB_SESSIONS_CREDENTIALS: 'hunter2' })).toEqual([
      'DYNAMODB_SESSIONS_CREDENTIALS is not read from the environment: give that option in code',
    ])
  })

  test('is not one that is empty, or of somebody else', () => {
    const variables = {
      DYNAMODB_SESSIONS_TTL: '',
      DYNAMODB_SESSIONS_TABLE: 'shop',
      DYNAMODB_TABLE: 'x',
      PATH: '/bin',
    }
    expect(unknownVariables(variables)).toEqual([])
    expect(ownVariables(variables)).toEqual(['DYNAMODB_SESSIONS_TABLE'])
  })

  test('is warned of with the first call of a store, once', async () => {
    process.env = { ...environment, DYNAMODB_SESSIONS_PREFIKS: 'x', DYNAMODB_SESSIONS_SECRETS: 'x' }
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    for (let count = 0; count < 2; count++) {
      const store = new SessionStore({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:1', maxAttempts: 1 })
      await expect(store.read('id')).rejects.toThrow('no AWS credentials')
      await store.close()
    }
    expect(warn.mock.calls).toEqual([
      [
        'nothing reads the environment variable DYNAMODB_SESSIONS_PREFIKS; did you mean DYNAMODB_SESSIONS_PREFIX?',
        'DynamoDBSessionsWarning',
      ],
    ])
  })
})
