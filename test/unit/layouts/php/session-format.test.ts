import { describe, expect, test } from 'vitest'

import { PhpArray, PhpBytes, PhpFloat, PhpFormatError } from '../../../../src/layouts/php/values.ts'
import { type PhpCodecOptions, phpSessionCodec } from '../../../../src/layouts/php/session-format.ts'
import { thrownBy } from '../../../support/failure.ts'
import { bytesOf, textOf } from './php-text.ts'

type Data = Record<string, unknown>

const codec = phpSessionCodec()

function decode(text: string, options?: PhpCodecOptions): Data {
  return phpSessionCodec(options).decode(bytesOf(text))
}

/** What becomes of a session when its data are changed. */
function changed(text: string, change: (data: Data) => unknown, options?: PhpCodecOptions): string {
  const ours = phpSessionCodec(options)
  const data = ours.decode(bytesOf(text))
  change(data)
  return textOf(ours.encode(data, bytesOf(text)))
}

describe('the formats', () => {
  const session = { a: 1, 'b c': ['x'], é: { k: null } }

  test.each<[PhpCodecOptions, string]>([
    [{}, 'a|i:1;b c|a:1:{i:0;s:1:"x";}\xc3\xa9|a:1:{s:1:"k";N;}'],
    [{ serializer: 'php_binary' }, '\x01ai:1;\x03b ca:1:{i:0;s:1:"x";}\x02\xc3\xa9a:1:{s:1:"k";N;}'],
    [
      { serializer: 'php_serialize' },
      'a:3:{s:1:"a";i:1;s:3:"b c";a:1:{i:0;s:1:"x";}s:2:"\xc3\xa9";a:1:{s:1:"k";N;}}',
    ],
  ])('%o', (options, text) => {
    expect(textOf(phpSessionCodec(options).encode(session))).toBe(text)
    expect(decode(text, options)).toStrictEqual(session)
  })

  test.each<PhpCodecOptions>([{}, { serializer: 'php_binary' }, { serializer: 'php_serialize' }])(
    'nothing is an empty session with %o',
    options => {
      expect(decode('', options)).toStrictEqual({})
      const text = options.serializer === 'php_serialize' ? 'a:0:{}' : ''
      expect(textOf(phpSessionCodec(options).encode({}))).toBe(text)
      expect(changed('', () => undefined, options)).toBe('')
    },
  )

  test('numbers are names with php_serialize alone', () => {
    const options = { serializer: 'php_serialize' } as const
    expect(decode('a:2:{i:7;i:1;s:1:"x";i:2;}', options)).toStrictEqual({ 7: 1, x: 2 })
    expect(textOf(phpSessionCodec(options).encode({ 7: 1 }))).toBe('a:1:{i:7;i:1;}')
    expect(thrownBy(() => codec.encode({ 7: 1 }))).toMatchObject({ code: 'INVALID_SESSION_DATA' })
    expect(changed('7|i:1;', data => (data['x'] = 2))).toBe('7|i:1;x|i:2;')
  })

  test.each<[Data, PhpCodecOptions]>([
    [{ 'a|b': 1 }, {}],
    [{ '\uDC00': 1 }, {}],
    [{ ['x'.repeat(128)]: 1 }, { serializer: 'php_binary' }],
    [{ ['é'.repeat(64)]: 1 }, { serializer: 'php_binary' }],
    [{ '-1': 1 }, { serializer: 'php_binary' }],
  ])('%o cannot be written with %o', (data, options) => {
    expect(thrownBy(() => phpSessionCodec(options).encode(data))).toMatchObject({
      name: 'TypeError',
      code: 'INVALID_SESSION_DATA',
    })
  })

  test.each<[string, PhpCodecOptions, number]>([
    ['a|i:1;junk', {}, 6],
    ['a|', {}, 2],
    ['a|i:1;|', {}, 7],
    ['a|i:1', {}, 4],
    ['\x05ai:1;', { serializer: 'php_binary' }, 0],
    ['\x7fa', { serializer: 'php_binary' }, 0],
    ['i:5;', { serializer: 'php_serialize' }, 0],
    ['a:0:{}x', { serializer: 'php_serialize' }, 6],
    ['O:8:"stdClass":0:{}', { serializer: 'php_serialize' }, 0],
  ])('%s is no session with %o', (text, options, byteOffset) => {
    const error = thrownBy(() => decode(text, options))
    expect(error).toBeInstanceOf(PhpFormatError)
    expect(error).toMatchObject({ byteOffset })
    expect(thrownBy(() => phpSessionCodec(options).encode({}, bytesOf(text)))).toBeInstanceOf(PhpFormatError)
  })

  test('the eighth bit of the length of a name means nothing', () => {
    const options = { serializer: 'php_binary' } as const
    expect(decode('\x81ai:1;', options)).toStrictEqual({ a: 1 })
    expect(changed('\x81ai:1;', data => (data['b'] = 2), options)).toBe('\x81ai:1;\x01bi:2;')
  })

  test('the last of two variables of a name counts', () => {
    expect(decode('a|i:1;b|i:2;a|i:3;')).toStrictEqual({ a: 3, b: 2 })
    expect(changed('a|i:1;b|i:2;a|i:3;', data => (data['b'] = 4))).toBe('b|i:4;a|i:3;')
    expect(changed('a|i:1;b|R:1;a|i:3;', data => (data['c'] = 4))).toBe('b|i:1;a|i:3;c|i:4;')
  })

  test('variables with names that are not UTF-8 are not seen, and stay', () => {
    expect(decode('\xff|i:1;a|i:2;')).toStrictEqual({ a: 2 })
    expect(changed('\xff|i:1;a|i:2;', data => (data['a'] = 3))).toBe('\xff|i:1;a|i:3;')
    const options = { serializer: 'php_serialize' } as const
    expect(changed('a:2:{s:1:"\xff";i:1;s:1:"a";i:2;}', data => delete data['a'], options)).toBe(
      'a:1:{s:1:"\xff";i:1;}',
    )
  })

  test('__proto__ is a variable', () => {
    const data = decode('__proto__|a:1:{s:5:"admin";b:1;}')
    expect(Object.keys(data)).toEqual(['__proto__'])
    expect(Reflect.get(data, 'admin')).toBeUndefined()
    expect(textOf(codec.encode(data))).toBe('__proto__|a:1:{s:5:"admin";b:1;}')
  })

  test.each<unknown>([null, [], 'text', 5, undefined, () => 1])('%o is no session data', data => {
    expect(thrownBy(() => codec.encode(data as Data))).toMatchObject({ code: 'INVALID_SESSION_DATA' })
  })

  test.each<[PhpCodecOptions, string]>([
    [{ serializer: 'json' as 'php' }, 'serializer'],
    [{ emptyArray: 'none' as 'map' }, 'emptyArray'],
    [{ maxDepth: 5000 }, 'maxDepth'],
    [{ maxBytes: -1 }, 'maxBytes'],
  ])('%o is no option', (options, name) => {
    expect(thrownBy(() => phpSessionCodec(options))).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(name) as string,
    })
  })
})

describe('what has not changed', () => {
  const text = 'f|d:1;e|S:1:"\\41";m|a:2:{i:1;d:2;i:0;d:3;}o|O:1:"A":1:{s:1:"x";d:4;}'

  test('stays byte for byte, in its order', () => {
    expect(changed(text, () => undefined)).toBe(text)
    expect(changed(text, data => (data['n'] = 5))).toBe(`${text}n|i:5;`)
    expect(changed(text, data => delete data['e'])).toBe(text.replace('e|S:1:"\\41";', ''))
    expect(
      textOf(
        codec.encode(
          {
            o: decode(text)['o'],
            f: 1,
            e: 'A',
            m: new PhpArray([
              [1, 2],
              ['0', 3],
            ]),
          },
          bytesOf(text),
        ),
      ),
    ).toBe(text)
  })

  test('stays inside what has', () => {
    expect(
      changed(text, data => {
        ;(data['m'] as PhpArray).set('k', 1)
      }),
    ).toBe(text.replace('a:2:{i:1;d:2;i:0;d:3;}', 'a:3:{i:1;d:2;i:0;d:3;s:1:"k";i:1;}'))
    expect(
      changed('c|a:2:{i:0;a:2:{s:1:"p";d:10;s:1:"n";i:1;}i:1;d:5;}', data => {
        const [item] = data['c'] as [Data]
        item['n'] = 2
      }),
    ).toBe('c|a:2:{i:0;a:2:{s:1:"p";d:10;s:1:"n";i:2;}i:1;d:5;}')
  })

  test('is what was asked for when a float is', () => {
    expect(changed('a|i:1;b|d:1;', data => (data['a'] = new PhpFloat(1)))).toBe('a|d:1;b|d:1;')
    expect(changed('a|d:1;', data => (data['a'] = 1n))).toBe('a|d:1;')
  })

  test('the bytes that were decoded may be used for something else', () => {
    const bytes = bytesOf('a|O:1:"A":0:{}b|s:1:"\xff";')
    const data = codec.decode(bytes)
    bytes.fill(0)
    expect(textOf(codec.encode(data))).toBe('a|O:1:"A":0:{}b|s:1:"\xff";')
    expect(data['b']).toStrictEqual(new PhpBytes(Uint8Array.of(255)))
  })
})

describe('back references', () => {
  const text = 'u|O:1:"A":1:{s:1:"x";r:1;}v|r:1;w|R:1;x|a:1:{i:0;r:1;}'

  test('follow what is put or taken before them', () => {
    expect(changed(`n|i:1;${text.replaceAll(':1;', ':2;').replace('s:2', 's:1')}`, d => delete d['n'])).toBe(
      text.replaceAll(/([rR]):\d;/g, '$1:1;'),
    )
    expect(changed(`n|a:0:{}u|O:1:"A":0:{}v|r:2;`, data => (data['n'] = [1, 2]))).toBe(
      'n|a:2:{i:0;i:1;i:1;i:2;}u|O:1:"A":0:{}v|r:4;',
    )
    expect(changed(`n|a:0:{}u|i:5;v|R:2;`, data => (data['n'] = [1, 2]))).toBe(
      'n|a:2:{i:0;i:1;i:1;i:2;}u|i:5;v|R:4;',
    )
  })

  test('become what they refer to when that goes', () => {
    expect(changed(text, data => delete data['u'])).toBe('v|O:1:"A":1:{s:1:"x";r:1;}w|r:1;x|a:1:{i:0;r:1;}')
    expect(changed('a|a:1:{i:0;i:1;}b|R:1;c|R:1;', data => delete data['a'])).toBe('b|a:1:{i:0;i:1;}c|R:1;')
  })

  test('to a variable that is given another value keep the old one', () => {
    expect(changed('a|i:1;b|R:1;c|R:1;', data => (data['a'] = 2))).toBe('a|i:2;b|i:1;c|R:2;')
    expect(changed('a|a:1:{i:0;i:1;}b|R:1;', data => (data['a'] = [2]))).toBe(
      'a|a:1:{i:0;i:2;}b|a:1:{i:0;i:1;}',
    )
  })

  test('to an array that is changed where it is see the change', () => {
    const data = decode('a|a:1:{i:0;d:1;}b|R:1;c|i:5;d|R:3;')
    const list = data['a'] as unknown[]
    list.push('more')
    expect(data['b']).toBe(list)
    expect(textOf(codec.encode(data, bytesOf('a|a:1:{i:0;d:1;}b|R:1;c|i:5;d|R:3;')))).toBe(
      'a|a:2:{i:0;d:1;i:1;s:4:"more";}b|R:1;c|i:5;d|R:4;',
    )
  })

  test('to an object hold when it is put elsewhere, too', () => {
    expect(changed('a|O:1:"A":0:{}', data => (data['b'] = [data['a']]))).toBe(
      'a|O:1:"A":0:{}b|a:1:{i:0;r:1;}',
    )
    expect(changed('a|a:1:{i:0;O:1:"A":0:{}}', data => (data['b'] = (data['a'] as unknown[])[0]))).toBe(
      'a|a:1:{i:0;O:1:"A":0:{}}b|r:2;',
    )
  })

  test('between variables of different sessions are written with what they refer to', () => {
    const other = decode('a|a:1:{i:0;i:1;}o|O:1:"A":2:{s:1:"l";R:1;s:1:"s";r:3;}')
    expect(textOf(codec.encode({ o: other['o'] }, bytesOf('z|i:1;')))).toBe(
      'o|O:1:"A":2:{s:1:"l";a:1:{i:0;i:1;}s:1:"s";r:1;}',
    )
  })

  test('to an array around them hold while it is there', () => {
    const circular = 'a|a:2:{s:2:"me";R:1;s:1:"n";i:1;}'
    expect(changed(circular, data => ((data['a'] as Data)['n'] = 2))).toBe(
      'a|a:2:{s:2:"me";R:1;s:1:"n";i:2;}',
    )
    expect(changed(`x|i:1;${circular.replace('R:1', 'R:2')}`, data => delete data['x'])).toBe(circular)
    const error = thrownBy(() => changed(circular, data => (data['b'] = (data['a'] as Data)['me'])))
    expect(error).toMatchObject({ code: 'INVALID_SESSION_DATA' })
    expect(String(error)).toContain('"b"')
  })

  test('to the session hold with php_serialize', () => {
    const options = { serializer: 'php_serialize' } as const
    expect(changed('a:2:{s:1:"a";i:1;s:4:"self";R:1;}', data => delete data['a'], options)).toBe(
      'a:1:{s:4:"self";R:1;}',
    )
  })
})

describe('objects in a format of their own', () => {
  const text = 'n|i:1;c|C:1:"A":4:{r:1;}d|O:1:"B":0:{}e|r:4;f|i:5;'

  test('are left alone when what is before them stays', () => {
    expect(changed(text, data => (data['f'] = 6))).toBe(text.replace('i:5', 'i:6'))
    expect(changed(text, data => (data['g'] = 6))).toBe(`${text}g|i:6;`)
  })

  test('move when nothing in them counts', () => {
    expect(changed('n|i:1;c|C:1:"A":2:{ab}f|i:5;', data => delete data['n'])).toBe('c|C:1:"A":2:{ab}f|i:5;')
  })

  test.each<[string, (data: Data) => unknown, string]>([
    ['numbers in it', data => delete data['n'], '"c"'],
    ['numbers behind it', data => (data['d'] = 1), '"e"'],
  ])('are refused with a name when %s are lost', (_, change, name) => {
    const error = thrownBy(() => changed(text, change))
    expect(error).toMatchObject({ name: 'TypeError', code: 'INVALID_SESSION_DATA' })
    expect(String(error)).toContain(name)
  })
})

test('limits hold for writing', () => {
  const limited = phpSessionCodec({ maxBytes: 20, maxDepth: 1 })
  expect(thrownBy(() => limited.encode({ a: 'x'.repeat(20) }))).toMatchObject({
    code: 'INVALID_SESSION_DATA',
  })
  expect(thrownBy(() => limited.encode({ a: [[]] }))).toMatchObject({
    code: 'INVALID_SESSION_DATA',
    message: expect.stringContaining('"a"') as string,
  })
})

test('the deepest session that is allowed is read, compared and written', () => {
  const options = { maxDepth: 1000 }
  expect(changed(deepest('d:1;'), data => (data['b'] = 1), options)).toBe(`${deepest('d:1;')}b|i:1;`)
  expect(changed(deepest('d:1;'), changeDeepest, options)).toBe(deepest('s:1:"x";'))
  const objects = `a|${'O:1:"A":1:{s:1:"x";'.repeat(1000)}r:1;${'}'.repeat(1000)}`
  expect(changed(`b|i:1;${objects.replace('r:1', 'r:2')}`, data => delete data['b'], options)).toBe(objects)
})

test('what is around a change is not compared again at each level', () => {
  let reads = 0
  const levels = 100
  let value: unknown = 'x'
  for (let level = 0; level < levels; level += 1) {
    const inside = value
    value = Object.defineProperty({}, 'a', {
      enumerable: true,
      get: () => {
        reads += 1
        return inside
      },
    })
  }
  const basis = `a|${'a:1:{s:1:"a";'.repeat(levels)}i:1;${'}'.repeat(levels)}`
  expect(changed(basis, data => (data['a'] = value))).toBe(basis.replace('i:1;', 's:1:"x";'))
  expect(reads).toBeLessThan(10 * levels)
})

function deepest(inside: string): string {
  return `a|${'a:1:{i:0;'.repeat(1000)}${inside}${'}'.repeat(1000)}`
}

function changeDeepest(data: Data): void {
  let list = data['a'] as unknown[]
  while (Array.isArray(list[0])) list = list[0] as unknown[]
  list[0] = 'x'
}
