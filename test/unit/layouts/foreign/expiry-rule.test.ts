import { describe, expect, test } from 'vitest'

import { SessionCorruptError } from '../../../../src/errors.ts'
import { expiryIn, NEVER_MS } from '../../../../src/layouts/foreign/define-layout.ts'
import type { Item } from '../../../../src/types.ts'

const seconds = expiryIn({ expires: 's' })
const both = expiryIn({ inMs: 'ms', inSeconds: 's' }, true)

describe('expiryIn', () => {
  test.each([
    ['whole seconds', '1936000000', 1_936_000_000_000],
    ['fractions of a second', '1936000000.251', 1_936_000_000_251],
    ['milliseconds', '1936000000251', 1_936_000_000_251],
    ['the last number that is seconds', '100000000000', 1e14],
    ['the first that is milliseconds', '100000000001', 100_000_000_001],
  ])('reads %s', (_, text, expiresMs) => {
    expect(seconds.expiryOf({ expires: { N: text } })).toBe(expiresMs)
  })

  test.each<[string, Item]>([
    ['is missing', {}],
    ['is NULL', { expires: { NULL: true } }],
    ['is a text', { expires: { S: '1936000000' } }],
    ['is no number', { expires: { N: 'NaN' } }],
  ])('an item whose expiry %s is no session', (_, item) => {
    expect(() => seconds.expiryOf(item)).toThrow(SessionCorruptError)
  })

  test('an item that need not have an expiry never expires without', () => {
    expect(both.expiryOf({ inMs: { NULL: true }, inSeconds: { NULL: true } })).toBe(NEVER_MS)
    expect(both.expiryOf({})).toBe(NEVER_MS)
  })

  test('the first attribute that has a number counts', () => {
    expect(both.expiryOf({ inMs: { N: '1936000000251' }, inSeconds: { N: '5' } })).toBe(1_936_000_000_251)
    expect(both.expiryOf({ inMs: { NULL: true }, inSeconds: { N: '1936000000' } })).toBe(1_936_000_000_000)
  })

  test('writes whole seconds, rounded up, and exact milliseconds', () => {
    expect(seconds.attributesOf(1_936_000_000_001)).toEqual({ expires: { N: '1936000001' } })
    expect(both.attributesOf(1_936_000_000_001)).toEqual({
      inMs: { N: '1936000000001' },
      inSeconds: { N: '1936000001' },
    })
  })

  test('writes no seconds that would be read as milliseconds', () => {
    const written = seconds.attributesOf(NEVER_MS)
    expect(written).toEqual({ expires: { N: '100000000000' } })
    expect(seconds.expiryOf(written)).toBe(1e14)
  })
})
