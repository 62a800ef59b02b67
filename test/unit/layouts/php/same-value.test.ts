import { describe, expect, test } from 'vitest'

import { PhpArray, PhpBytes, PhpFloat } from '../../../../src/layouts/php/values.ts'
import { isSamePhpValue } from '../../../../src/layouts/php/js-values.ts'
import { phpUnserialize } from '../../../../src/layouts/php/serialize.ts'
import { thrownBy } from '../../../support/failure.ts'
import { bytesOf } from './php-text.ts'

const read = (text: string): unknown => phpUnserialize(bytesOf(text))

describe('the same', () => {
  test.each<[unknown, unknown]>([
    [undefined, undefined],
    [5, 5n],
    [Number.NaN, Number.NaN],
    [1.5, new PhpFloat(1.5)],
    [2 ** 53, new PhpFloat(2 ** 53)],
    ['é', new PhpBytes(new TextEncoder().encode('é'))],
    [Uint8Array.of(255), new PhpBytes(Uint8Array.of(255))],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [[], {}],
    [{ a: undefined, b: 1 }, { b: 1 }],
    [[undefined], [null]],
    [{ 0: 'a', 1: 'b' }, ['a', 'b']],
    [new PhpArray([['a', [1]]]), { a: [1] }],
    [read('O:1:"A":1:{s:1:"x";r:1;}'), (read('a:2:{i:0;i:1;i:1;O:1:"A":1:{s:1:"x";r:3;}}') as unknown[])[1]],
    [read('a:1:{i:0;a:1:{i:0;R:2;}}'), read('a:1:{i:0;a:1:{i:0;R:2;}}')],
  ])('%o and %o', (left, right) => {
    expect(isSamePhpValue(left, right)).toBe(true)
    expect(isSamePhpValue(right, left)).toBe(true)
  })
})

describe('not the same', () => {
  test.each<[unknown, unknown]>([
    [undefined, null],
    [0, -0],
    [5, '5'],
    [5, new PhpFloat(5)],
    [2 ** 53, 2n ** 53n],
    [1, true],
    [null, false],
    ['a', 'b'],
    [[1, 2], [1]],
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    [{ a: 1 }, { b: 1 }],
    [[], ''],
    [read('O:1:"A":0:{}'), read('O:1:"B":0:{}')],
    [read('O:1:"A":0:{}'), {}],
    // The same bytes, but another value behind the reference.
    [
      (read('a:2:{i:0;i:1;i:1;O:1:"A":1:{s:1:"x";R:2;}}') as unknown[])[1],
      (read('a:2:{i:0;i:9;i:1;O:1:"A":1:{s:1:"x";R:2;}}') as unknown[])[1],
    ],
  ])('%o and %o', (left, right) => {
    expect(isSamePhpValue(left, right)).toBe(false)
    expect(isSamePhpValue(right, left)).toBe(false)
  })
})

test('values that contain themselves come to an end', () => {
  const left: unknown[] = []
  left.push(left)
  const right: unknown[] = []
  right.push(right)
  expect(isSamePhpValue(left, right)).toBe(true)
  expect(isSamePhpValue(left, [[[1]]])).toBe(false)
})

test('arrays that are shared are compared once', () => {
  expect(isSamePhpValue(doubled(1), doubled(1))).toBe(true)
  expect(isSamePhpValue(doubled(1), doubled(2))).toBe(false)
})

test('what nests without end is refused', () => {
  expect(thrownBy(() => isSamePhpValue(nested(), nested()))).toMatchObject({ code: 'INVALID_SESSION_DATA' })
})

function doubled(end: unknown): unknown {
  let value = end
  for (let index = 0; index < 100; index += 1) value = [value, value]
  return value
}

function nested(): unknown {
  let value: unknown = 1
  for (let index = 0; index < 100_000; index += 1) value = [value]
  return value
}
