import { createRequire } from 'node:module'

import { invalidOption } from '../errors.ts'
import { processEnvironment } from '../internal/process-environment.ts'
import type { SessionStore } from '../store/session-store.ts'
import type { Framework } from './frameworks.ts'
import { isReplaced, stopOrWarn } from './preload-settings.ts'

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
