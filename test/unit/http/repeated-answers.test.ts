import { describe, expect, it } from 'vitest'

import { RepeatedAnswers } from '../../../src/http/repeated-answers.ts'

describe('RepeatedAnswers', () => {
  it('takes an answer with the ID of the one before it for its copy', () => {
    const answers = new RepeatedAnswers()
    expect(answers.isCopy('A', undefined)).toBe(false)
    expect(answers.isCopy('A', 'A')).toBe(true)
    expect(answers.isCopy('B', undefined)).toBe(false)
    expect(answers.isCopy('B', 'B')).toBe(true)
  })

  it('takes answers without an ID, and with IDs of their own, as they come', () => {
    const answers = new RepeatedAnswers()
    expect(answers.isCopy(undefined, undefined)).toBe(false)
    expect(answers.isCopy('A', undefined)).toBe(false)
    expect(answers.isCopy(undefined, 'A')).toBe(false)
    expect(answers.isCopy('B', 'A')).toBe(false)
  })

  it('gives up on IDs that come on other connections too', () => {
    const answers = new RepeatedAnswers()
    expect(answers.isCopy('same', undefined)).toBe(false)
    expect(answers.isCopy('same', 'same')).toBe(true)
    // The request is sent again, on a new connection.
    expect(answers.isCopy('same', undefined)).toBe(false)
    expect(answers.isCopy('same', 'same')).toBe(false)
  })
})
