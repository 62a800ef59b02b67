import { readFileSync } from 'node:fs'
import { runInNewContext } from 'node:vm'

import { expect, test } from 'vitest'

import { compresses, encryptsWrites, keyMaterial } from '../../../src/encryption/encryption-options.ts'
import { lazyPayloadCodec } from '../../../src/encryption/lazy-payload-codec.ts'
import { PayloadCodec } from '../../../src/encryption/payload-codec.ts'
import { compressionRow, encryptionRow } from '../../../src/options/encryption-options.ts'
import { SessionStore } from '../../../src/store/session-store.ts'

const key = Buffer.alloc(32, 1)
const passphrase = 'sixteen letters!'

/** Keys, and one that is missing even as `undefined`. */
function withHole(keys: unknown[]): unknown[] {
  const longer = [...keys]
  longer.length = keys.length + 1
  return longer
}

test.each<[string, unknown]>([
  ['a key', { keys: [key] }],
  ['a key that is no Buffer', { keys: [new Uint8Array(32)] }],
  ['a key of another realm', { keys: [runInNewContext('new Uint8Array(32)')] }],
  ['a passphrase of 16 characters', { keys: [passphrase] }],
  ['a passphrase of 16 characters outside the basic plane', { keys: ['😀'.repeat(16)] }],
  ['several of both', { keys: [passphrase, key, `${passphrase}!`, Buffer.alloc(32, 2)] }],
  ['unencrypted sessions written', { keys: [key], unencrypted: 'write' }],
  ['unencrypted sessions read', { keys: [key], unencrypted: 'read' }],
  ['unencrypted sessions refused', { keys: [key], unencrypted: 'refuse' }],
  ['unencrypted undefined', { keys: [key], unencrypted: undefined }],
])('encryption options: %s', (_name, options) => {
  expect(encryptionRow.accepts(options)).toBe(true)
})

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['null', null],
  ['true', true],
  ['a passphrase alone', passphrase],
  ['keys alone', [key]],
  ['no keys', {}],
  ['empty keys', { keys: [] }],
  ['keys that are no array', { keys: key }],
  ['a hole', { keys: withHole([]) }],
  ['a hole after a key', { keys: withHole([key]) }],
  ['31 bytes', { keys: [Buffer.alloc(31)] }],
  ['33 bytes', { keys: [Buffer.alloc(33)] }],
  ['a view of other elements', { keys: [new Uint16Array(32)] }],
  ['an ArrayBuffer', { keys: [new ArrayBuffer(32)] }],
  ['an array of numbers', { keys: [Array.from(key)] }],
  ['a passphrase of 15 characters', { keys: ['fifteen letters'] }],
  ['a passphrase of 8 characters in 16 code units', { keys: ['😀'.repeat(8)] }],
  ['a passphrase of 15 characters in 30 code points', { keys: ['e\u0301'.repeat(15)] }],
  ['a passphrase with half a character', { keys: [`${passphrase}\ud83d`] }],
  ['a good key and a bad one', { keys: [key, 'short'] }],
  ['the same key twice', { keys: [key, Uint8Array.from(key)] }],
  ['the same passphrase twice', { keys: [passphrase, key, passphrase] }],
  [
    'the same passphrase in two Unicode forms',
    { keys: [`caf\u00e9 ${passphrase}`, `cafe\u0301 ${passphrase}`] },
  ],
  ['an unknown name', { keys: [key], unencypted: 'refuse' }],
  ['an unknown value', { keys: [key], unencrypted: 'reject' }],
  ['a flag', { keys: [key], unencrypted: false }],
])('no encryption options: %s', (_name, options) => {
  expect(encryptionRow.accepts(options)).toBe(false)
})

test.each<[unknown, boolean]>([
  [{}, true],
  [{ thresholdBytes: undefined }, true],
  [{ thresholdBytes: 0 }, true],
  [{ thresholdBytes: 409_600 }, true],
  [{ thresholdBytes: 409_601 }, false],
  [{ thresholdBytes: -1 }, false],
  [{ thresholdBytes: 1.5 }, false],
  [{ thresholdBytes: Number.NaN }, false],
  [{ thresholdBytes: '10' }, false],
  [{ threshold: 10 }, false],
  [[], false],
  [null, false],
  [true, false],
  [false, true],
  [1024, false],
  [undefined, false],
])('compression options: %j', (options, expected) => {
  expect(compressionRow.accepts(options)).toBe(expected)
})

const hex = key.toString('hex')
const base64 = key.toString('base64')

test.each<[string, string, Buffer | string]>([
  ['base64', `base64:${base64}`, key],
  [
    'base64url without padding',
    `base64:${Buffer.alloc(32, 255).toString('base64url')}`,
    Buffer.alloc(32, 255),
  ],
  ['base64 with a line break behind it', `base64:${base64}\n`, key],
  ['hexadecimal', `hex:${hex}`, key],
  [
    'hexadecimal in upper case',
    `hex:${Buffer.alloc(32, 171).toString('hex').toUpperCase()}`,
    Buffer.alloc(32, 171),
  ],
  ['a passphrase that looks like hexadecimal', `passphrase:${hex}`, hex],
  ['a passphrase that looks like base64', `passphrase:${base64}`, base64],
  ['a passphrase that begins as a key does', 'passphrase:base64:sixteen letters', 'base64:sixteen letters'],
  ['a passphrase', passphrase, passphrase],
])('a key may be a string: %s', (_name, given, material) => {
  expect(encryptionRow.accepts({ keys: [given] })).toBe(true)
  expect(encryptionRow.accepts(encryptionRow.fromText?.(given))).toBe(!/ \S/.test(given))
  expect(keyMaterial(given)).toEqual(material)
})

test('a key as a string is the same key as its bytes', async () => {
  const encoded = new PayloadCodec({ encryption: { keys: [`base64:${base64}`] } })
  const bytes = new PayloadCodec({ encryption: { keys: [key] } })
  const sealed = encoded.encode('text', 'item')
  expect(bytes.decode(sealed, 'item')).toBe('text')
  expect(new PayloadCodec({ encryption: { keys: [`hex:${hex}`] } }).decode(sealed, 'item')).toBe('text')
  expect(encryptionRow.accepts({ keys: [`hex:${hex}`, key] })).toBe(false)
})

test.each<[string, unknown[], string]>([
  ['too few bytes', [Buffer.alloc(16)], 'keys[0] has 16 bytes, expected 32 or a passphrase'],
  ['too many', [key, Buffer.alloc(64)], 'keys[1] has 64 bytes, expected 32 or a passphrase'],
  [
    'hexadecimal without its prefix',
    [hex],
    'keys[0] is 64 hexadecimal digits, which may be bytes or a passphrase: write hex:',
  ],
  [
    'base64 without its prefix',
    [base64],
    'keys[0] is 44 characters of base64, which may be bytes or a passphrase: write base64:',
  ],
  ['16 bytes of hexadecimal', [`hex:${hex.slice(32)}`], 'keys[0] has 16 bytes behind hex:, expected 32'],
  ['what is not hexadecimal', ['hex:xyz'], 'keys[0] is not what hex: says that it is'],
  ['what is not base64', [`base64:${hex}!`], 'keys[0] is not what base64: says that it is'],
  ['48 bytes of base64', [`base64:${hex}`], 'keys[0] has 48 bytes behind base64:, expected 32'],
  ['a short passphrase', [key, 'SeCrEt'], 'keys[1] has 6 characters, expected a passphrase of at least 16'],
  ['a short passphrase with its prefix', ['passphrase:SeCrEt'], 'keys[0] has 6 characters'],
  [
    'a variable that is not set',
    [undefined],
    'keys[0] is undefined: the variable that it comes from is not set',
  ],
  ['the same key twice', [key, 'another passphrase', `hex:${hex}`], 'keys[2] is the same as keys[0]'],
  ['none', [], 'keys is empty'],
])('a message says which key is wrong, and nothing of it: %s', (_name, keys, words) => {
  const refused = (): unknown => new SessionStore({ encryption: { keys: keys as string[] } })
  expect(refused).toThrow(`received an object whose ${words}`)
  expect(refused).not.toThrow(/SeCrEt|xyz|0101/)
})

test('passphrases from an environment variable are separated by blanks', () => {
  expect(encryptionRow.fromText?.(' current-passphrase\t older-passphrase1 \n')).toEqual({
    keys: ['current-passphrase', 'older-passphrase1'],
  })
  expect(encryptionRow.accepts(encryptionRow.fromText?.(' current-passphrase older-passphrase1'))).toBe(true)
  expect(encryptionRow.accepts(encryptionRow.fromText?.('correct horse battery staple'))).toBe(false)
  expect(encryptionRow.accepts(encryptionRow.fromText?.('  '))).toBe(false)
})

test.each<[string, boolean, unknown]>([
  ['2048', true, { thresholdBytes: 2048 }],
  [' 0 ', true, { thresholdBytes: 0 }],
  [' ', false, { thresholdBytes: Number.NaN }],
  ['0x10', false, { thresholdBytes: Number.NaN }],
  ['1 KB', false, { thresholdBytes: Number.NaN }],
  ['true', false, { thresholdBytes: Number.NaN }],
  ['false', true, false],
])('a threshold from an environment variable: %j', (text, isUsable, options) => {
  expect(compressionRow.fromText?.(text)).toEqual(options)
  expect(compressionRow.accepts(compressionRow.fromText?.(text))).toBe(isUsable)
})

test('keys that change before they are needed are those that were given', async () => {
  const bytes = Uint8Array.from(key)
  const keys: (Uint8Array | string)[] = [bytes]
  const load = lazyPayloadCodec({ encryption: { keys } })
  bytes.fill(0)
  keys.pop()
  const [codec, other] = [await load(), new PayloadCodec({ encryption: { keys: [Uint8Array.from(key)] } })]
  expect(other.decode(codec.encode('text', 'item'), 'item')).toBe('text')
})

test.each([
  [{}, false],
  [{ encryption: undefined, compression: {} }, false],
  [{ encryption: { keys: [key] } }, true],
  [{ encryption: { keys: [key], unencrypted: 'refuse' } }, true],
  [{ encryption: { keys: [key], unencrypted: 'write' } }, false],
] as const)('whether writes are encrypted, case %#', (options, expected) => {
  expect(encryptsWrites(options)).toBe(expected)
})

test.each([
  [{}, 1024],
  [{ encryption: undefined, compression: undefined }, 1024],
  [{ compression: {} }, 1024],
  [{ compression: { thresholdBytes: 100 } }, 100],
  [{ compression: { thresholdBytes: 0 } }, 0],
  [{ compression: false }, undefined],
  // Lengths would tell something of what is encrypted: only whoever asks for it gets it.
  [{ encryption: { keys: [key] } }, undefined],
  [{ encryption: { keys: [key], unencrypted: 'write' } }, undefined],
  [{ encryption: { keys: [key] }, compression: {} }, 1024],
] as const)('from how many bytes on text is compressed, case %#', (options, expected) => {
  const lengths = [0, 99, 100, 1023, 1024, 400_000]
  const compressed = lengths.filter(length => compresses('a'.repeat(length), options))
  expect(compressed).toEqual(lengths.filter(length => length >= (expected ?? Infinity)))
  const halves = lengths.filter(length => compresses('é'.repeat(length / 2), options))
  expect(halves).toEqual(lengths.filter(length => Math.floor(length / 2) * 2 >= (expected ?? Infinity)))
})

test('checking options loads neither compression nor cryptography', () => {
  expect(importsOf('encryption/encryption-options.ts')).toEqual(['../internal/core-objects.ts'])
  expect(importsOf('encryption/lazy-payload-codec.ts')).toEqual([])
  expect(importsOf('options/encryption-options.ts')).toEqual([
    '../encryption/encryption-options.ts',
    '../internal/process-environment.ts',
    '../internal/option.ts',
  ])
})

function importsOf(path: string): (string | undefined)[] {
  const source = readFileSync(new URL(`../../../src/${path}`, import.meta.url), 'utf8')
  return Array.from(source.matchAll(/^(?!import type ).*from '([^']+)'/gm), match => match[1])
}
