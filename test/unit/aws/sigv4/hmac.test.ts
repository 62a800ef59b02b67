import { createHmac } from 'node:crypto'
import { inspect } from 'node:util'

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { HmacSha256 } from '../../../../src/aws/sigv4/signing-key.ts'

describe('HmacSha256', () => {
  it('gives what node:crypto gives, for any key and any texts in a row', () => {
    const texts = fc.array(fc.string({ unit: 'binary', maxLength: 300, size: 'max' }), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64, size: 'max' }), texts, (key, all) => {
        const hmac = new HmacSha256(key)
        for (const text of all)
          expect(hmac.hex(text)).toBe(createHmac('sha256', key).update(text).digest('hex'))
      }),
      { numRuns: 500 },
    )
  })

  it('refuses a key that would have to be hashed first', () => {
    expect(() => new HmacSha256(new Uint8Array(65))).toThrow(RangeError)
  })

  it('shows nothing of the key', () => {
    const hmac = new HmacSha256(Buffer.from('a secret signing key'))
    hmac.hex('text')
    expect(inspect(hmac, { showHidden: true, depth: 9 })).toBe('HmacSha256 {}')
  })
})
