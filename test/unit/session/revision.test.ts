import { expect, test } from 'vitest'

import { newRevision } from '../../../src/session/revision.ts'

test('a revision is 72 random bits, and no two are the same', () => {
  const revisions = Array.from({ length: 1000 }, newRevision)
  expect(new Set(revisions).size).toBe(revisions.length)
  const alphabet = new Set<string>()
  for (const revision of revisions) {
    expect(revision).toMatch(/^[\w-]{12}$/)
    for (const character of revision) alphabet.add(character)
  }
  expect(alphabet.size).toBe(64)
})
