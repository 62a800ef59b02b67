import { describe, expect, test } from 'vitest'

import { shownKey } from '../../../src/cli/store-settings.ts'
import { hashSessionId } from '../../../src/layouts/native.ts'

describe('shownKey', () => {
  const hash = hashSessionId('a session')

  test('shows hashes, with and without a prefix', () => {
    expect(shownKey(hash, { prefix: '', hashIds: true, showData: false })).toBe(hash)
    expect(shownKey(`shop:${hash}`, { prefix: 'shop:', hashIds: true, showData: false })).toBe(`shop:${hash}`)
  })

  test.each([
    ['session IDs that are stored as they are', 'shop:', 'shop:SECRET', false],
    ['session IDs that are as long as a hash', '', 'S'.repeat(43), false],
    ['keys that are no hashes', '', 'SECRET', true],
  ])('hides %s, unless that is asked for', (_, prefix, key, hashIds) => {
    const hidden = shownKey(key, { prefix, hashIds, showData: false })
    expect(hidden).toMatch(new RegExp(`^${prefix}\\(hidden [0-9a-f]{10}\\)$`))
    expect(shownKey(key, { prefix, hashIds, showData: true })).toBe(key)
  })

  test('tells hidden keys apart', () => {
    const naming = { prefix: '', hashIds: false, showData: false }
    expect(shownKey('one', naming)).not.toBe(shownKey('two', naming))
  })
})
