import expressSession from 'express-session'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import defaultExport, {
  connectDynamoDB,
  type DynamoDBStoreOptions,
} from '../../../src/adapters/connect-dynamodb.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import { Store } from './subject.ts'

describe('the factory', () => {
  test('is the default export, too', () => {
    expect(defaultExport).toBe(connectDynamoDB)
  })

  class OtherStore extends expressSession.Store {
    get(): void {
      // never called
    }
    set(): void {
      // never called
    }
    destroy(): void {
      // never called
    }
  }

  test.each([
    ['express-session', expressSession, expressSession.Store],
    ['{ session }', { session: expressSession }, expressSession.Store],
    ['an object with a Store', { Store: OtherStore }, OtherStore],
  ])('takes %s', (_name, connect, Parent) => {
    const MadeStore = connectDynamoDB(connect as typeof expressSession)
    const store = new MadeStore({ region: 'eu-west-1' })
    expect(store).toBeInstanceOf(Parent)
    expect(store).toBeInstanceOf(MadeStore)
    for (const method of ['get', 'set', 'touch', 'destroy', 'all', 'length', 'clear', 'ids'] as const) {
      expect(store[method]).toBeTypeOf('function')
    }
  })

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty object', {}],
    ['a store', { session: {} }],
  ])('refuses %s', (_name, connect) => {
    const call = (): void => void Reflect.apply(connectDynamoDB, undefined, [connect])
    expect(call).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('express-session') as string,
      }),
    )
  })
})

describe('the options', () => {
  test('have the defaults of connect-dynamodb', () => {
    expect(new Store()).toMatchObject({
      table: 'sessions',
      hashKey: 'id',
      prefix: 'sess:',
      readCapacityUnits: 5,
      writeCapacityUnits: 5,
      specialKeys: [],
      skipThrowMissingSpecialKeys: false,
      reapInterval: 0,
      initialized: false,
      client: undefined,
    })
  })

  test('show on the store', () => {
    const options = {
      table: 'other-sessions',
      hashKey: 'key',
      prefix: '',
      readCapacityUnits: 7,
      writeCapacityUnits: 8,
      specialKeys: [{ name: 'user', type: 'S' as const }],
      skipThrowMissingSpecialKeys: true,
      initialized: true,
      client: { config: { region: 'eu-west-1' } },
    }
    expect(new Store(options)).toMatchObject(options)
  })

  test('that are null are absent', () => {
    const nothing = {
      client: null,
      table: null,
      hashKey: null,
      prefix: null,
      readCapacityUnits: null,
      specialKeys: null,
      reapInterval: null,
      initialized: null,
    }
    const store = new Store(nothing as object)
    expect(store).toMatchObject({ table: 'sessions', prefix: 'sess:', readCapacityUnits: 5, reapInterval: 0 })
    expect(Reflect.construct(Store, [null])).toMatchObject({ table: 'sessions' })
  })

  test('take capacity units as text, as the environment has them', () => {
    const store = new Store({ readCapacityUnits: '25', writeCapacityUnits: '30' })
    expect(store).toMatchObject({ readCapacityUnits: 25, writeCapacityUnits: 30 })
  })

  test('may come from the environment', () => {
    process.env['DYNAMODB_SESSIONS_TABLE'] = 'table-of-the-environment'
    process.env['DYNAMODB_SESSIONS_PARTITION_KEY'] = 'key'
    process.env['DYNAMODB_SESSIONS_PREFIX'] = 'shop:'
    try {
      expect(new Store()).toMatchObject({
        table: 'table-of-the-environment',
        hashKey: 'key',
        prefix: 'shop:',
      })
      expect(new Store({ table: 'mine' })).toMatchObject({ table: 'mine' })
    } finally {
      for (const name of ['TABLE', 'PARTITION_KEY', 'PREFIX']) delete process.env[`DYNAMODB_SESSIONS_${name}`]
    }
  })

  test('include what Medusa passes', () => {
    const dynamodbOptions = {
      clientOptions: { endpoint: 'http://localhost:8000' },
      table: 'medusa-sessions',
      prefix: 'sess:',
      hashKey: 'id',
      readCapacityUnits: 5,
      writeCapacityUnits: 5,
      specialKeys: [],
      skipThrowMissingSpecialKeys: true,
      initialized: false,
    }
    const client = { config: { region: async () => 'eu-west-1', credentials: async () => ({}) } }
    expect(new Store({ ...dynamodbOptions, client })).toMatchObject({ table: 'medusa-sessions' })
  })

  test.each<[string, object]>([
    ['tabel', { tabel: 'sessions' }],
    ['table', { table: 'x' }],
    ['hashKey', { hashKey: '' }],
    ['prefix', { prefix: 7 }],
    ['readCapacityUnits', { readCapacityUnits: 0 }],
    ['readCapacityUnits', { readCapacityUnits: 'many' }],
    ['writeCapacityUnits', { writeCapacityUnits: 1.5 }],
    ['writeCapacityUnits', { writeCapacityUnits: Number.NaN }],
    ['specialKeys', { specialKeys: ['user'] }],
    ['specialKeys', { specialKeys: [{ name: 'user', type: 'B' }] }],
    ['skipThrowMissingSpecialKeys', { skipThrowMissingSpecialKeys: 'yes' }],
    ['reapInterval', { reapInterval: -1 }],
    ['reapInterval', { reapInterval: 2 ** 31 }],
    ['initialized', { initialized: 'true' }],
    ['clientOptions', { clientOptions: 'none' }],
    // They do not go with these items.
    ['layout', { layout: 'native' }],
    ['hashIds', { hashIds: true }],
    ['encryption', { encryption: { keys: ['a passphrase that is long'] } }],
    ['locking', { locking: true }],
    ['partitionKey', { partitionKey: 'id' }],
  ])('refuse a wrong one at once and name it: %s', (name, options) => {
    expect(() => new Store(options)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        name: 'TypeError',
        message: expect.stringContaining(`"${name}"`) as string,
      }),
    )
  })

  test.each([
    ['DYNAMODB_SESSIONS_LAYOUT', 'native'],
    ['DYNAMODB_SESSIONS_ENCRYPTION', 'a-passphrase-that-is-long'],
    ['DYNAMODB_SESSIONS_LOCKING', 'true'],
    ['DYNAMODB_SESSIONS_HASH_IDS', 'true'],
  ])('refuse %s=%s in the environment, which does not go with these items', (variable, text) => {
    vi.stubEnv(variable, text)
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(() => new Store({})).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(variable) as string,
      }),
    )
  })

  test.each(['id', 'sess', 'expires'])('refuse the special key "%s", which holds something else', name => {
    expect(() => new Store({ specialKeys: [{ name, type: 'S' }] })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`"${name}"`) as string,
      }),
    )
  })

  test.each(['sess', 'expires', 'type'])('refuse the hash key "%s", which holds something else', hashKey => {
    expect(() => new Store({ hashKey })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`"hashKey" cannot be "${hashKey}"`) as string,
      }),
    )
  })

  test.each<[string, unknown]>([
    ['a text', 'dynamodb'],
    ['an object without a configuration', {}],
    ['a configuration without a region', { config: { credentials: async () => ({}) } }],
    ['a SessionStore', new SessionStore()],
    ['a client of the AWS SDK v2', { config: { region: 'eu-west-1', getCredentials: () => undefined } }],
    ['credentials that are none', { config: { region: 'eu-west-1', credentials: {} } }],
  ])('refuse a client that cannot be read, and say what to pass: %s', (_name, client) => {
    expect(() => new Store({ client } as DynamoDBStoreOptions)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(
          /"client".*AWS SDK for JavaScript v3.*"region", "endpoint" and "credentials"/,
        ) as string,
      }),
    )
  })
})
