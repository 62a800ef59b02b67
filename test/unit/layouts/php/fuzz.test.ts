import { expect, test } from 'vitest'

import { PhpFormatError } from '../../../../src/layouts/php/values.ts'
import { isSamePhpValue } from '../../../../src/layouts/php/js-values.ts'
import { phpSessionCodec, type PhpSessionCodec } from '../../../../src/layouts/php/session-format.ts'
import { phpUnserialize } from '../../../../src/layouts/php/serialize.ts'
import { SeededRandom } from '../../../support/fault-rig/random.ts'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 20_000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_122)

const LIMITS = { maxDepth: 40, maxBytes: 4096 }

const VALUES: readonly string[] = [
  'N;',
  'b:1;',
  'i:-9007199254740993;',
  'd:1.0E+25;',
  'd:-INF;',
  's:5:"caf\xc3\xa9";',
  's:2:"\xff\xfe";',
  'S:3:"a\\41b";',
  'a:0:{}',
  'a:3:{i:0;i:1;i:1;d:2;i:2;s:1:"x";}',
  'a:3:{i:5;i:1;i:2;i:2;s:9:"__proto__";a:1:{s:11:"constructor";i:1;}}',
  'a:2:{s:1:"a";a:1:{i:0;i:1;}s:1:"b";R:2;}',
  'a:1:{s:4:"self";R:1;}',
  'O:8:"stdClass":2:{s:1:"a";r:1;s:1:"b";a:1:{i:0;R:3;}}',
  'O:3:"Foo":2:{s:4:"\0*\0p";i:1;s:6:"\0Foo\0q";N;}',
  'E:11:"Suit:Hearts";',
  'C:3:"Foo":6:{x:r:1;}',
  'C:3:"Foo":2:{ab}',
]

const SESSIONS: readonly string[] = [
  'a|i:1;b|a:2:{i:0;d:1;i:1;R:1;}c|R:2;',
  'u|O:4:"User":2:{s:2:"id";i:7;s:1:"f";r:1;}v|r:1;w|R:1;x|a:2:{i:0;r:1;s:1:"k";R:1;}',
  'p|a:1:{i:0;a:2:{i:0;R:1;i:1;R:2;}}q|a:2:{s:1:"z";i:1;s:1:"y";R:7;}',
  'm|C:3:"Foo":8:{i:1;r:1;}n|i:5;o|R:2;',
  '__proto__|a:1:{s:5:"admin";b:1;}constructor|s:1:"x";',
  'a:3:{s:1:"a";a:1:{i:0;i:1;}s:1:"b";R:2;i:5;O:8:"stdClass":0:{}}',
  'a:2:{s:4:"self";R:1;s:1:"x";a:1:{i:0;R:1;}}',
  '\x01ai:1;\x01bO:8:"stdClass":0:{}\x03refr:2;\x05otherR:1;',
  '\x81ai:1;',
]

/** What a mutation may put in: mostly what means something. */
const TOKENS: readonly string[] = [
  ...Array.from('0123456789:;{}"|+-.NbidsSaOCErR\\\0\xff'),
  ...VALUES,
  'R:1;',
  'r:1;',
  'R:2;',
  'r:2;',
  'i:0;',
  'i:1;',
  '99999999999999999999',
  'a:1:{',
  's:9:"__proto__";',
  's:4:"@php";',
]

test(`${RUNS} mutated texts are read or refused, and what is read can be written`, () => {
  const seeded = new SeededRandom(SEED)
  const random = (): number => seeded.next()
  const codecs = (['php', 'php_serialize', 'php_binary'] as const).map(serializer =>
    phpSessionCodec({ serializer, ...LIMITS }),
  )
  const before = [Object.prototype, Array.prototype, Function.prototype].map(prototype =>
    Reflect.ownKeys(prototype),
  )
  const counts = { read: 0, refused: 0, written: 0 }
  for (let run = 0; run < RUNS; run += 1) {
    const isValue = random() < 0.3
    const bytes = mutated(pick(isValue ? VALUES : SESSIONS, random), random)
    const codec = isValue ? undefined : pick(codecs, random)
    const data = readOrRefuse(() =>
      codec === undefined ? phpUnserialize(bytes, LIMITS) : codec.decode(bytes),
    )
    if (data === undefined) counts.refused += 1
    else {
      counts.read += 1
      if (codec !== undefined) {
        counts.written += writeBack(codec, data.value as Record<string, unknown>, bytes, random)
      }
    }
  }
  expect(
    [Object.prototype, Array.prototype, Function.prototype].map(prototype => Reflect.ownKeys(prototype)),
  ).toEqual(before)
  expect(Reflect.get({}, 'admin')).toBeUndefined()
  expect(counts.read).toBeGreaterThan(RUNS / 20)
  expect(counts.refused).toBeGreaterThan(RUNS / 20)
  expect(counts.written).toBeGreaterThan(RUNS / 100)
}, 3_600_000)

function readOrRefuse(action: () => unknown): { readonly value: unknown } | undefined {
  try {
    return { value: action() }
  } catch (error) {
    if (error instanceof PhpFormatError && Number.isInteger(error.byteOffset)) return undefined
    throw error
  }
}

/** Writes a session unchanged and changed, and reads what was written; how many of the changed were written. */
function writeBack(
  codec: PhpSessionCodec,
  data: Record<string, unknown>,
  bytes: Uint8Array,
  random: () => number,
): number {
  if (Buffer.compare(codec.encode(data, bytes), bytes) !== 0) throw new Error(`not as it was: ${text(bytes)}`)
  const [name] = Object.keys(data)
  if (name === undefined) return 0
  const value = data[name]
  if (random() < 0.4) Reflect.deleteProperty(data, name)
  else if (random() < 0.5 && Array.isArray(value)) value.unshift('more')
  else Object.defineProperty(data, name, { value: { old: value }, enumerable: true, configurable: true })
  let written: Uint8Array
  try {
    written = codec.encode(data, bytes)
  } catch (error) {
    if (error instanceof TypeError && Reflect.get(error, 'code') === 'INVALID_SESSION_DATA') return 0
    throw error
  }
  const again = codec.decode(written)
  if (!isSamePhpValue(sorted(again), sorted(data))) {
    throw new Error(`changed otherwise: ${text(bytes)} became ${text(written)}`)
  }
  return 1
}

/** The variables of a session in the order of their names: that of a changed session is the old one, then the new. */
function sorted(data: Record<string, unknown>): readonly unknown[] {
  const names = Object.keys(data).sort()
  return names.map(name => [name, data[name]])
}

function mutated(seed: string, random: () => number): Uint8Array {
  let result = seed
  for (let changes = Math.floor(random() * 4); changes > 0; changes -= 1) {
    const at = Math.floor(random() * (result.length + 1))
    const length = random() < 0.8 ? Math.floor(random() * 3) : Math.floor(random() * 20)
    const put = random() < 0.7 ? pick(TOKENS, random) : result.slice(at, at + Math.floor(random() * 30))
    result = result.slice(0, at) + put + result.slice(at + length)
  }
  return new Uint8Array(Buffer.from(result, 'latin1'))
}

function pick<Value>(values: readonly Value[], random: () => number): Value {
  const value = values[Math.floor(random() * values.length)]
  if (value === undefined) throw new Error('nothing to pick')
  return value
}

function text(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes).toString('latin1'))
}
