import { invalidOption } from '../errors.ts'
import { messageOf } from '../internal/core-objects.ts'
import { readOptions } from '../internal/option.ts'
import { type Environment, processEnvironment, warn } from '../internal/process-environment.ts'
import {
  type PreloadOptions,
  preloadRows,
  type ReplaceablePackage,
  splitNames,
} from '../options/preload-options.ts'

let hasWarned = false

/** Whether the application may start with its store in memory when ours cannot be made. */
export function isOptional(environment: Environment): boolean {
  return ['1', 'true'].includes(environment['DYNAMODB_SESSIONS_OPTIONAL'] ?? '')
}

/**
 * Whether the operator wants the sessions of a package moved although the application has chosen where it keeps them.
 *
 * @throws {TypeError} `INVALID_OPTION` for wrong settings of the preload itself, with the name of the variable and what it
 *   takes. Those of the store are checked by the store.
 */
export function isReplaced(name: ReplaceablePackage, environment: Environment): boolean {
  const { replace = '' } = readOptions<PreloadOptions>({}, preloadRows, environment)
  return splitNames(replace).includes(name)
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
    throw invalidOption(
      `${problem} (with DYNAMODB_SESSIONS_OPTIONAL=1 the application would start without it)`,
      { cause },
    )
  }
  if (!hasWarned) {
    warn(`${problem}; the application goes on without it`)
  }
  hasWarned = true
}
