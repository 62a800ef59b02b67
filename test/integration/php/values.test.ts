import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { formatPhpFloat, isSamePhpValue } from '../../../src/layouts/php/js-values.ts'
import { PhpObject } from '../../../src/layouts/php/node-reader.ts'
import { PhpArray, PhpBytes, PhpFloat } from '../../../src/layouts/php/values.ts'
import { phpSerialize, phpUnserialize } from '../../../src/layouts/php/serialize.ts'
import { SeededRandom } from '../../support/fault-rig/random.ts'
import { hasPhp, latin1, phpAgain, phpFloats, phpSerialized, phpValues } from './php-peer.ts'

describe.skipIf(!hasPhp)('values of a real PHP', () => {
  test('5,000 that JavaScript can hold are written as PHP wrote them', () => {
    const values = phpValues({ seed: 20_261_122, count: 5000, plain: true })
    expect(values).toHaveLength(5000)
    for (const bytes of values) {
      const value = phpUnserialize(bytes)
      expect(latin1(phpSerialize(value))).toBe(latin1(bytes))
      expect(isSamePhpValue(value, phpUnserialize(bytes))).toBe(true)
    }
  })

  test('5,000 with objects and references are read, and objects are what they were', () => {
    const values = phpValues({ seed: 7, count: 5000, plain: false })
    const read = values.map(bytes => phpUnserialize(bytes))
    const again = phpAgain(read.map(value => phpSerialize(value)))
    let objects = 0
    for (const [index, bytes] of values.entries()) {
      const answer = again[index]
      expect(answer).toBeDefined()
      if (!(read[index] instanceof PhpObject)) continue
      expect(latin1(answer ?? Uint8Array.of(0))).toBe(latin1(bytes))
      objects += 1
    }
    expect(objects).toBeGreaterThan(500)
  })

  test('5,000 of JavaScript are what PHP writes, too', () => {
    const values = fc.sample(anyValue, { numRuns: 5000, seed: 42 })
    const written = values.map(value => phpSerialize(value))
    const again = phpAgain(written)
    for (const [index, bytes] of written.entries()) {
      expect(latin1(again[index] ?? new Uint8Array(0))).toBe(latin1(bytes))
      expect(isSamePhpValue(phpUnserialize(bytes), values[index] ?? null)).toBe(true)
    }
  })

  test('20,000 floats have the digits of PHP', () => {
    const floats = [
      ...fc.sample(fc.double(), { numRuns: 10_000, seed: 1 }),
      ...fc.sample(
        fc.tuple(fc.integer(), fc.integer({ min: -25, max: 25 })).map(([mantissa, exponent]) => {
          return Number(`${mantissa}e${exponent}`)
        }),
        { numRuns: 9900, seed: 2 },
      ),
      ...Array.from({ length: 50 }, (_, index) => 10 ** (index - 25)),
      ...Array.from({ length: 50 }, (_, index) => 2 ** (index + 40) - 1),
    ]
    const texts = phpFloats(floats)
    expect(floats.map(float => `d:${formatPhpFloat(float)};`)).toEqual(texts)
    expect(texts.map(text => phpUnserialize(Buffer.from(text)))).toEqual(floats)
  })

  test.each<[string, unknown]>([
    ['null', null],
    ['[true, false]', [true, false]],
    ['PHP_INT_MAX', 2n ** 63n - 1n],
    ['PHP_INT_MIN', -(2n ** 63n)],
    ['9007199254740991', 9_007_199_254_740_991],
    ['1.0', new PhpFloat(1)],
    ['-0.0', -0],
    ['NAN', Number.NaN],
    ['[INF, -INF]', [Infinity, -Infinity]],
    ['"\\xff\\x00"', new PhpBytes(Uint8Array.of(255, 0))],
    ['"\\u{1F600}"', '😀'],
    ['[]', {}],
    ['["a" => 1, "b" => [2, 3]]', { a: 1, b: [2, 3] }],
    ['[5 => 1, 10 => 2, "a" => 3]', { a: 3, 10: 2, 5: 1 }],
    [
      '[10 => 1, 5 => 2]',
      new PhpArray([
        [10, 1],
        ['5', 2],
      ]),
    ],
    ['["-5" => 1, "-0" => 2]', { '-5': 1, '-0': 2 }],
    ['["9223372036854775807" => 1]', { '9223372036854775807': 1 }],
    ['["9223372036854775808" => 1]', { '9223372036854775808': 1 }],
    ['["-9223372036854775808" => 1]', { '-9223372036854775808': 1 }],
    ['["__proto__" => 1]', JSON.parse('{"__proto__":1}')],
  ])('%s', (code, value) => {
    const [text = ''] = phpSerialized([code])
    expect(latin1(phpSerialize(value))).toBe(text)
    const read = phpUnserialize(Buffer.from(text, 'latin1'))
    expect(isSamePhpValue(read, value instanceof PhpFloat ? value.value : value)).toBe(true)
  })

  test('what PHP reads of broken bytes is read alike, or refused', () => {
    const random = new SeededRandom(99)
    const values = phpValues({ seed: 5, count: 2000, plain: true }).flatMap(bytes => [
      mutated(bytes, random),
      mutated(bytes, random),
    ])
    const again = phpAgain(values)
    let readByBoth = 0
    for (const [index, bytes] of values.entries()) {
      const value = readOrUndefined(bytes)
      const answer = again[index]
      if (value === undefined) continue
      expect(answer).toBeDefined()
      expect(latin1(phpSerialize(phpUnserialize(answer ?? bytes)))).toBe(latin1(phpSerialize(value.value)))
      readByBoth += 1
    }
    expect(readByBoth).toBeGreaterThan(100)
  })
})

const anyKey = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.maxSafeInteger().map(String),
  fc.constantFrom('__proto__', 'constructor', 'toString', '-0', '007'),
)

const { anyValue } = fc.letrec<{ anyValue: unknown }>(tie => ({
  anyValue: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false, undefined, Number.NaN, Infinity, -0, 2 ** 53),
    fc.maxSafeInteger(),
    fc.double(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array().map(bytes => new PhpBytes(bytes)),
    fc.double().map(value => (Number.isSafeInteger(value) ? value : new PhpFloat(value))),
    fc.date(),
    fc.array(tie('anyValue'), { maxLength: 4 }),
    fc.dictionary(anyKey, tie('anyValue'), { maxKeys: 4 }),
    fc
      .array(fc.tuple(fc.oneof(anyKey, fc.maxSafeInteger()), tie('anyValue')), { maxLength: 4 })
      .map(entries => new PhpArray(entries)),
  ),
}))

function readOrUndefined(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: phpUnserialize(bytes) }
  } catch {
    return undefined
  }
}

function mutated(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const changed = [...bytes]
  for (let changes = 1 + Math.floor(random.next() * 2); changes > 0; changes -= 1) {
    const at = Math.floor(random.next() * changed.length)
    const letters = '0123456789:;{}"abdinsNSaRr-+.E'
    const letter = letters.charCodeAt(Math.floor(random.next() * letters.length))
    changed.splice(at, Math.floor(random.next() * 2), ...(random.next() < 0.7 ? [letter] : []))
  }
  return Uint8Array.from(changed)
}
