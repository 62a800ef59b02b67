import { describe, expect, test } from 'vitest'

import { byteSize, counted, duration, fields, isoTime, printable, shownKey } from '../../../src/cli/format.ts'
import { hashSessionId } from '../../../src/encryption/session-id-hash.ts'

describe('printable', () => {
  test('leaves text and line breaks alone', () => {
    expect(printable('Zoë\n→ 12 €')).toBe('Zoë\n→ 12 €')
  })

  test('spells out what a terminal would act on', () => {
    expect(printable('\u001B[2J\r\u009B1m\u202Eabc\u2028')).toBe(
      '\\u{1b}[2J\\u{d}\\u{9b}1m\\u{202e}abc\\u{2028}',
    )
  })
})

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

describe('numbers in words', () => {
  test.each([
    [0, '0 ms'],
    [400, '400 ms'],
    [1000, '1s'],
    [61_000, '1m 1s'],
    [3_600_000, '1h'],
    [90_061_000, '1d 1h'],
    [-5000, '5s'],
  ])('duration of %d', (ms, words) => {
    expect(duration(ms)).toBe(words)
  })

  test.each([
    [0, '0 bytes'],
    [1023, '1023 bytes'],
    [1536, '1.5 KB'],
    [409_600, '400 KB'],
    [5 * 1024 ** 4 * 1024, '5120 TB'],
  ])('byteSize of %d', (bytes, words) => {
    expect(byteSize(bytes)).toBe(words)
  })

  test('moments are in UTC, to the second', () => {
    expect(isoTime(Date.UTC(2026, 0, 31, 12, 0, 0, 999))).toBe('2026-01-31T12:00:00Z')
    expect(isoTime(Infinity)).toBe('never')
    expect(isoTime(8.64e15 + 1)).toBe('never')
  })

  test('a count names what it counts, in the singular or the plural', () => {
    expect([counted(0, 'item'), counted(1, 'item'), counted(1234, 'item')]).toEqual([
      '0 items',
      '1 item',
      '1,234 items',
    ])
  })

  test('fields are in columns', () => {
    expect(
      fields([
        ['a', '1'],
        ['long', '2'],
      ]),
    ).toBe('a     1\nlong  2\n')
  })
})
