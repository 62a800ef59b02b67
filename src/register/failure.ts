import { invalidArgument } from '../errors.ts'
import { messageOf } from '../internal/core-objects.ts'
import { isOptional } from './preload-settings.ts'
import { processEnvironment } from '../internal/process-environment.ts'

let hasWarned = false

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
