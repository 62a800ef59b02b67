import { readFileSync } from 'node:fs'
import { runInNewContext } from 'node:vm'

import { expect, test } from 'vitest'

import { compresses, encryptsWrites } from '../../../src/encryption/encryption-options.ts'
import { lazyPayloadCodec } from '../../../src/encryption/lazy-payload-codec.ts'
import { PayloadCodec } from '../../../src/encryption/payload-codec.ts'
import { compressionRow, encryptionRow } from '../../../src/options/encryption-options.ts'

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
  expect(importsOf('encryption/encryption-options.ts')).toEqual([])
  expect(importsOf('encryption/lazy-payload-codec.ts')).toEqual([])
  expect(importsOf('options/encryption-options.ts')).toEqual([
    '../encryption/encryption-options.ts',
    '../internal/core-objects.ts',
    '../internal/process-environment.ts',
    '../internal/option.ts',
  ])
})

function importsOf(path: string): (string | undefined)[] {
  const source = readFileSync(new URL(`../../../src/${path}`, import.meta.url), 'utf8')
  return Array.from(source.matchAll(/^(?!import type ).*from '([^']+)'/gm), match => match[1])
}
