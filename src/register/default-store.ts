import { createRequire } from 'node:module'

import { invalidOption } from '../errors.ts'
import { type Environment, processEnvironment, warn } from '../internal/process-environment.ts'
import type { SessionStore } from '../store/session-store.ts'
import type { Framework } from './frameworks.ts'
import { messageOf } from '../internal/core-objects.ts'
import { readOptions } from '../internal/option.ts'
import {
  type PreloadOptions,
  preloadRows,
  type ReplaceablePackage,
  splitNames,
} from '../options/preload-options.ts'

// The store and the adapters are loaded when a store is made, and without waiting, which only `require` can.
const require: (path: string) => unknown = createRequire(import.meta.url)

/** The sessions of this process or thread: its stores share the connections. */
let sessions: SessionStore | undefined

/** Who asks for a store. */
export interface Request {
  /**
   * Whether the framework asks for want of a store from the application. Otherwise it is the application's choice, which only
   * `DYNAMODB_SESSIONS_REPLACE` overrules.
   */
  readonly isDefault: boolean
  /** The constructor of the store in memory, of the copy of the framework which asks. */
  readonly memoryStore?: unknown
  /** The version of that copy. */
  readonly version: string
}

/**
 * Makes the store for a framework whose sessions are to be moved, with the settings that the environment has by now.
 *
 * @returns `undefined` when the choice stands, or when that is impossible and `DYNAMODB_SESSIONS_OPTIONAL` allows for it.
 * @throws {TypeError} `INVALID_OPTION` when it is impossible; the message says why.
 */
export function createDefaultStore(
  { name, since, adapter, createStore }: Framework,
  { isDefault, memoryStore, version }: Request,
): object | undefined {
  try {
    if (!isReplaced(name, processEnvironment()) && !isDefault) return undefined
    if (since !== undefined && isOlder(version, since)) {
      throw invalidOption(
        `${name} ${version} does not tell its store enough; ${since.join('.')} and newer do`,
      )
    }
    sessions ??= openSessions()
    const exports = require(adapter) as Parameters<typeof createStore>[0]
    return createStore(exports, sessions, memoryStore)
  } catch (error) {
    stopOrWarn(`keep the sessions of ${name} in DynamoDB`, error)
    return undefined
  }
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [itsMajor = 0, itsMinor = 0] = version.split('.').map(Number)
  return itsMajor < major || (itsMajor === major && itsMinor < minor)
}

function openSessions(): SessionStore {
  const session = require('../store/session-store.js') as { readonly SessionStore: typeof SessionStore }
  return new session.SessionStore()
}

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
