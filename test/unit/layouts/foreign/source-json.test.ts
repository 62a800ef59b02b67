import { describe, expect, test } from 'vitest'

import { sourceJsonCodec } from '../../../../src/layouts/foreign/codecs.ts'

const codec = sourceJsonCodec

/** What other languages write, and JavaScript would write differently. */
const values = [
  '1234567890123456789',
  '[98765432109876543210,{"a":1.0}]',
  '1.0',
  '-0.0',
  '1.0e+25',
  '"http:\\/\\/x\\/\\u00e9"',
  '"a \\" b , } ] : \\\\"',
  '{ "b" : 1.0 , "a" : [ ] }',
  'null',
]

describe('JSON of software with other numbers', () => {
  test.each(values)('%s is written as it is stored when another key changes', value => {
    const stored = `{ "gone" : {"x":[1]} , "ke\\"y:,}" : ${value} , "n":1}`
    const { gone: _, ...others } = codec.decode(stored)
    const key = JSON.stringify('ke"y:,}')
    expect(codec.encode({ ...others, n: 2, added: [true] }, stored)).toBe(
      `{${key}:${value},"n":2,"added":[true]}`,
    )
  })

  test('a key that changes is written as JavaScript writes it', () => {
    expect(codec.encode({ a: [1, 2] }, '{"a":[1.0]}')).toBe('{"a":[1,2]}')
  })

  test('what is new, or was empty, is JSON', () => {
    expect(codec.encode({ a: 1, __proto__: null }, undefined)).toBe('{"a":1}')
    expect(codec.encode({ a: 1 }, '[]')).toBe('{"a":1}')
    expect(codec.encode({}, '{"a":1}')).toBe('{}')
    expect(codec.encode(JSON.parse('{"__proto__":1}'), '{"__proto__":1.0}')).toBe('{"__proto__":1.0}')
  })
})
