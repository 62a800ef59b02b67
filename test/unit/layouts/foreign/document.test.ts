import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { SessionCorruptError } from '../../../../src/errors.ts'
import {
  documentCodec,
  marshallDocument,
  unmarshallDocument,
  unmarshallValue,
} from '../../../../src/layouts/foreign/codecs.ts'
import type { AttributeValue } from '../../../../src/types.ts'

const codec = documentCodec(1)
const refused = expect.objectContaining({ name: 'TypeError', code: 'INVALID_SESSION_DATA' }) as Error

describe('marshallDocument', () => {
  test('writes every kind of value', () => {
    const data = {
      text: 'Grüße',
      number: -1.5e-7,
      yes: true,
      nothing: null,
      list: [1, [], {}],
      map: { deep: { deeper: '' } },
      bytes: new Uint8Array([1, 2, 255]),
    }
    expect(marshallDocument(data, 1)).toEqual({
      text: { S: 'Grüße' },
      number: { N: '-0.00000015' },
      yes: { BOOL: true },
      nothing: { NULL: true },
      list: { L: [{ N: '1' }, { L: [] }, { M: {} }] },
      map: { M: { deep: { M: { deeper: { S: '' } } } } },
      bytes: { B: 'AQL/' },
    })
  })

  test('sees what JSON.stringify sees', () => {
    const data = {
      gone: undefined,
      method: () => 1,
      symbol: Symbol('x'),
      when: new Date(0),
      list: [undefined, () => 1],
      not: Number.NaN,
      boxed: [new Number(5), new String('x'), new Boolean(false)],
      own: { toJSON: (key: string) => ({ key }) },
      half: 'a\ud800',
    }
    expect(unmarshallDocument(marshallDocument(data, 1))).toEqual({
      ...(JSON.parse(JSON.stringify(data)) as object),
      half: 'a\ufffd',
    })
  })

  test('reads back what is JSON', () => {
    const keys = fc.oneof(
      fc.string({ minLength: 1, maxLength: 5 }),
      fc.constantFrom('__proto__', 'ключ', '\u0000'),
    )
    const values = fc.letrec(tie => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string({ maxLength: 5 }),
        fc.constantFrom('Grüße', '👋🏽', '\u0000\u2028'),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
      ),
    })).value
    fc.assert(
      fc.property(fc.dictionary(keys, values), data => {
        const wire = JSON.parse(JSON.stringify(marshallDocument(data, 1))) as object
        expect(JSON.stringify(unmarshallDocument(wire))).toBe(JSON.stringify(data))
      }),
      { numRuns: 50 },
    )
  })

  test('treats __proto__ and constructor as keys like any other', () => {
    const data = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":2}}') as object
    const read = unmarshallDocument(marshallDocument(data, 1))
    expect(JSON.stringify(read)).toBe('{"__proto__":{"polluted":1},"constructor":{"prototype":2}}')
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  })

  test.each<[string, unknown]>([
    ['a text', 'x'],
    ['null', null],
    ['an array', [1]],
    ['a date', new Date(0)],
    ['bytes', new Uint8Array(1)],
    ['an empty key', { nested: { '': 1 } }],
    ['a BigInt', { big: 1n }],
    ['a number out of range', { large: 1e300 }],
    ['a cycle of maps', cycle(value => ({ value }))],
    ['a cycle of lists', { list: cycle(value => [value]) }],
  ])('refuses %s', (_, data) => {
    expect(() => marshallDocument(data, 1)).toThrow(refused)
  })

  test.each([0, 1] as const)('takes as many levels as DynamoDB, of data at depth %i', depth => {
    const deepest = depth === 1 ? 30 : 31
    expect(marshallDocument(nested(deepest), depth)).toHaveProperty('a')
    expect(() => marshallDocument(nested(deepest + 1), depth)).toThrow(refused)
  })
})

describe('unmarshallValue', () => {
  test('reads sets as arrays and binary values as buffers', () => {
    expect(unmarshallValue({ SS: ['a', 'b'] })).toEqual(['a', 'b'])
    expect(unmarshallValue({ NS: ['1', '2.5'] })).toEqual([1, 2.5])
    expect(unmarshallValue({ BS: ['AQ=='] })).toEqual([Buffer.from([1])])
    expect(unmarshallValue({ B: 'AQI=' })).toEqual(Buffer.from([1, 2]))
  })

  test.each([
    undefined,
    null,
    'x',
    {},
    { X: 1 },
    { S: 1 },
    { N: 1 },
    { L: {} },
    { M: null },
    { S: 'a', N: '1' },
  ])('refuses %j', value => {
    expect(() => unmarshallValue(value)).toThrow(SessionCorruptError)
  })
})

describe('documentCodec', () => {
  const stored: Readonly<Record<string, AttributeValue>> = {
    tags: { SS: ['a', 'b'] },
    lost: { M: {} },
    precise: { N: '12345678901234567890123456789012345678' },
    count: { N: '1' },
  }
  const basis = JSON.stringify(stored)

  test('writes unchanged keys as they are stored', () => {
    const data = codec.decode(basis)
    expect(data['precise']).toBe(1.2345678901234568e37)
    data['count'] = 2
    expect(JSON.parse(codec.encode(data, basis))).toEqual({ ...stored, count: { N: '2' } })
  })

  test('writes changed and new keys as JavaScript has them, and leaves removed ones out', () => {
    const { lost: _, ...data } = codec.decode(basis)
    expect(JSON.parse(codec.encode({ ...data, tags: ['a'], more: true }, basis))).toEqual({
      tags: { L: [{ S: 'a' }] },
      precise: stored['precise'],
      count: stored['count'],
      more: { BOOL: true },
    })
  })

  test('does not take what an object inherits for what is stored', () => {
    expect(JSON.parse(codec.encode({ constructor: 'x', toString: 'y' }, '{}'))).toEqual({
      constructor: { S: 'x' },
      toString: { S: 'y' },
    })
  })
})

function cycle(around: (value: unknown) => object): object {
  const inner: { self?: unknown } = {}
  const outer = around(inner)
  inner.self = outer
  return outer
}

function nested(levels: number): object {
  let value: object = {}
  for (let level = 0; level < levels; level++) value = { a: value }
  return value
}
