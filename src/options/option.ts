import { invalidArgument } from '../errors.ts'
import { insteadOfSdkOption } from './sdk-options.ts'
import { numberFromText } from '../internal/number-from-text.ts'

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
  /** What in an acceptable value contradicts itself, as a sentence that follows the name of the option. */
  contradiction?(value: Value): string | undefined
  /** Other options, whose numbers this one cannot be above. Defaults give way: both have to be given. */
  readonly atMost?: readonly OptionRelation[]
  /** Another option, next to which this one would have no effect. */
  readonly notWith?: OptionRelation
}

/** How an option depends on another one. */
export interface OptionRelation {
  /** Name of the other option. */
  readonly option: string
  /** What would be so otherwise, to complete the sentence. */
  readonly otherwise: string
}

/** The specification of every option of an options type. */
export type OptionSpecs<Options extends object> = {
  readonly [Name in keyof Options]-?: OptionSpec<NonNullable<Options[Name]>>
}

/** What the names of all environment variables of this package start with. */
export const ENVIRONMENT_PREFIX = 'DYNAMODB_SESSIONS_'

/** The variables that options were looked for in. */
const lookedAt = new Set<string>()

/**
 * Whether variables of this package are set that no option was looked for in: they may be misspelt, but the preload and some
 * adapters have variables of their own, too.
 */
export function hasOtherVariables(environment: Readonly<Record<string, string | undefined>>): boolean {
  return Object.keys(environment).some(name => name.startsWith(ENVIRONMENT_PREFIX) && !lookedAt.has(name))
}

/** Stands for a variable of blanks: no option accepts a symbol. */
const BLANKS = Symbol('blanks')

/**
 * Checks options and completes them from the environment: an option that is absent or `undefined` is taken from
 * `DYNAMODB_SESSIONS_<NAME>` where that is set and a text can carry it. Defaults are the business of whoever
 * uses an option.
 *
 * @param given what the caller passed.
 * @throws {TypeError} `INVALID_OPTION` for unknown options, wrong values and options that contradict each other. The message
 *   names the option or the variable and what it takes, and does not repeat the value, which may be secret.
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
      throw invalidArgument(
        'INVALID_OPTION',
        variable === undefined
          ? `the option "${name}" takes ${spec.takes}; it got ${kindOf(value)}`
          : `the environment variable ${variable} takes ${spec.takesAsText ?? spec.takes}; it got ${kindOfText(value)}`,
      )
    }
    const contradiction = spec.contradiction?.(value)
    if (contradiction !== undefined) throw contradictory(`${optionName(name, values)} ${contradiction}`)
    options[name] = value
  }
  for (const name of names) checkRelations(name, specs[name], options, values)
  return options
}

/** How a message names an option whose value was found: by its variable where the caller did not pass it. */
export function optionName(name: string, given: object): string {
  return Reflect.get(given, name) === undefined
    ? `the environment variable ${variableOf(name)}`
    : `the option "${name}"`
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

/** Whether a value is a finite number above 0. */
export function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
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
  if (fromText === undefined) return { value: given, variable: undefined }
  const variable = variableOf(name)
  lookedAt.add(variable)
  const text = given === undefined ? environment[variable] : undefined
  if (text === undefined || text === '') return { value: given, variable: undefined }
  // Blanks are nothing that anybody meant, for a number or a name; and not the same as nothing.
  return { value: text.trim() === '' ? BLANKS : fromText(text), variable }
}

function checkRelations(
  name: string,
  { atMost = [], notWith }: Pick<OptionSpec<unknown>, 'atMost' | 'notWith'>,
  options: object,
  given: object,
): void {
  const value: unknown = Reflect.get(options, name)
  if (value === undefined) return
  if (notWith !== undefined && Reflect.get(options, notWith.option) !== undefined) {
    throw contradictory(
      `${optionName(name, given)} has no effect with ${optionName(notWith.option, given)}: ${notWith.otherwise}; leave one of ` +
        'them out',
    )
  }
  for (const { option, otherwise } of atMost) {
    const limit: unknown = Reflect.get(options, option)
    if (typeof value !== 'number' || typeof limit !== 'number' || value <= limit) continue
    throw contradictory(
      `${optionName(name, given)} (${value}) is above ${optionName(option, given)} (${limit}): ${otherwise}`,
    )
  }
}

function contradictory(message: string): TypeError {
  return invalidArgument('INVALID_OPTION', message)
}

function asObject(given: unknown): Readonly<Record<string, unknown>> {
  if (given === undefined) return {}
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalidArgument('INVALID_OPTION', `the options have to be an object; they are ${kindOf(given)}`)
  }
  return given as Readonly<Record<string, unknown>>
}

function namesOf<Options extends object>(specs: OptionSpecs<Options>): (keyof Options & string)[] {
  return Object.keys(specs) as (keyof Options & string)[]
}

function unknownOption(name: string, known: readonly string[]): TypeError {
  const instead = insteadOfSdkOption(name)
  const alike = known.find(candidate => simplified(candidate) === simplified(name))
  const meant = alike === undefined ? '' : `; did you mean "${alike}"?`
  const hint = instead === undefined ? meant : `, as clients of the AWS SDK have it: ${instead}`
  return invalidArgument(
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
  if (value === BLANKS) return 'nothing but blanks'
  return typeof value === 'number' && !Number.isNaN(value) ? kindOf(value) : 'another text'
}
