import { describe, expect, test } from 'vitest'

import { closestMatch } from '../../../src/internal/message-text.ts'

const names = ['create-table', 'doctor', 'list', 'show', 'destroy', 'gc', 'stats']

describe('closestMatch', () => {
  test.each([
    ['lst', 'list'],
    ['lits', 'list'],
    ['LIST', 'list'],
    ['docter', 'doctor'],
    ['destory', 'destroy'],
    ['create-tabel', 'create-table'],
    ['create', 'create-table'],
    ['stat', 'stats'],
  ])('%s is taken for %s', (word, candidate) => {
    expect(closestMatch(word, names)).toBe(candidate)
  })

  test.each(['frobnicate', 'x', '', 'lizzzt'])('%j is taken for nothing', word => {
    expect(closestMatch(word, names)).toBeUndefined()
  })

  test('a beginning is taken for the shortest', () => {
    expect(closestMatch('ttl', ['ttl_attribute', 'ttl_seconds'])).toBe('ttl_seconds')
  })

  test('counts letters that are added, left out, changed and swapped as one each', () => {
    expect(closestMatch('abcdef', ['abcdefg'])).toBe('abcdefg')
    expect(closestMatch('abcdef', ['abdef'])).toBe('abdef')
    expect(closestMatch('abcdef', ['abxdef'])).toBe('abxdef')
    expect(closestMatch('abcdef', ['abdcef'])).toBe('abdcef')
    expect(closestMatch('abcdef', ['bacdfex'])).toBeUndefined()
  })
})
