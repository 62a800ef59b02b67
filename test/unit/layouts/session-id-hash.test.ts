import { createHash } from 'node:crypto'

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { hashSessionId, SESSION_ID_HASH_LENGTH } from '../../../src/layouts/native.ts'

test.each([
  // Test vectors of FIPS 180-2 and of the empty text.
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
])('the hash of %j', (id, sha256) => {
  expect(hashSessionId(id)).toBe(Buffer.from(sha256, 'hex').toString('base64url'))
})

test('is the SHA-256 of the ID in UTF-8, always of the same length and fit for a key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), id => {
      const hash = hashSessionId(id)
      expect(hash).toBe(createHash('sha256').update(Buffer.from(id)).digest('base64url'))
      expect(hash).toMatch(/^[\w-]+$/)
      expect(hash).toHaveLength(SESSION_ID_HASH_LENGTH)
    }),
  )
})
