import { invalidArgument } from '../errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

const OPTIONAL = 'DYNAMODB_SESSIONS_OPTIONAL'
const REPLACE = 'DYNAMODB_SESSIONS_REPLACE'

/** Whether the application may start with its store in memory when ours cannot be made. */
export function isOptional(environment: Environment): boolean {
  return environment[OPTIONAL] === '1' || environment[OPTIONAL] === 'true'
}

/** Whether the package `connect-dynamodb` is to be replaced. */
export function replacesConnectDynamodb(environment: Environment): boolean {
  return environment[REPLACE] === 'connect-dynamodb'
}

/**
 * Checks the settings of the preload itself; those of the store are checked by the store.
 *
 * @throws {TypeError} `INVALID_OPTION` with the name of the variable and what it takes.
 */
export function checkPreloadSettings(environment: Environment): void {
  check(environment, OPTIONAL, ['1', 'true', '0', 'false'])
  check(environment, REPLACE, ['connect-dynamodb'])
}

function check(environment: Environment, name: string, values: readonly string[]): void {
  const text = environment[name]
  if (text === undefined || text === '' || values.includes(text)) return
  throw invalidArgument(
    'INVALID_OPTION',
    `the environment variable ${name} takes ${values.join(', ').replace(/, (?=[^,]*$)/, ' or ')}; it got another text`,
  )
}
