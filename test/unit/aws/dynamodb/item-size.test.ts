import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { itemSizeBytes, MAX_ITEM_BYTES, surelyFits } from '../../../../src/aws/dynamodb/item-size.ts'
import type { AttributeValue, Item } from '../../../../src/types.ts'

/** Size of a value alone, without an attribute name. */
function sizeOf(value: AttributeValue): number {
  return itemSizeBytes({ '': value })
}

const text = fc.string({ unit: 'grapheme' })
const numberText = fc.oneof(
  fc.integer().map(String),
  fc.bigInt().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
)
const base64 = fc.base64String()
const { value: attributeValue } = fc.letrec<{ value: AttributeValue; item: Item }>(tie => ({
  item: fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  value: fc.oneof(
    { maxDepth: 4 },
    fc.record({ S: text }),
    fc.record({ N: numberText }),
    fc.record({ B: base64 }),
    fc.record({ BOOL: fc.boolean() }),
    fc.record({ NULL: fc.constant(true) }),
    fc.record({ SS: fc.array(text) }),
    fc.record({ NS: fc.array(numberText) }),
    fc.record({ BS: fc.array(base64) }),
    fc.record({ L: fc.array(tie('value'), { maxLength: 4 }) }),
    fc.record({ M: tie('item') }),
  ),
}))

describe('what surely fits', () => {
  const third = Math.floor(MAX_ITEM_BYTES / 3)

  test.each<[string, Item, boolean]>([
    ['nothing', {}, true],
    ['a third of the limit', { id: { S: 'x'.repeat(third - 2) } }, true],
    ['a little more', { id: { S: 'x'.repeat(third - 1) } }, false],
    ['the same in a name', { ['x'.repeat(third + 1)]: { S: '' } }, false],
    ['the same in base64', { id: { B: 'x'.repeat(third - 1) } }, false],
    ['what is not flat', { id: { L: [] } }, false],
  ])('%s', (_, item, fits) => {
    expect(surelyFits(item)).toBe(fits)
  })

  test('never takes more than three bytes for a unit of a name or a value', () => {
    const flat = fc.dictionary(
      text,
      fc.oneof(fc.record({ S: text }), fc.record({ N: numberText }), fc.record({ B: base64 })),
    )
    fc.assert(
      fc.property(flat, item => {
        const values = Object.values(item).flatMap(value => Object.values(value))
        const units = [...Object.keys(item), ...values].join('').length
        expect(itemSizeBytes(item)).toBeLessThanOrEqual(3 * units)
      }),
    )
  })
})

test('the limit is 400 KB', () => {
  expect(MAX_ITEM_BYTES).toBe(409_600)
})

describe('names and texts count in UTF-8 bytes', () => {
  test.each<[Item, number]>([
    [{}, 0],
    [{ '': { S: '' } }, 0],
    [{ id: { S: 'abc' } }, 5],
    [{ é: { S: '' } }, 2],
    [{ '€': { S: 'é' } }, 5],
    [{ a: { S: '😀' } }, 5],
    [{ a: { S: 'x' }, bb: { S: 'yy' } }, 6],
    [{ ['__proto__']: { S: 'x' } }, 10],
  ])('%j has %i', (item, bytes) => {
    expect(itemSizeBytes(item)).toBe(bytes)
  })
})

describe('numbers take a byte for two digits, counted from the decimal point, and one more', () => {
  test.each([
    ['0', 1],
    ['0.0', 1],
    ['000', 1],
    ['-0', 1],
    ['0e10', 1],
    ['1', 2],
    ['9', 2],
    ['12', 2],
    ['99', 2],
    ['123', 3],
    ['1234', 3],
    ['12345', 4],
    // Zeros at the ends do not count, unless they share a pair with another digit.
    ['10', 2],
    ['100', 2],
    ['120', 3],
    ['1200', 2],
    ['1230', 3],
    ['0012', 2],
    ['1020304', 5],
    // Fractions.
    ['0.1', 2],
    ['.1', 2],
    ['0.10', 2],
    ['0.01', 2],
    ['0.001', 2],
    ['0.0012', 2],
    ['0.012', 3],
    ['1.', 2],
    ['1.5', 3],
    ['1.50', 3],
    ['12.5', 3],
    ['12.05', 3],
    ['12.005', 4],
    // Signs.
    ['-1', 3],
    ['+1', 2],
    ['-12', 3],
    ['-123', 4],
    ['-1.5', 4],
    // Exponents.
    ['1e10', 2],
    ['1E+10', 2],
    ['1e-5', 2],
    ['12e1', 3],
    ['12e2', 2],
    ['1.2e1', 2],
    ['-1.5E1', 3],
    ['1e125', 2],
    ['1e-130', 2],
    // Times, as sessions have them.
    ['1763856123', 6],
    ['1763856120', 6],
    ['1763856123456', 8],
    ['1763856123450', 8],
    ['1763856123400', 7],
    ['1763856123000', 7],
    // The longest there are.
    ['12345678901234567890123456789012345678', 20],
    ['1234567890123456789012345678901234567', 20],
    ['-0.12345678901234567890123456789012345678', 21],
  ])('%s has %i', (number, bytes) => {
    expect(sizeOf({ N: number })).toBe(bytes)
  })

  test('the same number has the same size, however it is written', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat({ max: 12 }), (value, shift) => {
        const plain = sizeOf({ N: String(value) })
        expect(sizeOf({ N: `${value}e0` })).toBe(plain)
        expect(sizeOf({ N: `${value}.000` })).toBe(plain)
        expect(sizeOf({ N: `${value}${'0'.repeat(shift)}E-${shift}` })).toBe(plain)
        expect(sizeOf({ N: value.toExponential() })).toBe(plain)
        expect(sizeOf({ N: String(value).replace(/^-?/, sign => `${sign}00`) })).toBe(plain)
      }),
    )
  })
})

describe('other values', () => {
  test.each<[AttributeValue, number]>([
    [{ B: '' }, 0],
    [{ B: 'AA==' }, 1],
    [{ B: 'AAA=' }, 2],
    [{ B: 'AAAA' }, 3],
    [{ B: 'AAAAAA==' }, 4],
    [{ BOOL: true }, 1],
    [{ BOOL: false }, 1],
    [{ NULL: true }, 1],
    [{ L: [] }, 3],
    [{ M: {} }, 3],
    // 3 for the list, and 1 for each of the 3 elements, and 2 + 2 + 1 in them.
    [{ L: [{ S: 'ab' }, { N: '7' }, { NULL: true }] }, 11],
    // 3 for the map, 1 for each of the 2 entries, 1 + 2 bytes of names, 1 + 2 of values.
    [{ M: { a: { S: 'b' }, cd: { N: '12' } } }, 11],
    // 3 + 1 + 1 + (3 + 1 + (3 + 1 + 4)).
    [{ M: { a: { L: [{ M: { é: { S: 'ß' } } }] } } }, 17],
    [{ SS: ['a', 'bc', '€'] }, 6],
    [{ NS: ['1', '-23', '0'] }, 6],
    [{ BS: ['AA==', 'AAAA'] }, 4],
  ])('%j has %i', (value, bytes) => {
    expect(sizeOf(value)).toBe(bytes)
  })

  test('a session, counted by hand', () => {
    const item: Item = {
      id: { S: 'x'.repeat(43) }, // 2 + 43
      data: { S: '{"a":"é"}' }, // 4 + 10
      expires: { N: '1763856124' }, // 7 + 6
      expiresMs: { N: '1763856123456' }, // 9 + 8
      rev: { S: 'abcdefghijkl' }, // 3 + 12
      created: { N: '1763769723' }, // 7 + 6
    }
    expect(itemSizeBytes(item)).toBe(45 + 14 + 13 + 17 + 15 + 13)
  })
})

describe('sizes add up', () => {
  test('an attribute adds its name and its value, and nothing else', () => {
    fc.assert(
      fc.property(fc.dictionary(text, attributeValue), text, attributeValue, (item, name, value) => {
        fc.pre(!Object.hasOwn(item, name))
        const larger: Item = { ...item, [name]: value }
        expect(itemSizeBytes(larger) - itemSizeBytes(item)).toBe(Buffer.byteLength(name) + sizeOf(value))
      }),
    )
  })

  test('an element adds its value and one byte to a list', () => {
    fc.assert(
      fc.property(fc.array(attributeValue), attributeValue, (list, value) => {
        expect(sizeOf({ L: [...list, value] })).toBe(sizeOf({ L: list }) + 1 + sizeOf(value))
      }),
    )
  })

  test('an entry adds its name, its value and one byte to a map', () => {
    fc.assert(
      fc.property(fc.dictionary(text, attributeValue), text, attributeValue, (map, name, value) => {
        fc.pre(!Object.hasOwn(map, name))
        expect(sizeOf({ M: { ...map, [name]: value } })).toBe(
          sizeOf({ M: map }) + 1 + Buffer.byteLength(name) + sizeOf(value),
        )
      }),
    )
  })
})
