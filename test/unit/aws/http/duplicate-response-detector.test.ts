import { describe, expect, it } from 'vitest'

import { RecentIds, DuplicateResponseDetector } from '../../../../src/aws/http/connection.ts'

describe('DuplicateResponseDetector', () => {
  it('takes an answer with the ID of the one before it on its connection for its copy', () => {
    const answers = new DuplicateResponseDetector()
    for (const id of ['A', 'B']) {
      const connection = new RecentIds()
      expect(answers.isDuplicate(id, connection)).toBe(false)
      expect(answers.isDuplicate(id, connection)).toBe(true)
    }
  })

  it('knows the last 16 answers of a connection', () => {
    const answers = new DuplicateResponseDetector()
    const connection = new RecentIds()
    for (let number = 0; number < 100; number++) {
      expect(answers.isDuplicate(`ID ${number}`, connection)).toBe(false)
    }
    for (let number = 84; number < 100; number++) {
      expect(answers.isDuplicate(`ID ${number}`, connection)).toBe(true)
    }
    expect(answers.isDuplicate('ID 83', connection)).toBe(false)
  })

  it('takes answers without an ID, with IDs of their own, and on other connections, as they come', () => {
    const answers = new DuplicateResponseDetector()
    const [first, second] = [new RecentIds(), new RecentIds()]
    expect(answers.isDuplicate(undefined, first)).toBe(false)
    expect(answers.isDuplicate('A', first)).toBe(false)
    expect(answers.isDuplicate(undefined, first)).toBe(false)
    expect(answers.isDuplicate(undefined, first)).toBe(false)
    expect(answers.isDuplicate('B', first)).toBe(false)
    expect(answers.isDuplicate('A', second)).toBe(false)
    // An answer without an ID in between changes nothing.
    expect(answers.isDuplicate('A', first)).toBe(true)
  })

  it.each([
    ['the same', ['same']],
    ['a few in turns', ['A', 'B', 'C']],
  ])('gives up on IDs where all answers have %s', (_, ids) => {
    const answers = new DuplicateResponseDetector()
    let connection = new RecentIds()
    let refused = 0
    for (let number = 0; number < 60; number++) {
      if (!answers.isDuplicate(ids[number % ids.length], connection)) continue
      refused++
      // The connection of a copy is closed, and its request is sent again on a new one.
      connection = new RecentIds()
    }
    expect(refused).toBe(1)
  })
})
