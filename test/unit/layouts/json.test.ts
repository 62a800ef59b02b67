import { inspect } from 'node:util'

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { SessionCorruptError } from '../../../src/errors.ts'
import { parseSessionData, stringifySessionData } from '../../../src/layouts/json.ts'
import { thrownBy } from '../../support/failure.ts'

const secret = 'hunter2'

describe('stringifySessionData', () => {
  test.each<[unknown, string]>([
    [{}, '{}'],
    [{ a: 1, b: 'x', c: null, d: [true, { e: 1.5 }] }, '{"a":1,"b":"x","c":null,"d":[true,{"e":1.5}]}'],
    [{ a: undefined, b: () => 1, c: Symbol('s') }, '{}'],
    [{ a: [undefined, () => 1] }, '{"a":[null,null]}'],
    [{ a: Number.NaN, b: Infinity }, '{"a":null,"b":null}'],
    [{ at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    [{ toJSON: () => ({ replaced: true }) }, '{"replaced":true}'],
    [Object.assign(Object.create({ inherited: 1 }) as object, { own: 2 }), '{"own":2}'],
    [{ é: '€😀\u2028' }, '{"é":"€😀\u2028"}'],
    [{ lone: '\ud800' }, '{"lone":"\\ud800"}'],
    [{ constructor: 1, prototype: 2 }, '{"constructor":1,"prototype":2}'],
    [{ ['__proto__']: { admin: true } }, '{"__proto__":{"admin":true}}'],
  ])('writes %j as JSON.stringify does', (data, text) => {
    expect(stringifySessionData(data)).toBe(text)
  })

  const cycle: Record<string, unknown> = { secret }
  cycle['self'] = cycle

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a text', secret],
    ['a text that looks like an object', '{}'],
    ['a number', 7],
    ['true', true],
    ['a BigInt', 7n],
    ['an array', [secret]],
    ['a function', () => secret],
    ['a symbol', Symbol(secret)],
    ['a date', new Date(0)],
    ['an object that is none in JSON', { toJSON: () => secret }],
    ['an object that is nothing in JSON', { toJSON: () => undefined }],
    ['a BigInt in an object', { secret, deep: { count: 7n } }],
    ['a cycle', cycle],
  ])('refuses %s', (_name, data) => {
    const error = thrownBy(() => stringifySessionData(data))
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ code: 'INVALID_SESSION_DATA' })
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(secret)
  })

  test('says why JSON cannot carry the data', () => {
    const error = thrownBy(() => stringifySessionData({ count: 7n }))
    expect(error).toMatchObject({
      message: 'the session data cannot be written as JSON; see the cause',
      cause: { name: 'TypeError', message: expect.stringContaining('BigInt') as string },
    })
    expect(thrownBy(() => stringifySessionData([]))).toMatchObject({
      message: 'session data must be an object',
    })
  })

  test('passes on what a toJSON throws', () => {
    const cause = new Error('not now')
    const data = {
      toJSON: () => {
        throw cause
      },
    }
    expect((thrownBy(() => stringifySessionData(data)) as Error).cause).toBe(cause)
  })
})

describe('parseSessionData', () => {
  test('reads back what was written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), data => {
        const text = stringifySessionData(data)
        expect(parseSessionData(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  test('takes keys with a meaning in JavaScript for data', () => {
    const data = parseSessionData('{"__proto__":{"admin":true},"constructor":1,"hasOwnProperty":2}')
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype)
    expect('admin' in data).toBe(false)
    expect(Object.keys(data)).toEqual(['__proto__', 'constructor', 'hasOwnProperty'])
    expect(stringifySessionData(data)).toBe('{"__proto__":{"admin":true},"constructor":1,"hasOwnProperty":2}')
  })

  test.each<[string, string]>([
    ['', 'the stored session is not JSON; it was left as it is'],
    [secret, 'the stored session is not JSON; it was left as it is'],
    [`{"a":"${secret}`, 'the stored session is not JSON; it was left as it is'],
    [`{"a":1} ${secret}`, 'the stored session is not JSON; it was left as it is'],
    ['null', 'the stored session is not a JSON object; it was left as it is'],
    [`"${secret}"`, 'the stored session is not a JSON object; it was left as it is'],
    [`["${secret}"]`, 'the stored session is not a JSON object; it was left as it is'],
    ['7', 'the stored session is not a JSON object; it was left as it is'],
    ['true', 'the stored session is not a JSON object; it was left as it is'],
  ])('%j is corrupt, and not quoted', (text, message) => {
    const error = thrownBy(() => parseSessionData(text))
    expect(error).toBeInstanceOf(SessionCorruptError)
    expect(error).toMatchObject({ code: 'SESSION_CORRUPT', message })
    expect(error).not.toHaveProperty('cause')
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(secret)
  })
})
