import { expect, test } from 'vitest'

import { isWriteOf, newMarker, revisionAfter } from '../../../src/items/session-record.ts'

test('a marker is 72 random bits, and no two are the same', () => {
  const markers = Array.from({ length: 1000 }, newMarker)
  expect(new Set(markers).size).toBe(markers.length)
  const alphabet = new Set<string>()
  for (const marker of markers) {
    expect(marker).toMatch(/^[\w-]{12}$/)
    for (const character of marker) alphabet.add(character)
  }
  expect(alphabet.size).toBe(64)
})

test('a revision remembers the four writes before it, in 44 characters', () => {
  const markers = Array.from({ length: 8 }, newMarker)
  let revision: string | undefined
  for (const [index, marker] of markers.entries()) {
    revision = revisionAfter(revision, marker)
    expect(revision).toMatch(/^[\w-]{12,44}$/)
    for (const [other, earlier] of markers.entries()) {
      expect(isWriteOf(earlier, revision)).toBe(other <= index && other >= index - 4)
    }
  }
  expect(revision).toHaveLength(44)
})

test('a revision of an older version, or of other software, is remembered as far as it goes', () => {
  const [old, marker, next] = [newMarker(), newMarker(), newMarker()]
  expect(isWriteOf(old, revisionAfter(old, marker))).toBe(true)
  expect(isWriteOf(old, old)).toBe(true)
  expect(isWriteOf(marker, undefined)).toBe(false)
  expect(revisionAfter(undefined, marker)).toBe(marker)
  for (const foreign of ['', 'x', 'x'.repeat(1000)]) {
    const revision = revisionAfter(revisionAfter(foreign, marker), next)
    expect(revision.length).toBeLessThanOrEqual(44)
    expect([marker, next, old].map(each => isWriteOf(each, revision))).toEqual([true, true, false])
  }
})
