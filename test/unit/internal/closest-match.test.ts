import { describe, expect, test } from 'vitest'

import { nearest } from '../../../src/internal/closest-match.ts'

const names = ['create-table', 'doctor', 'list', 'show', 'destroy', 'gc', 'stats']

describe('nearest', () => {
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
    expect(nearest(word, names)).toBe(candidate)
  })

  test.each(['frobnicate', 'x', '', 'lizzzt'])('%j is taken for nothing', word => {
    expect(nearest(word, names)).toBeUndefined()
  })

  test('a beginning is taken for the shortest', () => {
    expect(nearest('ttl', ['ttl_attribute', 'ttl_seconds'])).toBe('ttl_seconds')
  })

  test('counts letters that are added, left out, changed and swapped as one each', () => {
    expect(nearest('abcdef', ['abcdefg'])).toBe('abcdefg')
    expect(nearest('abcdef', ['abdef'])).toBe('abdef')
    expect(nearest('abcdef', ['abxdef'])).toBe('abxdef')
    expect(nearest('abcdef', ['abdcef'])).toBe('abdcef')
    expect(nearest('abcdef', ['bacdfex'])).toBeUndefined()
  })
})
