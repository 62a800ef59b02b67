import { invalidArgument } from '../errors.ts'
import { messageOf } from '../internal/core-objects.ts'
import { processEnvironment } from '../internal/process-environment.ts'

type Environment = Readonly<Record<string, string | undefined>>

const OPTIONAL = 'DYNAMODB_SESSIONS_OPTIONAL'
const REPLACE = 'DYNAMODB_SESSIONS_REPLACE'

let hasWarned = false

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

/**
 * Stops the start of an application whose sessions cannot go where the operator wants them; or, where
 * `DYNAMODB_SESSIONS_OPTIONAL` says that they need not, warns the first time and returns.
 *
 * @param task what could not be done, to complete "cannot".
 * @throws {TypeError} `INVALID_OPTION`
 */
export function stopOrWarn(task: string, cause: unknown): void {
  const reason = messageOf(cause) ?? 'the reason is unknown'
  const problem = `dynamodb-sessions/register cannot ${task}: ${reason}`
  if (!isOptional(processEnvironment())) {
    throw invalidArgument(
      'INVALID_OPTION',
      `${problem} (with DYNAMODB_SESSIONS_OPTIONAL=1 the application would start without it)`,
      { cause },
    )
  }
  if (!hasWarned) process.emitWarning(`${problem}; the application goes on without it`)
  hasWarned = true
}

function check(environment: Environment, name: string, values: readonly string[]): void {
  const text = environment[name]
  if (text === undefined || text === '' || values.includes(text)) return
  throw invalidArgument(
    'INVALID_OPTION',
    `the environment variable ${name} takes ${values.join(', ').replace(/, (?=[^,]*$)/, ' or ')}; it got another text`,
  )
}
