import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { isSameJson, jsonCodec } from '../../../src/layouts/json.ts'
import { isUnchanged } from '../../../src/items/merge.ts'
import type { SessionData } from '../../../src/types.ts'

const cookie = { originalMaxAge: 60_000, expires: '2026-11-23T12:00:00.000Z', path: '/' }
const later = { ...cookie, expires: '2026-11-24T12:00:00.000Z' }

function partsOf(left: SessionData, right: SessionData): unknown {
  const parts = jsonCodec.differingParts?.(JSON.stringify(left), JSON.stringify(right))
  return parts?.map(part => JSON.parse(part) as unknown)
}

describe('the differing parts of two JSON texts', () => {
  test.each<[string, SessionData, SessionData, unknown]>([
    [
      'the cookies, when the rest is the same',
      { cookie, a: 1 },
      { cookie: later, a: 1 },
      [{ cookie }, { cookie: later }],
    ],
    ['the cookies, when there is no more', { cookie }, { cookie: later }, [{ cookie }, { cookie: later }]],
    ['none, when the rest differs', { cookie, a: 1 }, { cookie: later, a: 2 }, undefined],
    ['none, when one has more', { cookie }, { cookie, a: 2 }, undefined],
    ['none, when there are no cookies', { a: 1 }, { a: 2 }, undefined],
    ['none, when there are no cookies, and one has more', { a: 1 }, { a: 1, b: 2 }, undefined],
    [
      'all, when the order differs',
      { cookie, a: 1, b: 2 },
      { cookie, b: 2, a: 1 },
      [
        { cookie, a: 1, b: 2 },
        { cookie, b: 2, a: 1 },
      ],
    ],
    [
      'all, when the order differs and there are no cookies',
      { a: 1, b: 2 },
      { b: 2, a: 1 },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
    ],
    [
      'all, when it could be the order that differs',
      { cookie, a: 12 },
      { cookie, a: 21 },
      [
        { cookie, a: 12 },
        { cookie, a: 21 },
      ],
    ],
    [
      'all, when a cookie comes later',
      { a: 1, cookie },
      { cookie, a: 1 },
      [
        { a: 1, cookie },
        { cookie, a: 1 },
      ],
    ],
    ['all, when a cookie is no object', { cookie: 'x' }, { cookie }, [{ cookie: 'x' }, { cookie }]],
    [
      'the cookies, whatever their texts hold',
      { cookie: { path: '/}"{\\' }, a: '}' },
      { cookie: { path: '/\\"}', nested: { deeper: ['}', {}] } }, a: '}' },
      [{ cookie: { path: '/}"{\\' } }, { cookie: { path: '/\\"}', nested: { deeper: ['}', {}] } } }],
    ],
  ])('are %s', (_, left, right, parts) => {
    expect(partsOf(left, right)).toEqual(parts)
  })

  test('tell what the whole texts tell', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', '\\', '{', '}', ':', ',') })
    const key = fc.constantFrom('a', 'b', 'cookie', '__proto__')
    const value = fc.oneof(text, fc.dictionary(key, text), fc.constant(cookie), fc.constant(later))
    const session = fc.oneof(
      fc.dictionary(key, value),
      fc
        .tuple(
          fc.oneof(value, fc.constantFrom(cookie, later)),
          fc.dictionary(fc.constantFrom('a', 'b'), text),
        )
        .map(([first, rest]) => Object.assign({ cookie: first }, rest)),
    )
    fc.assert(
      fc.property(session, session, (left, right) => {
        const [leftText, rightText] = [JSON.stringify(left), JSON.stringify(right)]
        if (leftText === rightText) return
        const parts = jsonCodec.differingParts?.(leftText, rightText)
        const [ours, seen] = parts ?? ['{"differs":true}', '{}']
        expect(isUnchanged(jsonCodec.decode(ours), jsonCodec.decode(seen), isSameJson)).toBe(
          isUnchanged(jsonCodec.decode(leftText), jsonCodec.decode(rightText), isSameJson),
        )
      }),
      { numRuns: 5000 },
    )
  })
})
