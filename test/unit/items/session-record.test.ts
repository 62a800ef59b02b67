import { inspect } from 'node:util'

import { expect, test } from 'vitest'

import { snapshotOf, SessionRecord, snapshotIn } from '../../../src/items/session-record.ts'

const session = {
  key: 'secret-key',
  data: { user: 'secret-user' },
  text: '{"user":"secret-user"}',
  revision: 'secret-revision',
  version: { S: 'secret-revision' },
  createdMs: 1_795_435_200_000,
  expiresMs: 1_795_435_260_001,
  user: 'secret-owner',
}

test('a record has what the session was read as', () => {
  const record = new SessionRecord(snapshotOf(session), 0)
  expect(record.data).toBe(session.data)
  expect(record.key).toBe('secret-key')
  expect(record.revision).toBe('secret-revision')
  expect(record.createdMs).toBe(1_795_435_200_000)
  expect(record.expiresMs).toBe(1_795_435_260_001)
  expect(record.userId).toBe('secret-owner')
})

test('a record has times by the clock of its machine, however wrong that is', () => {
  const record = new SessionRecord(snapshotOf(session), -86_400_000)
  expect(record.createdMs).toBe(1_795_435_200_000 + 86_400_000)
  expect(record.expiresMs).toBe(1_795_435_260_001 + 86_400_000)
})

test('a record may lack revision and beginning', () => {
  const record = new SessionRecord(
    snapshotOf({ ...session, revision: undefined, createdMs: undefined, user: undefined }),
    60_000,
  )
  expect(record.revision).toBeUndefined()
  expect(record.createdMs).toBeUndefined()
  expect(record.userId).toBeUndefined()
})

test('a record knows the version that it is of', () => {
  const version = snapshotOf(session)
  expect(snapshotIn(new SessionRecord(version, 0))).toBe(version)
  expect(version).toEqual({ session, baseText: session.text, lease: undefined })
})

test('printing a record shows none of its content (G9)', () => {
  const record = new SessionRecord(snapshotOf(session), 0)
  const printed = [
    inspect(record),
    inspect({ nested: [record] }, { depth: Infinity, showHidden: true }),
    JSON.stringify(record),
    Reflect.ownKeys(record).join(),
    Object.entries(record).join(),
  ].join('\n')
  expect(printed).not.toMatch(/secret|17954/)
  expect(printed).toContain('SessionRecord')
})
