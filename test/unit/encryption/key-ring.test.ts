import { inspect } from 'node:util'

import { expect, test } from 'vitest'

import { DynamoDBSessionsError } from '../../../src/errors.ts'
import { KeyRing } from '../../../src/encryption/key-ring.ts'
import { keyIdOf, keyOfPassphrase } from './blobs.ts'

const key = Buffer.alloc(32, 5)

/** Counts what it derives, and derives a key whose bytes are the length of the passphrase. */
function countedStretch(): { passphrases: string[]; mostAtOnce: () => number; stretch: typeof stretch } {
  const passphrases: string[] = []
  let atOnce = 0
  let most = 0
  async function stretch(passphrase: string): Promise<Buffer> {
    passphrases.push(passphrase)
    most = Math.max(most, ++atOnce)
    await new Promise(setImmediate)
    atOnce--
    return Buffer.alloc(32, passphrase.length)
  }
  return { passphrases, mostAtOnce: () => most, stretch }
}

test('keys that are given as bytes need no preparation', () => {
  const ring = new KeyRing([key, Buffer.alloc(32, 6)])
  expect(ring.prepare()).toBeUndefined()
  expect(ring.current.id).toEqual(keyIdOf(key))
  expect(ring.current.secret.export()).toEqual(key)
  expect(ring.find(keyIdOf(Buffer.alloc(32, 6)))?.secret.export()).toEqual(Buffer.alloc(32, 6))
  expect(ring.find(keyIdOf(Buffer.alloc(32, 7)))).toBeUndefined()
})

test('the bytes are copied', async () => {
  const bytes = Buffer.from(key)
  const ring = new KeyRing([bytes, 'a passphrase to wait for'], countedStretch().stretch)
  bytes.fill(0)
  await ring.prepare()
  expect(ring.find(keyIdOf(key))?.secret.export()).toEqual(key)
  expect(ring.current.secret.export()).toEqual(key)
})

test('passphrases are derived once for parallel callers, one after another, and not again', async () => {
  const { passphrases, mostAtOnce, stretch } = countedStretch()
  const ring = new KeyRing(['first passphrase', key, 'the third passphrase'], stretch)
  expect(passphrases).toEqual([])
  await Promise.all(Array.from({ length: 20 }, async () => ring.prepare()))
  expect(passphrases).toEqual(['first passphrase', 'the third passphrase'])
  expect(mostAtOnce()).toBe(1)
  expect(ring.prepare()).toBeUndefined()
  expect(ring.current.secret.export()).toEqual(Buffer.alloc(32, 16))
  expect(ring.find(keyIdOf(key))?.secret.export()).toEqual(key)
  expect(ring.find(keyIdOf(Buffer.alloc(32, 20)))).toBeDefined()
})

test('a failure reaches every caller and is not remembered', async () => {
  let calls = 0
  const ring = new KeyRing(['a passphrase of some length'], async () => {
    calls++
    if (calls === 1) throw new Error('out of memory')
    return Buffer.alloc(32, 9)
  })
  const outcomes = await Promise.allSettled([ring.prepare(), ring.prepare()])
  expect(calls).toBe(1)
  for (const outcome of outcomes) {
    const reason: unknown = outcome.status === 'rejected' ? outcome.reason : undefined
    expect(reason).toBeInstanceOf(DynamoDBSessionsError)
    expect(reason).toMatchObject({ code: 'KEY_DERIVATION_FAILED', cause: { message: 'out of memory' } })
    expect(inspect(reason)).not.toContain('a passphrase of some length')
  }
  expect(() => ring.current).toThrow('before prepare()')
  await ring.prepare()
  expect(calls).toBe(2)
  expect(ring.current.secret.export()).toEqual(Buffer.alloc(32, 9))
})

test('Unicode forms of a passphrase give the same key', async () => {
  const ring = new KeyRing(['un mot de passe prote\u0301ge\u0301'])
  await ring.prepare()
  expect(ring.current.secret.export()).toEqual(keyOfPassphrase('un mot de passe prot\u00e9g\u00e9'))
})

test('the keys are not used before they are there', () => {
  const ring = new KeyRing(['a passphrase of some length', key], countedStretch().stretch)
  expect(() => ring.current).toThrow('before prepare()')
  expect(() => ring.find(keyIdOf(key))).toThrow('before prepare()')
})
