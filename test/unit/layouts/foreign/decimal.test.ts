import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { decimalText } from '../../../../src/layouts/foreign/codecs.ts'

describe('decimalText', () => {
  test.each([
    [0, '0'],
    [-0, '0'],
    [1, '1'],
    [-12.5, '-12.5'],
    [1e21, `1${'0'.repeat(21)}`],
    [-1.25e22, `-125${'0'.repeat(20)}`],
    [1e-7, '0.0000001'],
    [-1.5e-9, '-0.0000000015'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
  ])('writes %d without an exponent', (number, text) => {
    expect(decimalText(number)).toBe(text)
  })

  test('is the same number, for every number in the range', () => {
    const inRange = fc
      .double({ noNaN: true, noDefaultInfinity: true, min: -9.99e125, max: 9.99e125 })
      .filter(number => number === 0 || Math.abs(number) >= 1e-130)
    fc.assert(
      fc.property(inRange, number => {
        const text = decimalText(number)
        expect(text).toMatch(/^-?\d+(?:\.\d+)?$/)
        expect(Number(text)).toBe(number === 0 ? 0 : number)
      }),
    )
  })

  test.each([1e126, -1e200, Number.MAX_VALUE, 1e-131, -Number.MIN_VALUE])('refuses %d', number => {
    expect(() => decimalText(number)).toThrow(expect.objectContaining({ code: 'INVALID_SESSION_DATA' }))
  })
})
