import { closestMatch, didYouMean } from '../internal/message-text.ts'
import { entryRows } from './entry-options.ts'
import { ENVIRONMENT_PREFIX, type OptionRow, variableOf } from '../internal/option.ts'
import { type Environment, warn } from '../internal/process-environment.ts'
import { preloadRows } from './preload-options.ts'
import { storeRows } from './store-options.ts'

const NAMING = `; an option of SessionStore is read from ${ENVIRONMENT_PREFIX} and its name, as ${variableOf('ttlSeconds')}`

/** The variables of this package that are set. */
export function ownVariables(environment: Environment): string[] {
  return Object.keys(environment).filter(
    name =>
      name.startsWith(ENVIRONMENT_PREFIX) && environment[name] !== undefined && environment[name] !== '',
  )
}

/**
 * Says of every variable that is set under the prefix of this package, but is not one that anything here reads, that this
 * is so, and which one may have been meant.
 *
 * @returns one text for each; they repeat names, not values.
 */
export function unknownVariables(environment: Environment): string[] {
  const { fromEnvironment, fromCode } = knownVariables()
  return ownVariables(environment)
    .filter(name => !fromEnvironment.includes(name))
    .map(name => {
      if (fromCode.includes(name)) return `${name} is not read from the environment: give that option in code`
      const meant = closestMatch(nameIn(name), fromEnvironment.map(nameIn))
      const hint = didYouMean(meant && ENVIRONMENT_PREFIX + meant)
      return `nothing reads the environment variable ${name}${hint === '' ? NAMING : hint}`
    })
}

const warnedOf = new Set<string>()

/** Warns of every variable that {@link unknownVariables} names, once in a process. */
export function warnOfUnknownVariables(environment: Environment): void {
  for (const text of unknownVariables(environment)) {
    if (warnedOf.has(text)) continue
    warnedOf.add(text)
    warn(text)
  }
}

/** The variables that this package reads, and those that options would have which no string can carry. */
export function knownVariables(): Readonly<Record<'fromEnvironment' | 'fromCode', readonly string[]>> {
  const rows: [string, OptionRow][] = Object.entries({ ...storeRows, ...entryRows, ...preloadRows })
  const variables = (isText: boolean): string[] =>
    rows.filter(([, { fromText }]) => (fromText !== undefined) === isText).map(([name]) => variableOf(name))
  return { fromEnvironment: variables(true), fromCode: variables(false) }
}

function nameIn(variable: string): string {
  return variable.slice(ENVIRONMENT_PREFIX.length)
}
