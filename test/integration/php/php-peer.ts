import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import type { PhpSerializer } from '../../../src/layouts/php/session-format.ts'

/** A session, and what PHP is to change in it before it writes it again. */
export interface SessionChange {
  readonly bytes: Uint8Array
  readonly unset?: readonly string[]
  readonly set?: Readonly<Record<string, unknown>>
}

/** What PHP makes of a {@link SessionChange}. */
export interface ChangedSession {
  readonly bytes: Uint8Array
  readonly variables: readonly SessionVariable[]
}

/** A variable of a session that PHP has read. */
export interface SessionVariable {
  readonly name: string
  /** What `serialize([$value])` gives. */
  readonly value: string
  /** The first variable that is the same one under another name; empty when there is none. */
  readonly sameAs: string
}

/** What PHP is to make up. */
interface Wish {
  readonly seed: number
  readonly count: number
  /** Without objects, references, and floats that are integers to JavaScript. */
  readonly plain: boolean
  /** With objects that implement `Serializable`. */
  readonly ownFormat?: boolean
}

const PROGRAM = fileURLToPath(new URL('peer.php', import.meta.url))

/** Whether there is a PHP to ask; tests that need it are skipped where there is none. */
export const hasPhp: boolean = spawnSync('php', ['--version']).status === 0

if (!hasPhp)
  process.stderr.write('php is not installed: the tests that compare with a real PHP are skipped\n')

/** Random values as `serialize()` writes them. */
export function phpValues(wish: Wish): Uint8Array[] {
  return asMany(ask({ ask: 'values', ...wish }), wish)
}

/** Random sessions as `session_encode()` writes them. */
export function phpSessions(handler: PhpSerializer, wish: Wish): Uint8Array[] {
  return asMany(ask({ ask: 'sessions', handler, ...wish }), wish)
}

/** What PHP writes after reading; `undefined` for what it cannot read. */
export function phpAgain(values: readonly Uint8Array[]): (Uint8Array | undefined)[] {
  const answers = ask({ ask: 'again', values: values.map(base64) }) as (string | null)[]
  return answers.map(answer => (answer === null ? undefined : bytesOf(answer)))
}

/** What `serialize()` gives for expressions of PHP. */
export function phpSerialized(codes: readonly string[]): string[] {
  return asBytes(ask({ ask: 'eval', codes })).map(latin1)
}

/** What `serialize()` gives for floats. */
export function phpFloats(floats: readonly number[]): string[] {
  return ask({
    ask: 'floats',
    floats: floats.map(float => base64(new Uint8Array(new Float64Array([float]).buffer))),
  }) as string[]
}

/** What PHP makes of sessions; `undefined` for those that it cannot read. */
export function phpSessionAgain(
  handler: PhpSerializer,
  changes: readonly SessionChange[],
): (ChangedSession | undefined)[] {
  const sessions = changes.map(({ bytes, ...change }) => ({ bytes: base64(bytes), ...change }))
  const answers = ask({ ask: 'session again', handler, sessions }) as ({
    readonly bytes: string
    readonly variables: readonly (readonly [string, string, string])[]
  } | null)[]
  return answers.map(answer => {
    if (answer === null) return undefined
    const variables = answer.variables.map(([name, value, sameAs]) => ({
      name: Buffer.from(name, 'base64').toString(),
      value: latin1(bytesOf(value)),
      sameAs: Buffer.from(sameAs, 'base64').toString(),
    }))
    return { bytes: bytesOf(answer.bytes), variables }
  })
}

/** Bytes as text of which every character is one, for readable differences. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

function ask(question: object): unknown {
  const run = spawnSync('php', [PROGRAM], {
    input: `${JSON.stringify(question)}\n`,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    timeout: 120_000,
  })
  if (run.status !== 0) throw new Error(`php ended with ${run.status}: ${run.stderr}`)
  return JSON.parse(run.stdout)
}

/** As many as were wished for: a test that goes through them goes through something. */
function asMany(answer: unknown, { count }: Wish): Uint8Array[] {
  const made = asBytes(answer)
  if (made.length !== count) throw new Error(`php made up ${made.length} of ${count}`)
  return made
}

function asBytes(answer: unknown): Uint8Array[] {
  return (answer as string[]).map(bytesOf)
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'))
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
