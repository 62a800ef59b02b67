import { inspect } from 'node:util'
import { deflateRawSync, inflateRawSync } from 'node:zlib'

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { SessionCorruptError, SessionDecryptionError } from '../../../src/errors.ts'
import { PayloadCodec } from '../../../src/encryption/payload-codec.ts'
import { keyIdOf, keyOfPassphrase, madeBlob, opening, encodedBytes, valueOf } from './blobs.ts'

const key = Buffer.from(Array.from({ length: 32 }, (_value, index) => index))
const otherKey = Buffer.alloc(32, 0xee)
const itemKey = 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg'
const text = '{"user":"ada"}'
const repetitive = '{"cart":["apple","apple","apple","apple","apple"]}'
const secrets = ['ada', 'apple', key.toString('hex'), key.toString('base64'), itemKey]

type ErrorType = typeof SessionCorruptError | typeof SessionDecryptionError

const encrypting = new PayloadCodec({ encryption: { keys: [key] } })
const compressing = new PayloadCodec({ compression: { thresholdBytes: 0 } })
const both = new PayloadCodec({ encryption: { keys: [key] }, compression: { thresholdBytes: 0 } })
const plain = new PayloadCodec({})

describe('known answers: these bytes are a contract', () => {
  const nonce = Buffer.from('a0a1a2a3a4a5a6a7a8a9aaab', 'hex')
  const encryptedBlob = Buffer.from(
    '01025998473e2188f975a0a1a2a3a4a5a6a7a8a9aaab' +
      '9d3a095e20b920854004e3b22507fb9bc8f070132c1fa49e0670e1debd58',
    'hex',
  )
  const bothBlob = Buffer.from(
    '01035998473e2188f975a0a1a2a3a4a5a6a7a8a9aaab' +
      '4d4e366369e1530de833cdff2fb2898ba28d19d744b54282165dd01d782e51c49f3e23b48c2301',
    'hex',
  )
  const compressedBlob = Buffer.from('0101ab564a4e2c2a51b28a564a2c28c84955d22140c7d60200', 'hex')

  test('are what other code makes of the same input', () => {
    expect(madeBlob(text, key, itemKey, { nonce })).toEqual(encryptedBlob)
    expect(inflateRawSync(compressedBlob.subarray(2)).toString()).toBe(repetitive)
    const deflate = compressedBlob.subarray(2)
    expect(madeBlob(deflate, key, itemKey, { nonce, flags: 3 })).toEqual(bothBlob)
  })

  test('are opened, whatever the settings of the store', () => {
    for (const codec of [
      encrypting,
      both,
      new PayloadCodec({ encryption: { keys: [key], unencrypted: 'write' } }),
    ]) {
      expect(codec.decode(valueOf(encryptedBlob), itemKey)).toBe(text)
      expect(codec.decode(valueOf(bothBlob), itemKey)).toBe(repetitive)
      expect(codec.decode(valueOf(compressedBlob), itemKey)).toBe(repetitive)
    }
    expect(compressing.decode(valueOf(compressedBlob), itemKey)).toBe(repetitive)
    expect(plain.decode(valueOf(compressedBlob), itemKey)).toBe(repetitive)
  })

  test('are written: everything but the nonce, and what depends on it, is the same', () => {
    const encryptedBytes = encodedBytes(encrypting, text, itemKey)
    expect(encryptedBytes.subarray(0, 10)).toEqual(encryptedBlob.subarray(0, 10))
    const itsNonce = encryptedBytes.subarray(10, 22)
    expect(encryptedBytes).toEqual(madeBlob(text, key, itemKey, { nonce: itsNonce }))

    const bothBytes = encodedBytes(both, repetitive, itemKey)
    const content = deflateRawSync(repetitive)
    expect(bothBytes).toEqual(
      madeBlob(content, key, itemKey, { flags: 3, nonce: bothBytes.subarray(10, 22) }),
    )
    expect(encodedBytes(compressing, repetitive, itemKey)).toEqual(
      Buffer.concat([Buffer.of(1, 1), deflateRawSync(repetitive)]),
    )
  })

  test('for a passphrase, which is stretched to a key', async () => {
    const stretched = Buffer.from('40c49becd7dc2b981f9563d96d81a50a03548cd02c3ed910478f00308fef6c30', 'hex')
    expect(keyOfPassphrase('correct horse battery staple')).toEqual(stretched)
    expect(keyIdOf(stretched).toString('hex')).toBe('632a302af33a4721')
    const codec = new PayloadCodec({ encryption: { keys: ['correct horse battery staple'] } })
    await codec.prepare()
    expect(codec.decode(valueOf(madeBlob(text, stretched, itemKey)), itemKey)).toBe(text)
    const blob = encodedBytes(codec, text, itemKey)
    expect(new PayloadCodec({ encryption: { keys: [stretched] } }).decode(valueOf(blob), itemKey)).toBe(text)
  })
})

describe('round trips', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.tuple(fc.string(), fc.nat(3000)).map(([part, times]) => part.repeat(times)),
    fc.constantFrom('', '\0', '\ufefftext', '😀'),
  )

  test.each([
    ['encrypted', encrypting],
    ['compressed', compressing],
    ['both', both],
    ['neither', plain],
  ])('%s', (_name, codec) => {
    fc.assert(
      fc.property(anyText, fc.string({ unit: 'grapheme' }), (content, anyItemKey) => {
        const value = codec.encode(content, anyItemKey)
        const read = (reader: PayloadCodec): string => reader.decode(value, anyItemKey)
        expect([encrypting, both].map(read)).toEqual([content, content])
      }),
    )
  })

  test('the same text is never written as the same bytes', () => {
    const nonces = new Set<string>()
    const tags = new Set<string>()
    for (let time = 0; time < 1000; time++) {
      const blob = encodedBytes(encrypting, text, itemKey)
      nonces.add(blob.toString('hex', 10, 22))
      tags.add(blob.toString('hex', 22))
    }
    expect(nonces.size).toBe(1000)
    expect(tags.size).toBe(1000)
  })

  test('nothing of the text can be seen', () => {
    const blob = encodedBytes(encrypting, text, itemKey)
    expect(blob.includes('ada')).toBe(false)
    expect(blob.length).toBe(22 + text.length + 16)
  })
})

describe('what is not what was encrypted', () => {
  test.each([
    ['encrypted', encodedBytes(encrypting, text, itemKey)],
    ['compressed and encrypted', encodedBytes(both, repetitive, itemKey)],
  ])('any bit flipped: %s', (_name, blob) => {
    for (let index = 0; index < blob.length; index++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = Buffer.from(blob)
        changed[index] = (blob[index] ?? 0) ^ (1 << bit)
        // Flags can become others that are known: those of data that is not encrypted, or not compressed.
        const expected = [['corrupt'], ['corrupt', 'not decrypted']][index] ?? ['not decrypted']
        expect(expected).toContain(opening(encrypting, changed, itemKey, secrets))
      }
    }
  })

  test.each([
    ['encrypted', encodedBytes(encrypting, text, itemKey)],
    ['compressed and encrypted', encodedBytes(both, repetitive, itemKey)],
  ])('cut at any place, and made longer: %s', (_name, blob) => {
    for (let length = 0; length < blob.length; length++) {
      const outcome = opening(encrypting, blob.subarray(0, length), itemKey, secrets)
      expect(outcome).toBe(length < 2 ? 'corrupt' : 'not decrypted')
    }
    expect(opening(encrypting, Buffer.concat([blob, Buffer.of(0)]), itemKey, secrets)).toBe('not decrypted')
  })

  test('moved to another item', () => {
    for (const otherItemKey of [
      'other',
      '',
      `${itemKey} `,
      itemKey.toLowerCase(),
      `a${itemKey}`,
      itemKey.slice(1),
    ]) {
      const blob = encodedBytes(encrypting, text, otherItemKey)
      expect(opening(encrypting, blob, itemKey, secrets)).toBe('not decrypted')
      expect(opening(encrypting, blob, otherItemKey, secrets)).toBe(`opened: ${text}`)
    }
  })

  test('the parts of two blobs of one item put together', () => {
    const [first, second] = [
      encodedBytes(encrypting, text, itemKey),
      encodedBytes(encrypting, '{"user":"bob"}', itemKey),
    ]
    for (const cut of [10, 22, first.length - 16]) {
      const mixed = Buffer.concat([first.subarray(0, cut), second.subarray(cut)])
      const isWhole = cut === 10
      expect(opening(encrypting, mixed, itemKey, secrets)).toBe(
        isWhole ? 'opened: {"user":"bob"}' : 'not decrypted',
      )
    }
  })

  test('the key ID of one key on the ciphertext of another', () => {
    const codec = new PayloadCodec({ encryption: { keys: [key, otherKey] } })
    const blob = madeBlob(text, otherKey, itemKey, { keyId: keyIdOf(key) })
    expect(opening(codec, blob, itemKey, secrets)).toBe('not decrypted')
  })
})

describe('what says how to mend it', () => {
  const blob = encodedBytes(encrypting, text, itemKey)

  function failure(codec: PayloadCodec, value: { readonly B: string }): Error {
    try {
      codec.decode(value, itemKey)
    } catch (error) {
      if (error instanceof Error) return error
    }
    throw new Error('it was opened')
  }

  test.each<[string, PayloadCodec, { readonly B: string }, ErrorType, RegExp]>([
    ['no key', plain, valueOf(blob), SessionDecryptionError, /was given no key.*"encryption"/],
    [
      'an unknown key',
      new PayloadCodec({ encryption: { keys: [otherKey] } }),
      valueOf(blob),
      SessionDecryptionError,
      /"encryption\.keys"/,
    ],
    ['too short', encrypting, valueOf(blob.subarray(0, 37)), SessionDecryptionError, /too short/],
    [
      'not authentic',
      encrypting,
      valueOf(madeBlob(text, key, 'elsewhere')),
      SessionDecryptionError,
      /changed, cut or moved/,
    ],
    ['nothing', plain, { B: '' }, SessionCorruptError, /too short/],
    ['a format of the future', encrypting, valueOf(Buffer.of(2, 2, 0)), SessionCorruptError, /version 2/],
    ['format 0', encrypting, valueOf(Buffer.of(0, 2, 0)), SessionCorruptError, /version 0/],
    ['unknown flags', encrypting, valueOf(Buffer.of(1, 4, 0)), SessionCorruptError, /flags 4/],
    [
      'a known and an unknown flag',
      encrypting,
      valueOf(Buffer.of(1, 0x83)),
      SessionCorruptError,
      /flags 131/,
    ],
    ['no flags', encrypting, valueOf(Buffer.from('\x01\x00{}')), SessionCorruptError, /flags 0/],
    ['no base64', encrypting, { B: 'AQI=!' }, SessionCorruptError, /base64/],
    ['base64 without padding', encrypting, { B: 'AQ' }, SessionCorruptError, /base64/],
    ['base64url', encrypting, { B: '_-8=' }, SessionCorruptError, /base64/],
    ['not UTF-8', encrypting, valueOf(madeBlob(Buffer.of(0xff), key, itemKey)), SessionCorruptError, /UTF-8/],
    [
      'not compressed',
      plain,
      valueOf(Buffer.of(1, 1, 0xff, 0xff)),
      SessionCorruptError,
      /cannot be decompressed/,
    ],
    ['compressed nothing', plain, valueOf(Buffer.of(1, 1)), SessionCorruptError, /cannot be decompressed/],
    [
      'not compressed, inside the encryption',
      both,
      valueOf(madeBlob(text, key, itemKey, { flags: 3 })),
      SessionCorruptError,
      /decompressed|goes on/,
    ],
  ])('%s', (_name, codec, value, type, message) => {
    const error = failure(codec, value)
    expect(error).toBeInstanceOf(type)
    expect(error.message).toMatch(message)
    expect(error.message).toContain('it was left as it is')
    const printed = inspect(error, { depth: Infinity, showHidden: true })
    expect(secrets.filter(secret => printed.includes(secret))).toEqual([])
  })

  test('a key that is missing and one that is wrong are told apart', () => {
    const messages = [
      failure(plain, valueOf(blob)),
      failure(new PayloadCodec({ encryption: { keys: [otherKey] } }), valueOf(blob)),
      failure(encrypting, valueOf(blob.subarray(0, -1))),
    ].map(error => error.message)
    expect(new Set(messages).size).toBe(3)
  })
})

describe('rotation', () => {
  const before = new PayloadCodec({ encryption: { keys: [key] } })
  const announced = new PayloadCodec({ encryption: { keys: [key, otherKey] } })
  const rotated = new PayloadCodec({ encryption: { keys: [otherKey, key] } })
  const after = new PayloadCodec({ encryption: { keys: [otherKey] } })

  test('the first key writes, and every key reads', () => {
    for (const writer of [before, announced]) {
      const value = valueOf(encodedBytes(writer, text, itemKey))
      for (const reader of [before, announced, rotated]) expect(reader.decode(value, itemKey)).toBe(text)
      expect(() => after.decode(value, itemKey)).toThrow(SessionDecryptionError)
    }
    for (const writer of [rotated, after]) {
      const value = valueOf(encodedBytes(writer, text, itemKey))
      for (const reader of [announced, rotated, after]) expect(reader.decode(value, itemKey)).toBe(text)
      expect(() => before.decode(value, itemKey)).toThrow(SessionDecryptionError)
    }
  })

  test('from a passphrase to a key and back', async () => {
    const passphrase = 'correct horse battery staple'
    const passphraseFirst = new PayloadCodec({ encryption: { keys: [passphrase, key] } })
    const keyFirst = new PayloadCodec({ encryption: { keys: [key, passphrase] } })
    await Promise.all([passphraseFirst.prepare(), keyFirst.prepare()])
    expect(encodedBytes(keyFirst, text, itemKey).subarray(2, 10)).toEqual(keyIdOf(key))
    for (const [writer, reader] of [
      [passphraseFirst, keyFirst],
      [keyFirst, passphraseFirst],
    ] as const) {
      expect(reader.decode(valueOf(encodedBytes(writer, text, itemKey)), itemKey)).toBe(text)
    }
  })
})

describe('unencrypted sessions', () => {
  const compressed = valueOf(encodedBytes(compressing, repetitive, itemKey))

  test('are read by default', () => {
    expect(encrypting.decode({ S: text }, itemKey)).toBe(text)
    expect(encrypting.decode(compressed, itemKey)).toBe(repetitive)
  })

  test("with 'write' they are written, and encrypted ones are read", () => {
    const codec = new PayloadCodec({ encryption: { keys: [key], unencrypted: 'write' } })
    expect(codec.encode(text, itemKey)).toEqual({ S: text })
    expect(codec.decode({ S: text }, itemKey)).toBe(text)
    expect(codec.decode(valueOf(encodedBytes(both, text, itemKey)), itemKey)).toBe(text)
    const alsoCompressing = new PayloadCodec({
      encryption: { keys: [key], unencrypted: 'write' },
      compression: { thresholdBytes: 0 },
    })
    expect(alsoCompressing.encode(repetitive, itemKey)).toEqual(compressed)
  })

  test("with 'refuse' they are refused, as text and compressed", () => {
    const codec = new PayloadCodec({ encryption: { keys: [key], unencrypted: 'refuse' }, compression: {} })
    for (const open of [() => codec.decode({ S: text }, itemKey), () => codec.decode(compressed, itemKey)]) {
      expect(open).toThrow(SessionDecryptionError)
      expect(open).toThrow(/not encrypted.*left as it is/)
      expect(open).not.toThrow(/ada|apple/)
    }
    expect(codec.decode(valueOf(encodedBytes(both, repetitive, itemKey)), itemKey)).toBe(repetitive)
    expect(codec.decode(valueOf(encodedBytes(codec, text, itemKey)), itemKey)).toBe(text)
  })
})

/** The flags that a text is encoded with; 0 when it stays text. */
function flagsOf(codec: PayloadCodec, content: string): number {
  const value = codec.encode(content, itemKey)
  return 'B' in value ? (Buffer.from(value.B, 'base64')[1] ?? -1) : 0
}

describe('compression', () => {
  test('begins at the threshold, counted in bytes of UTF-8', () => {
    const codec = new PayloadCodec({ compression: { thresholdBytes: 100 } })
    expect(flagsOf(codec, 'a'.repeat(99))).toBe(0)
    expect(flagsOf(codec, 'a'.repeat(100))).toBe(1)
    expect(flagsOf(codec, 'é'.repeat(49))).toBe(0)
    expect(flagsOf(codec, 'é'.repeat(50))).toBe(1)
  })

  test('begins at 1024 bytes by default', () => {
    expect(flagsOf(new PayloadCodec({ compression: {} }), 'a'.repeat(1023))).toBe(0)
    expect(flagsOf(new PayloadCodec({ compression: {} }), 'a'.repeat(1024))).toBe(1)
  })

  test('is left out where it does not make the value smaller', () => {
    const flagsOfAll = ['ab', '{}', text, repetitive].map(content => {
      const compressedSize = 2 + deflateRawSync(content, { level: 1 }).length
      return {
        isSmaller: compressedSize < content.length,
        flags: [compressing, both].map(codec => flagsOf(codec, content)),
      }
    })
    expect(flagsOfAll).toEqual([
      { isSmaller: false, flags: [0, 2] },
      { isSmaller: false, flags: [0, 2] },
      { isSmaller: false, flags: [0, 2] },
      { isSmaller: true, flags: [1, 3] },
    ])
  })

  test('saves at least a byte, the head of the blob included', () => {
    for (let length = 1; length < 60; length++) {
      const content = `{"cart":"${'apple, '.repeat(20).slice(0, length)}"}`
      const compressedSize = 2 + deflateRawSync(content, { level: 1 }).length
      expect(flagsOf(compressing, content)).toBe(compressedSize < content.length ? 1 : 0)
    }
  })

  const limit = 16 * 1024 * 1024

  test('what would expand beyond the limit is refused, encrypted or not', () => {
    const bomb = deflateRawSync(Buffer.alloc(limit + 1, 'a'))
    expect(bomb.length).toBeLessThan(20_000)
    const plainBomb = valueOf(Buffer.concat([Buffer.of(1, 1), bomb]))
    const encryptedBomb = valueOf(madeBlob(bomb, key, itemKey, { flags: 3 }))
    for (const value of [plainBomb, encryptedBomb]) {
      expect(() => encrypting.decode(value, itemKey)).toThrow(SessionCorruptError)
      expect(() => encrypting.decode(value, itemKey)).toThrow(/more than 16777216 bytes/)
    }
  })

  test('what could not be read again is not compressed', () => {
    expect(flagsOf(compressing, 'a'.repeat(limit))).toBe(1)
    expect(
      compressing.decode(valueOf(encodedBytes(compressing, 'a'.repeat(limit), itemKey)), itemKey).length,
    ).toBe(limit)
    expect(flagsOf(compressing, 'a'.repeat(limit + 1))).toBe(0)
  })

  test('a blob that is cut or goes on is refused', () => {
    const blob = encodedBytes(compressing, repetitive, itemKey)
    for (let length = 0; length < blob.length; length++) {
      expect(opening(plain, blob.subarray(0, length), itemKey, secrets)).toBe('corrupt')
    }
    expect(opening(plain, Buffer.concat([blob, Buffer.of(0)]), itemKey, secrets)).toBe('corrupt')
    expect(opening(plain, Buffer.concat([blob, blob.subarray(2)]), itemKey, secrets)).toBe('corrupt')
  })
})

test('nothing that prints a codec shows keys or passphrases', async () => {
  const passphrase = 'correct horse battery staple'
  const codec = new PayloadCodec({ encryption: { keys: [passphrase, key] }, compression: {} })
  const print = (): string =>
    [
      inspect(codec, { depth: Infinity, showHidden: true }),
      JSON.stringify(codec),
      Object.keys(codec).join(),
    ].join()
  const printed = [print()]
  await codec.prepare()
  printed.push(print())
  for (const secret of [passphrase, 'horse', key.toString('hex'), '00 01 02 03', '0,1,2,3', '0, 1, 2, 3']) {
    expect(printed.filter(one => one.includes(secret))).toEqual([])
  }
})
