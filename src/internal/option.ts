import { invalidOption } from '../errors.ts'
import { isJsonObject, type JsonObject } from './core-objects.ts'
import {
  BLANKS,
  type DescribedOption,
  kindOf,
  mistakeIn,
  missingIn,
  receivedText,
  unknownOption,
  wrongMember,
} from './option-mistakes.ts'
import { type Environment, numberFromText, warnAFewTimes } from './process-environment.ts'

/**
 * One option: everything but its TypeScript type and its help, which are the property of that name and the first sentence
 * of its TSDoc, in the interface beside the rows. What is said of options anywhere else is derived from both.
 */
export interface OptionRow<Value = unknown> extends DescribedOption {
  /** Reads the value from the string of an environment variable; options without it cannot come from there. */
  readonly fromText?: (text: string) => unknown
  /** The value without the option, where that is always the same one. */
  readonly default?: Value
  /** The layouts that heed it; all of them when absent. */
  readonly layouts?: readonly string[]
  /** The value that says what the other layouts do anyway: it is accepted with them. */
  readonly elsewhere?: unknown
  /** What in an acceptable value contradicts itself or other options, as a sentence. Defaults give way: all are given. */
  conflict?(value: Value, given: GivenOptions): string | undefined
  /** The least and the greatest number that it takes. */
  readonly range?: readonly [least: number, most: number]
  /** What makes it likely that an acceptable value is a mistake, as a clause without its subject: a process warning. */
  readonly doubt?: (value: unknown) => string | undefined
  /** What stands for the value of its flag in the help of the command line; empty for a switch. */
  readonly flag?: string
  readonly members?: Readonly<Record<string, OptionRow>>
}

/** The rows of an options type: one for each option, with a default for those in `WithDefault`. */
export type OptionRows<Options extends object, WithDefault extends keyof Options = never> = {
  readonly [Name in keyof Options]-?: OptionRow<NonNullable<Options[Name]>> &
    (Name extends WithDefault
      ? { readonly default: Exclude<NonNullable<Options[Name]>, (data: never) => unknown> }
      : unknown)
}

/** The rows of the options with these names, whatever they take. */
export type RowsOf<Options extends object> = { readonly [Name in keyof Options]-?: OptionRow }

/** The options that a value was given with. */
export interface GivenOptions {
  /** Name of the option that the value is of. */
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  /** How a message names an option: by its variable where it came from there. */
  readonly nameOf: (name: string) => string
}

type Rows = Readonly<Record<string, OptionRow>>

/** What the names of all environment variables of this package start with. */
export const ENVIRONMENT_PREFIX = 'DYNAMODB_SESSIONS_'

/** The variables that options were looked for in. */
const lookedAt = new Set<string>()

/**
 * Checks options and completes them from the environment: an option that is absent or `undefined` is taken from
 * `DYNAMODB_SESSIONS_<NAME>` where that is set and a string can carry it. Defaults are up to the code that uses an option.
 *
 * @param given what the caller passed.
 * @throws {TypeError} `INVALID_OPTION` for unknown options, wrong values, options that the layout among them does not heed
 *   and options that contradict each other. The message names the option or the variable and what it takes, and does not
 *   repeat the value, which may be secret.
 */
export function readOptions<Options extends object>(
  given: unknown,
  optionRows: RowsOf<Options>,
  environment: Environment,
): Partial<Options> {
  const rows: Rows = optionRows
  const values = given ?? {}
  if (given === null || !isJsonObject(values)) {
    throw invalidOption(`the options must be an object; received ${kindOf(given)}`)
  }
  for (const name of Object.keys(values)) {
    if (!Object.hasOwn(rows, name)) throw unknownOption('there is no option', name, 'the options', rows)
  }
  const options: Record<string, unknown> = {}
  const mistakes: string[] = []
  for (const [name, row] of Object.entries(rows)) {
    const { value, variable } = valueOf(name, values, row, environment)
    if (value === undefined) continue
    if (!row.accepts(value)) {
      mistakes.push(
        variable === undefined
          ? mistakeIn(`the option "${name}"`, row, value)
          : `the environment variable ${variable} must be ${row.takesAsText ?? row.takes}; ${receivedText(value, row)}`,
      )
    } else
      warnOfDoubt(
        variable === undefined ? `the option "${name}"` : `the environment variable ${variable}`,
        row,
        value,
      )
    options[name] = value
  }
  if (mistakes.length > 0) throw invalidOption(mistakes.join('; '))
  const nameOf = (name: string): string => optionName(name, values)
  const problem =
    (Object.hasOwn(rows, 'layout') ? layoutConflict(options, rows, nameOf) : undefined) ??
    firstConflict(options, rows, nameOf)
  if (problem !== undefined) throw invalidOption(problem)
  return options as Partial<Options>
}

/**
 * Checks the options of a call. This is part of every call: it makes nothing, and looks at nothing where there are none.
 *
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export function validateCallOptions<Options extends object>(
  options: Options | undefined,
  rows: RowsOf<Options>,
): void {
  if (options === undefined) return
  if (!isJsonObject(options)) throw invalidOption('the options of a call must be an object, or left out')
  validate(options, rows, 'this call')
}

/**
 * Checks the options of a function.
 *
 * @param name of the function, for messages.
 * @throws {TypeError} `INVALID_OPTION` for unknown options, wrong values, and missing ones that are required.
 */
export function validateOptionsOf(name: string, options: unknown, rows: Rows): void {
  if (!isJsonObject(options)) throw invalidOption(`the options of ${name} must be an object`)
  validate(options, rows, name, ` of ${name}`)
  const missing = missingIn(options, rows)
  if (missing !== undefined)
    throw invalidOption(mistakeIn(`the option "${missing[0]}" of ${name}`, missing[1], undefined))
}

function validate(options: JsonObject, rows: Rows, owner: string, ofOwner = ''): void {
  // Inherited ones count, too: an AbortSignal that is passed in place of { signal } has nothing else.
  for (const name in options) {
    if (!Object.hasOwn(rows, name)) {
      if (name in Object.prototype) continue
      throw unknownOption(`${owner} has no option`, name, 'its options', rows)
    }
    const value: unknown = Reflect.get(options, name)
    const row = rows[name]
    if (value === undefined || row === undefined) continue
    if (!row.accepts(value)) throw invalidOption(mistakeIn(`the option "${name}"${ofOwner}`, row, value))
    if (row.doubt !== undefined) warnOfDoubt(`the option "${name}"${ofOwner}`, row, value)
  }
}

/**
 * Whether variables of this package are set that no option was looked for in: they may be misspelt, but the preload and some
 * adapters have variables of their own, too.
 */
export function hasOtherVariables(environment: Environment): boolean {
  return Object.keys(environment).some(name => name.startsWith(ENVIRONMENT_PREFIX) && !lookedAt.has(name))
}

/** The environment variable that an option is taken from. */
export function variableOf(name: string): string {
  return ENVIRONMENT_PREFIX + name.replaceAll(/[A-Z]/g, '_$&').toUpperCase()
}

/** An option that takes a string. */
export function textOption(takes: string, accepts: RegExp | ((text: string) => boolean)): OptionRow<string> {
  const isRight = typeof accepts === 'function' ? accepts : (text: string) => accepts.test(text)
  return {
    takes,
    accepts: value => typeof value === 'string' && isRight(value),
    fromText: text => text,
  }
}

/** What is no secret: words without digits. */
const WORD = /^[a-z][a-z_-]{0,39}$/i

/** An option that takes one of a few words. */
export function wordOption<const Word extends string>(words: readonly Word[]): OptionRow<Word> {
  return {
    takes: (words.length > 1 ? 'one of ' : '') + words.map(word => `'${word}'`).join(', '),
    accepts: value => words.some(word => word === value),
    fromText: text => text,
    words,
    shown: WORD,
  }
}

function warnOfDoubt(option: string, { doubt }: OptionRow, value: unknown): void {
  const text = doubt?.(value)
  if (text !== undefined) warnAFewTimes(option, text)
}

const DAY_SECONDS = 86_400
/** Browsers keep no cookie for longer: a lifetime above is more likely one in milliseconds. */
const LONGEST_USUAL_SECONDS = 400 * DAY_SECONDS

/** The doubt about a number of seconds that would make sense as milliseconds. */
function secondsInDoubt(value: unknown): string | undefined {
  if (typeof value !== 'number' || value <= LONGEST_USUAL_SECONDS || value === Infinity) return undefined
  const days = Math.round(value / DAY_SECONDS).toLocaleString('en-US')
  return `is ${value} seconds, which are ${days} days; were milliseconds meant? Then it is ${value / 1000}`
}

/** An option that takes a number within bounds. */
export function numberOption(unit: string, least: number, most: number): OptionRow<number> {
  return {
    ...(unit === 'seconds' && most > LONGEST_USUAL_SECONDS && { doubt: secondsInDoubt }),
    takes: `a number of ${unit}${within(least, most)}`,
    accepts: value => typeof value === 'number' && value >= least && value <= most,
    fromText: numberFromText,
    range: [least, most],
  }
}

/** An option that takes an integer within bounds. */
export function integerOption(unit: string, least: number, most: number): OptionRow<number> {
  const row = numberOption(unit, least, most)
  return {
    ...row,
    takes: `a whole number of ${unit}${within(least, most)}`,
    accepts: value => Number.isInteger(value) && row.accepts(value),
  }
}

/** An option that takes a number of seconds above 0. */
export function secondsOption(example?: number): OptionRow<number> {
  const takes = 'a positive number of seconds'
  return {
    takes,
    ...(example !== undefined && { takesAsText: `${takes}, such as ${example}` }),
    accepts: isPositive,
    doubt: secondsInDoubt,
    fromText: numberFromText,
    range: [0, Infinity],
  }
}

/** Whether a value is a finite number above 0. */
export function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
}

/** An option that takes `true` or `false`. */
export function booleanOption(): OptionRow<boolean> {
  return {
    takes: 'true or false',
    accepts: value => typeof value === 'boolean',
    fromText: text => (text === 'true' ? true : text === 'false' ? false : text),
  }
}

/** An option that takes a function. */
export function functionOption<Value>(takes = 'a function'): OptionRow<Value> {
  return { takes, accepts: value => typeof value === 'function' }
}

/**
 * An option that takes an object of these options.
 *
 * @param short what it takes besides, which a string can carry.
 */
export function objectOption<Value>(
  takes: string,
  members: Rows,
  short?: Pick<OptionRow, 'takes' | 'accepts' | 'fromText' | 'words' | 'shown' | 'meant'>,
): OptionRow<Value> {
  return {
    ...short,
    ...(short !== undefined && { takesAsText: short.takes }),
    takes,
    members,
    accepts: value =>
      short?.accepts(value) === true || (isJsonObject(value) && wrongMember(value, members) === undefined),
  }
}

/** The conflict of a number with others that it cannot be above. What would be so otherwise completes the sentence. */
export function atMost(
  others: Readonly<Record<string, string>>,
): (value: unknown, given: GivenOptions) => string | undefined {
  return (value, { name, options, nameOf }) => {
    for (const [other, otherwise] of Object.entries(others)) {
      const limit = options[other]
      if (typeof value === 'number' && typeof limit === 'number' && value > limit) {
        return `${nameOf(name)} (${value}) is above ${nameOf(other)} (${limit}): ${otherwise}`
      }
    }
    return undefined
  }
}

/** The conflict with an option next to which this one would have no effect. */
export function notWith(
  other: string,
  otherwise: string,
): (value: unknown, given: GivenOptions) => string | undefined {
  return (_value, { name, options, nameOf }) =>
    options[other] === undefined
      ? undefined
      : `${nameOf(name)} has no effect with ${nameOf(other)}: ${otherwise}; leave one of them out`
}

/** Bounds in words; the greatest safe integer and what is above it are no bound that a reader cares for. */
function within(least: number, most: number): string {
  return most < Number.MAX_SAFE_INTEGER ? ` from ${least} to ${most}` : `, ${least} or more`
}

/** Names are counted out in a message up to here. */
const MOST_NAMED = 2

/** What is wrong with the options that the layout among them does not heed: none is accepted and then has no effect. */
export function layoutConflict(
  options: Readonly<Record<string, unknown>>,
  rows: Rows,
  nameOf: (name: string) => string,
): string | undefined {
  const layout = (options['layout'] ?? 'native') as string
  const stray = Object.entries(rows).flatMap(([name, { layouts, elsewhere }]) => {
    const value = options[name]
    if (value === undefined || value === elsewhere || layouts === undefined || layouts.includes(layout))
      return []
    return [`${nameOf(name)} ${whereHeeded(layouts)}`]
  })
  if (stray.length === 0) return undefined
  return `${stray.join('; ')}; the layout is "${layout}"; leave ${stray.length === 1 ? 'it' : 'them'} out`
}

function whereHeeded(layouts: readonly string[]): string {
  if (layouts.length === 0) return 'has no effect, because nothing is written there'
  if (layouts.length > MOST_NAMED) return 'does not go with this layout'
  return `is for the layout ${layouts.map(name => `"${name}"`).join(' and ')} only`
}

function firstConflict(
  options: Readonly<Record<string, unknown>>,
  rows: Rows,
  nameOf: (name: string) => string,
): string | undefined {
  for (const [name, value] of Object.entries(options)) {
    const problem = rows[name]?.conflict?.(value, { name, options, nameOf })
    if (problem !== undefined) return problem
  }
  return undefined
}

function optionName(name: string, given: Readonly<Record<string, unknown>>): string {
  return given[name] === undefined ? `the environment variable ${variableOf(name)}` : `the option "${name}"`
}

function valueOf(
  name: string,
  values: Readonly<Record<string, unknown>>,
  { fromText }: OptionRow,
  environment: Environment,
): { value: unknown; variable?: string } {
  const given = values[name]
  if (fromText === undefined) return { value: given }
  const variable = variableOf(name)
  lookedAt.add(variable)
  const text = given === undefined ? environment[variable] : undefined
  if (text === undefined || text === '') return { value: given }
  // Blanks are meant for nothing, for neither a number nor a name; and not the same as nothing.
  return { value: text.trim() === '' ? BLANKS : fromText(text), variable }
}
