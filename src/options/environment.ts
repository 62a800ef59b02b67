import { didYouMean, nearest } from '../internal/closest-match.ts'
import { ENVIRONMENT_PREFIX, type OptionSpec, variableOf } from './option.ts'
import { storeOptionSpecs } from './store-options.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Options beyond those of the store that are taken from the environment, and the settings of the preload. */
const OTHER_NAMES = [
  'defaultTtlSeconds',
  'hashKeys',
  'optional',
  'replace',
  'rolling',
  'secrets',
  'userIndex',
  'waitTimeoutMs',
] as const

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
export function unreadVariables(environment: Environment): string[] {
  const { fromEnvironment, fromCode } = knownVariables()
  const endings = fromEnvironment.map(ending)
  return ownVariables(environment)
    .filter(name => !fromEnvironment.includes(name))
    .map(name => {
      if (fromCode.includes(name)) return `${name} is not read from the environment: give that option in code`
      const meant = nearest(ending(name), endings)
      const hint = didYouMean(fromEnvironment.find(each => ending(each) === meant))
      return `nothing reads the environment variable ${name}${hint === '' ? NAMING : hint}`
    })
}

const warnedOf = new Set<string>()

/** Warns of every variable that {@link unreadVariables} names, once in a process. */
export function warnOfUnreadVariables(environment: Environment): void {
  for (const text of unreadVariables(environment)) {
    if (warnedOf.has(text)) continue
    warnedOf.add(text)
    process.emitWarning(text, 'DynamoDBSessionsWarning')
  }
}

/** The variables that options of the store would have, and the others that this package reads. */
export function knownVariables(): Readonly<Record<'fromEnvironment' | 'fromCode', readonly string[]>> {
  const specs: Readonly<Record<string, OptionSpec<unknown>>> = storeOptionSpecs<object>()
  const names = Object.keys(specs)
  const isText = (name: string): boolean => specs[name]?.fromText !== undefined
  return {
    fromEnvironment: [...names.filter(isText), ...OTHER_NAMES].map(variableOf),
    fromCode: names.filter(name => !isText(name)).map(variableOf),
  }
}

function ending(variable: string): string {
  return variable.slice(ENVIRONMENT_PREFIX.length).toLowerCase()
}
