import { describe, expect, test } from 'vitest'

import { SessionCorruptError } from '../../../../src/errors.ts'
import { PhpObject, PhpReference } from '../../../../src/layouts/php/node-reader.ts'
import { PhpArray, PhpBytes, PhpFormatError } from '../../../../src/layouts/php/values.ts'
import { phpUnserialize } from '../../../../src/layouts/php/serialize.ts'
import { thrownBy } from '../../../support/failure.ts'
import { bytesOf } from './php-text.ts'

function read(text: string, options?: Parameters<typeof phpUnserialize>[1]): unknown {
  return phpUnserialize(bytesOf(text), options)
}

describe('values', () => {
  test.each<[string, unknown]>([
    ['N;', null],
    ['b:0;', false],
    ['b:1;', true],
    ['i:-5;', -5],
    ['i:+5;', 5],
    ['i:9007199254740991;', 9_007_199_254_740_991],
    ['i:9007199254740992;', 9_007_199_254_740_992n],
    ['i:-9223372036854775808;', -(2n ** 63n)],
    ['d:0.1;', 0.1],
    ['d:1.0E+25;', 1e25],
    ['d:-0;', -0],
    ['d:.5;', 0.5],
    ['d:5.;', 5],
    ['d:INF;', Infinity],
    ['d:-INF;', -Infinity],
    ['d:NAN;', Number.NaN],
    ['s:0:"";', ''],
    ['s:5:"a";b:";', 'a";b:'],
    ['s:4:"\xf0\x9f\x98\x80";', '😀'],
    ['s:4:"\xef\xbb\xbfx";', '\uFEFFx'],
    [`s:40:"${'é'.repeat(20).replaceAll('é', '\xc3\xa9')}";`, 'é'.repeat(20)],
    ['S:3:"a\\41b";', 'aAb'],
    ['a:2:{i:0;s:1:"a";i:1;N;}', ['a', null]],
    ['a:2:{s:1:"b";i:1;s:1:"a";i:2;}', { b: 1, a: 2 }],
    ['a:2:{i:5;i:1;i:10;i:2;}', { 5: 1, 10: 2 }],
    ['a:1:{i:-1;i:1;}', { '-1': 1 }],
    ['a:1:{s:1:"0";i:1;}', [1]],
  ])('%s', (text, value) => {
    expect(read(text)).toStrictEqual(value)
  })

  test('strings that are not UTF-8 are bytes, and copies of them', () => {
    const source = bytesOf('s:2:"\xff\xfe";')
    const value = phpUnserialize(source)
    source.fill(0)
    expect(value).toStrictEqual(new PhpBytes(Uint8Array.of(0xff, 0xfe)))
    expect(JSON.stringify(value)).toBe('{"@php":"bytes","base64":"//4="}')
  })

  test.each<[string, readonly (readonly [unknown, unknown])[]]>([
    [
      'a:2:{i:1;i:1;i:0;i:2;}',
      [
        [1, 1],
        [0, 2],
      ],
    ],
    [
      'a:2:{s:1:"a";i:1;i:0;i:2;}',
      [
        ['a', 1],
        [0, 2],
      ],
    ],
    [
      'a:2:{i:-1;i:1;i:0;i:2;}',
      [
        [-1, 1],
        [0, 2],
      ],
    ],
    ['a:1:{s:1:"\xff";i:1;}', [[new PhpBytes(Uint8Array.of(255)), 1]]],
    ['a:1:{s:4:"@php";s:5:"array";}', [['@php', 'array']]],
  ])('%s needs a PhpArray', (text, entries) => {
    const value = read(text)
    expect(value).toBeInstanceOf(PhpArray)
    expect([...(value as PhpArray)]).toStrictEqual(entries)
  })

  test('the empty array is what was asked for', () => {
    expect(read('a:0:{}')).toStrictEqual([])
    expect(read('a:0:{}', { emptyArray: 'map' })).toStrictEqual({})
  })

  test('__proto__ and constructor are data', () => {
    const value = read('a:2:{s:9:"__proto__";a:1:{s:5:"admin";b:1;}s:11:"constructor";i:1;}') as object
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(Reflect.get(value, 'admin')).toBeUndefined()
    expect(Reflect.get({}, 'admin')).toBeUndefined()
  })
})

describe('objects', () => {
  test('are looked into, and are no instance of anything else', () => {
    const text = 'O:4:"User":3:{s:2:"id";i:7;s:7:"\0*\0name";s:3:"ada";s:7:"\0User\0k";a:1:{i:0;d:1;}}'
    const value = read(text)
    if (!(value instanceof PhpObject)) throw new Error('no PhpObject')
    expect(value.kind).toBe('object')
    expect(value.className).toBe('User')
    expect(value.propertyNames()).toEqual(['id', 'name', 'k'])
    expect(value.property('id')).toBe(7)
    expect(value.property('name')).toBe('ada')
    expect(value.property('k')).toStrictEqual([1])
    expect(value.property('toString')).toBeUndefined()
    expect(value.serialized).toStrictEqual(bytesOf(text))
    expect(JSON.parse(JSON.stringify(value))).toEqual({
      '@php': 'object',
      className: 'User',
      serialized: btoa(text),
    })
  })

  test.each([
    ['E:11:"Suit:Hearts";', 'enum', 'Suit:Hearts'],
    ['C:3:"Foo":5:{a;{}"}', 'custom', 'Foo'],
    ['O:3:"\xc3\xa9x":0:{}', 'object', 'éx'],
  ])('%s', (text, kind, className) => {
    expect(read(text)).toMatchObject({ kind, className, serialized: bytesOf(text) })
  })

  test('the same object is the same instance, whatever refers to it', () => {
    const [first, second, third] = read('a:3:{i:0;O:1:"A":0:{}i:1;r:2;i:2;R:2;}') as unknown[]
    expect(first).toBeInstanceOf(PhpObject)
    expect(second).toBe(first)
    expect(third).toBe(first)
  })

  test('what one refers to elsewhere is in what it is alone', () => {
    const [, , object] = read(
      'a:3:{i:0;a:1:{i:0;i:9;}i:1;O:1:"B":0:{}i:2;O:1:"A":2:{s:1:"a";R:2;s:1:"b";r:4;}}',
    ) as [unknown, unknown, PhpObject]
    expect(object.serialized).toStrictEqual(bytesOf('O:1:"A":2:{s:1:"a";a:1:{i:0;i:9;}s:1:"b";O:1:"B":0:{}}'))
    expect(object.property('a')).toStrictEqual([9])
  })
})

describe('references', () => {
  test('are the same array, or the same value', () => {
    const value = read('a:4:{i:0;a:1:{i:0;i:1;}i:1;R:2;i:2;i:7;i:3;R:4;}') as unknown[]
    expect(value).toStrictEqual([[1], [1], 7, 7])
    expect(value[1]).toBe(value[0])
  })

  test('to an array around the place stay closed', () => {
    const value = read('a:1:{s:2:"me";a:1:{s:2:"me";R:2;}}') as { me: { me: unknown } }
    expect(value.me.me).toBeInstanceOf(PhpReference)
    expect(JSON.stringify(value)).toBe('{"me":{"me":{"@php":"reference"}}}')
  })

  test('that grow without end are refused', () => {
    let text = 'a:30:{i:0;a:2:{i:0;i:1;i:1;i:1;}'
    for (let index = 1, slot = 2; index < 30; index += 1) {
      text += `i:${index};a:2:{i:0;R:${slot};i:1;R:${slot};}`
      slot += index === 1 ? 3 : 1
    }
    expect(thrownBy(() => read(`${text}}`))).toMatchObject({
      message: expect.stringContaining('references') as string,
    })
  })
})

describe('what is no value', () => {
  test.each([
    ['', 0],
    ['x:1;', 0],
    ['N', 1],
    ['b:2;', 2],
    ['i:;', 2],
    ['i: 5;', 2],
    ['i:5', 2],
    ['i:9223372036854775808;', 2],
    ['d:abc;', 2],
    ['d:+INF;', 2],
    ['s:1:"ab";', 6],
    ['s:5:"ab";', 5],
    ['s:-1:"";', 2],
    ['s:99999999999999999999:"";', 2],
    ['S:1:"\\4x";', 5],
    ['a:1:{i:0;}', 2],
    ['a:1:{i:0;xx}', 9],
    ['a:1000000:{}', 2],
    ['a:2:{i:0;i:1;i:0;i:2;}', 13],
    ['a:2:{i:0;i:1;s:1:"0";i:2;}', 13],
    ['a:1:{N;i:1;xx}', 5],
    ['a:1:{d:1;i:1;}', 5],
    ['a:0:{', 5],
    ['O:0:"":0:{}', 3],
    ['O:1:"\\":0:{}', 5],
    ['O:1:"A":1:{s:1:"a";i:1;', 23],
    ['E:4:"Suit";', 5],
    ['C:1:"A":9:{ab}', 11],
    ['R:1;', 0],
    ['a:1:{i:0;r:1;}', 9],
    ['a:1:{i:0;r:2;}', 9],
    ['a:2:{i:0;i:1;i:1;R:3;}', 17],
    ['i:1;i:2;', 4],
  ])('%s stops at byte %i', (text, byteOffset) => {
    const error = thrownBy(() => read(text))
    expect(error).toBeInstanceOf(PhpFormatError)
    expect(error).toBeInstanceOf(SessionCorruptError)
    expect(error).toMatchObject({ name: 'PhpFormatError', code: 'SESSION_CORRUPT', byteOffset })
  })

  test('errors do not quote it', () => {
    const error = thrownBy(() => read('a:1:{s:7:"hunter2";s:7:"hunter2"'))
    expect(String(error)).not.toContain('hunter2')
  })
})

describe('limits', () => {
  test('a value may be nested 512 deep, or as deep as maxDepth says, and no deeper', () => {
    expect(JSON.stringify(read(nested(512)))).toHaveLength(512 * 2 + 1)
    expect(thrownBy(() => read(nested(513)))).toBeInstanceOf(PhpFormatError)
    expect(JSON.stringify(read(nested(1000), { maxDepth: 1000 }))).toHaveLength(2001)
    expect(thrownBy(() => read(nested(100_000), { maxDepth: 1000 }))).toBeInstanceOf(PhpFormatError)
    expect(read('a:1:{i:0;i:1;}', { maxDepth: 1 })).toStrictEqual([1])
  })

  test('the depth that references make counts, too', () => {
    const text = 'a:2:{i:0;a:1:{i:0;a:1:{i:0;i:1;}}i:1;a:1:{i:0;a:1:{i:0;R:2;}}}'
    expect(read(text, { maxDepth: 5 })).toStrictEqual([[[1]], [[[[1]]]]])
    expect(thrownBy(() => read(text, { maxDepth: 4 }))).toBeInstanceOf(PhpFormatError)
  })

  test('a text may have as many bytes as maxBytes says, and no more', () => {
    expect(read('s:3:"abc";', { maxBytes: 10 })).toBe('abc')
    expect(thrownBy(() => read('s:4:"abcd";', { maxBytes: 10 }))).toMatchObject({ byteOffset: 10 })
  })

  test.each([
    [{ maxDepth: 0 }, 'maxDepth'],
    [{ maxDepth: 1001 }, 'maxDepth'],
    [{ maxDepth: Number.NaN }, 'maxDepth'],
    [{ maxBytes: 0.5 }, 'maxBytes'],
    [{ emptyArray: 'both' as 'list' }, 'emptyArray'],
  ])('%o is no option', (options, name) => {
    expect(thrownBy(() => read('N;', options))).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(name) as string,
    })
  })
})

function nested(depth: number): string {
  return `${'a:1:{i:0;'.repeat(depth)}i:1;${'}'.repeat(depth)}`
}
