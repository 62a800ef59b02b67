import { expect, test } from 'vitest'

import type { LockProtocol } from '../../../src/layouts/layout.ts'
import { phpLocks } from '../../../src/layouts/php/php-layouts.ts'
import { StaleLockDetector } from '../../../src/locks/lock-manager.ts'
import type { Item } from '../../../src/types.ts'

const protocol = locksWith(60_000)
const item: Item = { lock: { N: '1' }, data: { S: 'a|i:1;' }, expires: { N: '2000000000' } }

function locksWith(staleAfterMs: number): LockProtocol {
  return phpLocks({ dataAttribute: 'data', ttlAttribute: 'expires', staleAfterMs })
}

test('a lock that has not changed for long enough can be taken over, if it still has not', () => {
  const stale = new StaleLockDetector()
  expect(stale.breakIfStale('k', item, protocol, 1000)).toBeUndefined()
  expect(stale.breakIfStale('k', item, protocol, 60_999)).toBeUndefined()
  expect(stale.breakIfStale('k', item, protocol, 61_000)).toEqual(protocol.takeOver?.(item))
})

test.each<[string, Item]>([
  ['data', { ...item, data: { S: 'a|i:2;' } }],
  ['expiry', { ...item, expires: { N: '2000000001' } }],
])('a change of the %s begins anew: the holder is alive', (_, changed) => {
  const stale = new StaleLockDetector()
  stale.breakIfStale('k', item, protocol, 0)
  expect(stale.breakIfStale('k', changed, protocol, 60_000)).toBeUndefined()
  expect(stale.breakIfStale('k', changed, protocol, 119_999)).toBeUndefined()
  expect(stale.breakIfStale('k', changed, protocol, 120_000)).toBeDefined()
})

test('a lock that comes after one that was given back is another one, however much it looks the same', () => {
  const stale = new StaleLockDetector()
  stale.breakIfStale('k', item, protocol, 0)
  stale.forget('k')
  expect(stale.breakIfStale('k', item, protocol, 60_000)).toBeUndefined()
  expect(stale.breakIfStale('k', item, protocol, 120_000)).toBeDefined()
})

test('each session is watched for itself', () => {
  const stale = new StaleLockDetector()
  stale.breakIfStale('k', item, protocol, 0)
  expect(stale.breakIfStale('other', item, protocol, 60_000)).toBeUndefined()
})

test('nothing is taken over where that is turned off, or where locks end by themselves', () => {
  const stale = new StaleLockDetector()
  const never = locksWith(0)
  const leased: Item = { ...item, ...protocol.taken('b3duZXItb3duZXI', 1) }
  for (const nowMs of [0, 1e9]) {
    expect(stale.breakIfStale('k', item, never, nowMs)).toBeUndefined()
    expect(stale.breakIfStale('l', leased, protocol, nowMs)).toBeUndefined()
  }
})

test('what is remembered has a limit (G12)', () => {
  const stale = new StaleLockDetector()
  stale.breakIfStale('first', item, protocol, 0)
  for (let count = 0; count < 10_000; count++) stale.breakIfStale(`k${count}`, item, protocol, 0)
  expect(stale.breakIfStale('first', item, protocol, 60_000)).toBeUndefined()
  expect(stale.breakIfStale('k9999', item, protocol, 60_000)).toBeDefined()
})
