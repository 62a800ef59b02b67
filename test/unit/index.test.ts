import { readFile } from 'node:fs/promises'

import { expect, test } from 'vitest'

import * as root from '../../src/index.ts'

const errors = [
  'AccessDeniedError',
  'AttemptTimeoutError',
  'ClockSkewError',
  'ConfigurationError',
  'ConnectTimeoutError',
  'ConnectionError',
  'CredentialsError',
  'DeadlineExceededError',
  'DynamoDBError',
  'DynamoDBSessionsError',
  'LockLostError',
  'SessionConflictError',
  'SessionCorruptError',
  'SessionDecryptionError',
  'SessionLockedError',
  'SessionTooLargeError',
  'TableMismatchError',
  'TableNotFoundError',
  'ThrottlingError',
  'TransportError',
]
const classes = ['SessionLock', 'SessionRecord', 'SessionStore']
const types = [
  'CallOptions',
  'DestroyByUserOptions',
  'DynamoDBHealth',
  'ErrorCode',
  'GarbageCollectionOptions',
  'GarbageCollectionResult',
  'InvalidArgumentCode',
  'ListOptions',
  'LockOptions',
  'RegenerateOptions',
  'SessionConflict',
  'SessionData',
  'SessionStoreOptions',
  'TouchOptions',
  'UserSession',
  'WriteOptions',
]

test('the main entry exports the store, its records, locks, errors and option types, and nothing else', async () => {
  const source = await readFile(new URL('../../src/index.ts', import.meta.url), 'utf8')
  const lists = [...source.matchAll(/export (type )?\{([^}]*)\} from/g)]
  const exported = lists.flatMap(([, isType, names = '']) =>
    names
      .split(',')
      .map(name => name.trim())
      .filter(name => name !== '')
      .map(name => (isType === undefined ? name : `type ${name}`)),
  )
  const allTypes = types.map(name => `type ${name}`)
  expect(new Set(exported)).toEqual(new Set([...errors, ...classes, ...allTypes]))
  // Each list is complete: there are no exports but these.
  expect(source.match(/export/g)).toHaveLength(lists.length)
  expect(new Set(Object.keys(root))).toEqual(new Set([...errors, ...classes]))
})
