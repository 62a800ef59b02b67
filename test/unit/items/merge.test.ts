import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { isSameJson } from '../../../src/layouts/json.ts'
import { isUnchanged, mergeSessionData } from '../../../src/items/merge.ts'
import type { SessionData } from '../../../src/types.ts'

const cookie = { originalMaxAge: 60_000, expires: '2026-11-23T12:00:00.000Z', path: '/', httpOnly: true }

function merged(basis: SessionData, ours: SessionData, theirs: SessionData): SessionData {
  return mergeSessionData({ basis, ours, theirs }, isSameJson).data
}

describe('mergeSessionData (G2)', () => {
  test.each<[string, SessionData, SessionData, SessionData, SessionData, string[]]>([
    ['added on both sides', {}, { a: 1 }, { b: 2 }, { a: 1, b: 2 }, []],
    ['the same added on both sides', {}, { a: [1] }, { a: [1] }, { a: [1] }, []],
    ['changed by us', { a: 1 }, { a: 2 }, { a: 1 }, { a: 2 }, []],
    ['changed by them', { a: 1 }, { a: 1 }, { a: 2 }, { a: 2 }, []],
    ['changed by both', { a: 1 }, { a: 2 }, { a: 3 }, { a: 2 }, ['a']],
    ['removed by us', { a: 1, b: 1 }, { b: 1 }, { a: 1, b: 1 }, { b: 1 }, []],
    ['removed by them', { a: 1, b: 1 }, { a: 1, b: 1 }, { b: 1 }, { b: 1 }, []],
    ['removed by both', { a: 1 }, {}, {}, {}, []],
    ['removed by us, changed by them', { a: 1 }, {}, { a: 2 }, {}, ['a']],
    ['changed by us, removed by them', { a: 1 }, { a: 2 }, {}, { a: 2 }, ['a']],
    ['in another order', { a: { x: 1, y: 2 } }, { a: { y: 2, x: 1 } }, { a: { x: 9 } }, { a: { x: 9 } }, []],
  ])('%s', (_, basis, ours, theirs, data, conflictingKeys) => {
    expect(mergeSessionData({ basis, ours, theirs }, isSameJson)).toEqual({ data, conflictingKeys })
  })

  test('of two cookies that live equally long the later expiry counts', () => {
    const later = '2026-11-23T13:00:00.000Z'
    const renewed = { ...cookie, path: '/shop' }
    const ours = { cookie: renewed }
    expect(merged({ cookie }, ours, { cookie: { ...cookie, expires: later } })).toEqual({
      cookie: { ...renewed, expires: later },
    })
    expect(merged({ cookie }, { cookie: { ...renewed, expires: later } }, { cookie })).toEqual({
      cookie: { ...renewed, expires: later },
    })
    expect(merged({ cookie }, { cookie: { ...cookie, expires: null } }, { cookie })).toEqual({
      cookie: { ...cookie, expires: null },
    })
  })

  test('of the cookie, each side keeps the properties that it changed', () => {
    const [later, latest] = ['2026-11-23T13:00:00.000Z', '2026-12-07T12:00:00.000Z']
    const remembered = { ...cookie, originalMaxAge: 1_209_600_000, expires: latest, secure: true }
    const touched = { ...cookie, originalMaxAge: 59_999, expires: later }
    expect(merged({ cookie }, { cookie: touched, a: 1 }, { cookie: remembered })).toEqual({
      cookie: remembered,
      a: 1,
    })
    expect(merged({ cookie }, { cookie: remembered }, { cookie: touched, a: 1 })).toEqual({
      cookie: remembered,
      a: 1,
    })
    const shorter = { ...cookie, originalMaxAge: 1000, expires: '2026-11-23T11:00:00.000Z' }
    expect(merged({ cookie }, { cookie: touched }, { cookie: shorter })).toEqual({ cookie: shorter })
    expect(merged({ cookie }, { cookie: shorter }, { cookie: touched })).toEqual({ cookie: shorter })
    const { path: _, ...pathless } = cookie
    expect(merged({ cookie }, { cookie: pathless }, { cookie: { ...cookie, httpOnly: false } })).toEqual({
      cookie: { ...pathless, httpOnly: false },
    })
    expect(merged({}, { cookie: remembered }, { cookie })).toEqual({ cookie: remembered })
  })

  test('what an application keeps as "cookie" is data like any other', () => {
    expect(merged({ cookie: 'oat' }, { cookie: 'oat', a: 1 }, { cookie: 'rye' })).toEqual({
      cookie: 'rye',
      a: 1,
    })
    expect(merged({}, { a: 1 }, { cookie: { flavour: 'rye' } })).toEqual({ a: 1, cookie: { flavour: 'rye' } })
  })

  test('keys with a meaning in JavaScript are data', () => {
    const theirs = JSON.parse('{"__proto__":{"admin":true},"constructor":1}') as SessionData
    const data = merged({}, { toString: 2 }, theirs)
    expect(Object.keys(data).toSorted()).toEqual(['__proto__', 'constructor', 'toString'])
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype)
    expect(Reflect.get({}, 'admin')).toBeUndefined()
  })

  test('a side that changed nothing gets the other, and the order of the sides matters only for conflicts', () => {
    const json = fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.jsonValue({ maxDepth: 1 }))
    fc.assert(
      fc.property(json, json, json, (basis, ours, theirs) => {
        expect(isSameJson(merged(basis, basis, theirs), theirs)).toBe(true)
        expect(isSameJson(merged(basis, ours, basis), ours)).toBe(true)
        const { data, conflictingKeys } = mergeSessionData({ basis, ours, theirs }, isSameJson)
        const isSymmetric = isSameJson(data, merged(basis, theirs, ours))
        expect(isSymmetric || conflictingKeys.length > 0).toBe(true)
      }),
    )
  })
})

describe('isUnchanged', () => {
  test.each<[string, SessionData, SessionData, boolean]>([
    ['the same', { a: 1 }, { a: 1 }, true],
    ['another order', { a: 1, b: 2 }, { b: 2, a: 1 }, true],
    ['another value', { a: 1 }, { a: 2 }, false],
    ['another key', { a: 1 }, { b: 1 }, false],
    ['another expiry', { cookie }, { cookie: { ...cookie, expires: '2026-12-01T00:00:00.000Z' } }, true],
    [
      'a lifetime that a tick has changed',
      { cookie },
      { cookie: { ...cookie, originalMaxAge: 59_999 } },
      true,
    ],
    ['another lifetime', { cookie }, { cookie: { ...cookie, originalMaxAge: 3_600_000 } }, false],
    ['another path', { cookie }, { cookie: { ...cookie, path: '/shop' } }, false],
    ['a cookie that lasts for the session now', { cookie }, { cookie: { ...cookie, expires: null } }, false],
    ['no cookie any more', { cookie }, {}, false],
  ])('%s', (_, left, right, same) => {
    expect(isUnchanged(left, right, isSameJson)).toBe(same)
    expect(isUnchanged(right, left, isSameJson)).toBe(same)
  })
})
