import { parseArgs } from 'node:util'

import { type OptionDeclaration, UsageError } from './command.ts'
import { didYouMean, nearest } from '../internal/closest-match.ts'
import { numberFromText } from '../internal/number-from-text.ts'

/** Bounds of a number that an option takes. */
export interface NumberBounds {
  readonly least: number
  readonly most: number
  /** What is counted, for messages. */
  readonly unit: string
  /** Whether fractions are refused. */
  readonly whole?: boolean
}

/** A command line, taken apart: the values of the options and what stands on its own. */
export class Invocation {
  readonly positionals: readonly string[]
  readonly #values: ReadonlyMap<string, readonly string[]>

  constructor(values: ReadonlyMap<string, readonly string[]>, positionals: readonly string[]) {
    this.#values = values
    this.positionals = positionals
  }

  /** Whether an option is there. */
  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** The value of an option; `undefined` when it is not there. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.[0]
  }

  /** The values of an option that may be repeated. */
  texts(name: string): readonly string[] {
    return this.#values.get(name) ?? []
  }

  /**
   * The value of an option that takes a number.
   *
   * @throws {UsageError} when it is none, or out of bounds.
   */
  number(name: string, { least, most, unit, whole = false }: NumberBounds): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const number = numberFromText(text)
    if (number >= least && number <= most && (!whole || Number.isInteger(number))) return number
    const range =
      most === Infinity || most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`
    throw new UsageError(`--${name} takes a ${whole ? 'whole ' : ''}number of ${unit} ${range}`)
  }

  /**
   * The value of an option that takes one of a few words.
   *
   * @throws {UsageError} when it is none of them; the message has the nearest one.
   */
  oneOf<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const found = words.find(word => word === text)
    if (found !== undefined) return found
    throw new UsageError(`--${name} takes ${listed(words)}${didYouMean(nearest(text, words))}`)
  }
}

/**
 * Takes a command line apart.
 *
 * @throws {UsageError} for an option that there is not, with the nearest that there is, and for values that are missing
 *   or too many. Values are not repeated in messages: they may be session IDs.
 */
export function parseInvocation(args: readonly string[], options: readonly OptionDeclaration[]): Invocation {
  const declared = new Map(options.map(option => [option.name, option]))
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      options.map(({ name, value }) => [
        name,
        {
          type: value === undefined ? ('boolean' as const) : ('string' as const),
          ...(name === 'help' && { short: 'h' }),
        },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values = new Map<string, string[]>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const option = declared.get(token.name)
    if (option === undefined) throw unknownOption(token.rawName, [...declared.keys()])
    values.set(token.name, [
      ...(values.get(token.name) ?? []),
      checkedValue(option, token.value, token.inlineValue),
    ])
    if (option.value !== undefined && option.repeatable !== true && values.get(token.name)?.length !== 1) {
      throw new UsageError(`--${token.name} is there twice; give it once`)
    }
  }
  return new Invocation(values, positionals)
}

/** Words as a sentence lists them. */
export function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`
}

function checkedValue(
  { name, value: placeholder, mayBeEmpty = false }: OptionDeclaration,
  value: string | undefined,
  isInline: boolean | undefined,
): string {
  if (placeholder === undefined) {
    if (value !== undefined) throw new UsageError(`--${name} is a switch and takes no value`)
    return ''
  }
  if (value === undefined || (value === '' && !mayBeEmpty))
    throw new UsageError(`--${name} needs a value: --${name} <${placeholder}>`)
  if (isInline !== true && value.startsWith('-') && value !== '-') {
    throw new UsageError(
      `--${name} needs a value: --${name} <${placeholder}>; write --${name}=<${placeholder}> when it begins with a dash`,
    )
  }
  return value
}

function unknownOption(rawName: string, names: readonly string[]): UsageError {
  if (!rawName.startsWith('--')) {
    return new UsageError(
      'there are no options with one dash but -h; put -- before a session ID that begins with a dash',
    )
  }
  const name = rawName.slice(2)
  const candidate = nearest(name, names)
  const shown = /^[\w-]{1,40}$/.test(name) ? `--${name}` : 'of that name'
  return new UsageError(
    `there is no option ${shown}${didYouMean(candidate === undefined ? undefined : `--${candidate}`)}`,
  )
}
