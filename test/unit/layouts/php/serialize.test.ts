import { describe, expect, test } from 'vitest'

import { PhpArray, PhpBytes, PhpFloat } from '../../../../src/layouts/php/values.ts'
import { phpSerialize, phpUnserialize } from '../../../../src/layouts/php/serialize.ts'
import { thrownBy } from '../../../support/failure.ts'
import { bytesOf, textOf } from './php-text.ts'

function written(value: unknown): string {
  return textOf(phpSerialize(value))
}

describe('values', () => {
  test.each<[unknown, string]>([
    [null, 'N;'],
    [undefined, 'N;'],
    [true, 'b:1;'],
    [false, 'b:0;'],
    [5, 'i:5;'],
    [-5, 'i:-5;'],
    [9_007_199_254_740_991, 'i:9007199254740991;'],
    [9_007_199_254_740_992, 'd:9007199254740992;'],
    [5n, 'i:5;'],
    [-(2n ** 63n), 'i:-9223372036854775808;'],
    [1.5, 'd:1.5;'],
    [-0, 'd:-0;'],
    [Number.NaN, 'd:NAN;'],
    [-Infinity, 'd:-INF;'],
    [1e17, 'd:1.0E+17;'],
    [-1.25e-7, 'd:-1.25E-7;'],
    [new PhpFloat(3), 'd:3;'],
    [new PhpFloat(0.5), 'd:0.5;'],
    ['', 's:0:"";'],
    ['é"', 's:3:"\xc3\xa9"";'],
    ['\uD800', 's:3:"\xef\xbf\xbd";'],
    [new PhpBytes(Uint8Array.of(255, 0)), 's:2:"\xff\0";'],
    [Uint8Array.of(255), 's:1:"\xff";'],
    [Buffer.from('ab'), 's:2:"ab";'],
    [[], 'a:0:{}'],
    [{}, 'a:0:{}'],
    [new PhpArray(), 'a:0:{}'],
    [['a', undefined, () => 1], 'a:3:{i:0;s:1:"a";i:1;N;i:2;N;}'],
    [{ a: undefined, b: Symbol('b'), c: 1 }, 'a:1:{s:1:"c";i:1;}'],
    [{ x: 1, 7: 2, '-3': 3, '07': 4 }, 'a:4:{i:7;i:2;s:1:"x";i:1;i:-3;i:3;s:2:"07";i:4;}'],
    [new Date(0), 's:24:"1970-01-01T00:00:00.000Z";'],
    [new Date(Number.NaN), 'N;'],
    [{ toJSON: (key: string) => `<${key}>` }, 's:2:"<>";'],
    [{ a: { toJSON: (key: string) => `<${key}>` } }, 'a:1:{s:1:"a";s:3:"<a>";}'],
    [[Object(5), Object('x'), Object(false)], 'a:3:{i:0;i:5;i:1;s:1:"x";i:2;b:0;}'],
    [JSON.parse('{"__proto__":1}'), 'a:1:{s:9:"__proto__";i:1;}'],
  ])('%o', (value, text) => {
    expect(written(value)).toBe(text)
  })

  test('a PhpArray keeps its order and takes keys as PHP does', () => {
    const array = new PhpArray([
      ['b', 1],
      [1, 2],
      ['0', 3],
      [new PhpBytes(Uint8Array.of(255)), 4],
      [2n ** 63n - 1n, 5],
    ])
    array.set('b', 6)
    expect(array.delete(1)).toBe(true)
    expect(array.delete('1')).toBe(false)
    expect(array.get(0)).toBe(3)
    expect(array.get(new PhpBytes(Uint8Array.of(255)))).toBe(4)
    expect(array.has('9223372036854775807')).toBe(true)
    expect(array.size).toBe(4)
    expect(written(array)).toBe('a:4:{s:1:"b";i:6;i:0;i:3;s:1:"\xff";i:4;i:9223372036854775807;i:5;}')
    expect(JSON.stringify(array)).toContain('"@php":"array"')
  })

  test('an object that is put twice is the same object in PHP', () => {
    const object = phpUnserialize(bytesOf('O:1:"A":1:{s:1:"x";r:1;}'))
    expect(written({ a: object, b: [object] })).toBe(
      'a:2:{s:1:"a";O:1:"A":1:{s:1:"x";r:2;}s:1:"b";a:1:{i:0;r:2;}}',
    )
  })
})

describe('what PHP has nothing for', () => {
  const cycle: { self?: unknown } = {}
  cycle.self = [cycle]
  const object = phpUnserialize(bytesOf('O:1:"A":0:{}'))
  test.each<[string, unknown]>([
    ['a Map', new Map()],
    ['a Set', { a: new Set() }],
    ['an ArrayBuffer', new ArrayBuffer(1)],
    ['a Float64Array', new Float64Array(1)],
    ['an integer of more than 64 bits', 2n ** 63n],
    ['a cycle', cycle],
    ['half a pair in a key', { '\uD800': 1 }],
    ['a copy of an object by JSON', JSON.parse(JSON.stringify(object))],
    ['a copy of an object by structuredClone', structuredClone(object)],
    ['a copy of bytes', structuredClone(new PhpBytes(Uint8Array.of(255)))],
    ['a copy of an array', Object.assign({}, new PhpArray([['b', 1]]))],
  ])('%s', (_, value) => {
    const error = thrownBy(() => phpSerialize(value))
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ code: 'INVALID_SESSION_DATA' })
  })

  test('what is deeper than maxDepth or longer than maxBytes is refused', () => {
    expect(thrownBy(() => phpSerialize([[1]], { maxDepth: 1 }))).toMatchObject({
      code: 'INVALID_SESSION_DATA',
    })
    expect(thrownBy(() => phpSerialize('abc', { maxBytes: 9 }))).toMatchObject({
      code: 'INVALID_SESSION_DATA',
    })
    expect(textOf(phpSerialize('abc', { maxBytes: 10 }))).toBe('s:3:"abc";')
  })

  test.each([
    () => new PhpFloat('1' as unknown as number),
    () => new PhpBytes('a' as unknown as Uint8Array),
    () => new PhpArray([[1.5, 1]]),
    () => new PhpArray().set(2n ** 63n, 1),
  ])('%s makes nothing', make => {
    expect(thrownBy(make)).toMatchObject({ code: 'INVALID_SESSION_DATA' })
  })
})
