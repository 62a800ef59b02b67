import { invalidArgument } from '../../errors.ts'
import type { ProviderOptions } from './provider-context.ts'

/** What an option of a provider takes. */
export interface OptionKind {
  /** To complete the sentence `the option "x" takes ...`. */
  readonly takes: string
  readonly accepts: (value: unknown) => boolean
  /** Whether it has to be there. */
  readonly isRequired?: boolean
}

/** What every option of a provider takes, besides those that all providers have. */
export type OptionKinds<Options extends ProviderOptions> = Readonly<
  Record<Exclude<keyof Options, keyof ProviderOptions>, OptionKind>
>

/** Longest time that a timer of Node can wait. */
const LONGEST_MS = 2_147_483_647

export const aText: OptionKind = { takes: 'a text', accepts: value => typeof value === 'string' }

export const aFunction: OptionKind = { takes: 'a function', accepts: value => typeof value === 'function' }

export const anObject: OptionKind = { takes: 'an object', accepts: isObject }

export const aSwitch: OptionKind = { takes: 'true or false', accepts: value => typeof value === 'boolean' }

export const aTimeout: OptionKind = {
  takes: `a number of milliseconds from 1 to ${LONGEST_MS}`,
  accepts: value => isWithin(value, 1),
}

export const aPause: OptionKind = {
  takes: `a number of milliseconds from 0 to ${LONGEST_MS}`,
  accepts: value => isWithin(value, 0),
}

export const aCount: OptionKind = {
  takes: 'a whole number from 0',
  accepts: value => Number.isSafeInteger(value) && Number(value) >= 0,
}

/** Settings of the client that calls STS. Credentials, endpoint or proxy among them would not be heeded. */
export const anStsClientConfig: OptionKind = {
  takes:
    'an object with the texts region and profile, and nothing else (another endpoint is named by AWS_ENDPOINT_URL_STS or the ' +
    'profile)',
  accepts: value => holdsNothingBut(value, { region: aText, profile: aText }),
}

/** Whether a value is an object that has these members and no others, none of them wrong. */
export function holdsNothingBut(value: unknown, kinds: Readonly<Record<string, OptionKind>>): boolean {
  if (!isObject(value)) return false
  const all = Object.entries(value)
  const isEachRight = all.every(
    ([name, member]) => member === undefined || kinds[name]?.accepts(member) === true,
  )
  const isComplete = Object.entries(kinds).every(
    ([name, { isRequired = false }]) => !isRequired || Reflect.get(value, name) !== undefined,
  )
  return isEachRight && isComplete
}

/**
 * The options of a provider, once they have been checked.
 *
 * @param provider name of the function that takes them.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values. The message names the option and what it
 *   takes, and does not repeat the value, which may be secret.
 */
export function checkedOptions<Options extends ProviderOptions>(
  provider: string,
  options: Options,
  kinds: OptionKinds<Options>,
): Options {
  if (!isObject(options)) {
    throw invalidArgument('INVALID_OPTION', `the options of ${provider} have to be an object`)
  }
  const all: Readonly<Record<string, OptionKind>> = { ...kinds, context: anObject }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(all, name)) continue
    throw invalidArgument(
      'INVALID_OPTION',
      `${provider} has no option "${name}" (its options are: ${Object.keys(kinds).join(', ') || 'none'})`,
    )
  }
  for (const [name, { takes, accepts, isRequired = false }] of Object.entries(all)) {
    const value: unknown = Reflect.get(options, name)
    if (value === undefined ? isRequired : !accepts(value)) {
      throw invalidArgument('INVALID_OPTION', `the option "${name}" of ${provider} takes ${takes}`)
    }
  }
  return options
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isWithin(value: unknown, leastMs: number): boolean {
  return typeof value === 'number' && value >= leastMs && value <= LONGEST_MS
}
