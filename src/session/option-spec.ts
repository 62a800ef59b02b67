import { callerMistake } from '../errors.ts'

/** What one option takes. */
export interface OptionSpec<Value> {
  /** What the option takes, to complete the sentence `option "x" takes ...`. */
  readonly takes: string
  /** What its environment variable takes, where that is put in other words. */
  readonly takesAsText?: string
  /** Whether a value is acceptable. */
  readonly accepts: (value: unknown) => value is Value
  /** Reads the value from the text of an environment variable; options without it cannot come from there. */
  readonly fromText?: (text: string) => unknown
}

/** The specification of every option of an options type. */
export type OptionSpecs<Options extends object> = {
  readonly [Name in keyof Options]-?: OptionSpec<NonNullable<Options[Name]>>
}

/** What the names of all environment variables of this package start with. */
export const ENVIRONMENT_PREFIX = 'DYNAMODB_SESSIONS_'

/**
 * Checks options and completes them from the environment: an option that is absent or `undefined` is taken from
 * `DYNAMODB_SESSIONS_<NAME>` where that is set and a text can carry it. Defaults are the business of whoever
 * uses an option.
 *
 * @param given what the caller passed.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values. The message names the option or
 *   the variable and what it takes, and does not repeat the value, which may be secret.
 */
export function readOptions<Options extends object>(
  given: unknown,
  specs: OptionSpecs<Options>,
  environment: Readonly<Record<string, string | undefined>>,
): Partial<Options> {
  const values = asObject(given)
  const names = namesOf(specs)
  for (const name of Object.keys(values)) {
    if (!Object.hasOwn(specs, name)) throw unknownOption(name, names)
  }
  const options: Partial<Options> = {}
  for (const name of names) {
    const spec: OptionSpec<NonNullable<Options[typeof name]>> = specs[name]
    const { value, variable } = valueOf(name, values, spec, environment)
    if (value === undefined) continue
    if (!spec.accepts(value)) {
      throw callerMistake(
        'INVALID_OPTION',
        variable === undefined
          ? `the option "${name}" takes ${spec.takes}; it got ${kindOf(value)}`
          : `the environment variable ${variable} takes ${spec.takesAsText ?? spec.takes}; it got ${kindOfText(value)}`,
      )
    }
    options[name] = value
  }
  return options
}

/** The environment variable that an option is taken from. */
export function variableOf(name: string): string {
  return ENVIRONMENT_PREFIX + name.replaceAll(/[A-Z]/g, '_$&').toUpperCase()
}

/** Options that take one kind of value; each is a function so that none is made before it is needed. */
export function textOption(takes: string, accepts: (text: string) => boolean): OptionSpec<string> {
  return {
    takes,
    accepts: (value): value is string => typeof value === 'string' && accepts(value),
    fromText: text => text,
  }
}

/** An option that takes an integer within bounds. */
export function integerOption(unit: string, least: number, most: number): OptionSpec<number> {
  return {
    takes: `a whole number of ${unit} from ${least} to ${most}`,
    accepts: (value): value is number =>
      Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
    fromText: numberFromText,
  }
}

/** The number that the text of a variable is; NaN for a text of blanks, which is none. */
export function numberFromText(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text)
}

/** An option that takes `true` or `false`. */
export function booleanOption(): OptionSpec<boolean> {
  return {
    takes: 'true or false',
    accepts: (value): value is boolean => typeof value === 'boolean',
    fromText: text => (text === 'true' ? true : text === 'false' ? false : text),
  }
}

function valueOf<Value>(
  name: string,
  values: Readonly<Record<string, unknown>>,
  { fromText }: OptionSpec<Value>,
  environment: Readonly<Record<string, string | undefined>>,
): { value: unknown; variable: string | undefined } {
  const given = values[name]
  if (given === undefined && fromText !== undefined) {
    const variable = variableOf(name)
    const text = environment[variable]
    if (text !== undefined && text !== '') return { value: fromText(text), variable }
  }
  return { value: given, variable: undefined }
}

function asObject(given: unknown): Readonly<Record<string, unknown>> {
  if (given === undefined) return {}
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw callerMistake('INVALID_OPTION', `the options have to be an object; they are ${kindOf(given)}`)
  }
  return given as Readonly<Record<string, unknown>>
}

function namesOf<Options extends object>(specs: OptionSpecs<Options>): (keyof Options & string)[] {
  return Object.keys(specs) as (keyof Options & string)[]
}

function unknownOption(name: string, known: readonly string[]): TypeError {
  const alike = known.find(candidate => simplified(candidate) === simplified(name))
  const hint = alike === undefined ? '' : `; did you mean "${alike}"?`
  return callerMistake(
    'INVALID_OPTION',
    `there is no option "${name}"${hint} (the options are: ${known.join(', ')})`,
  )
}

/** The letters of a name in alphabetical order, so that swapped ones do not count; nor do a plural or an added "name". */
function simplified(name: string): string {
  const letters = name.toLowerCase().replaceAll(/[^a-z]|name$|s$/g, '')
  return Array.from(letters).toSorted().join('')
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'string') return value === '' ? 'an empty text' : 'a text'
  if (typeof value === 'number') return `the number ${value}`
  if (typeof value === 'boolean') return String(value)
  return `a value of type ${typeof value}`
}

/** The same of a value that was read from the text of a variable. */
function kindOfText(value: unknown): string {
  return typeof value === 'number' && !Number.isNaN(value) ? kindOf(value) : 'another text'
}
