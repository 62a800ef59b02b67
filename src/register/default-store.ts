import { createRequire } from 'node:module'

import type { SessionStore } from '../store/session-store.ts'
import type { warnOfUnreadVariables } from '../options/environment.ts'
import { stopOrWarn } from './failure.ts'
import type { Framework, StoreConstructor } from './frameworks.ts'
import { checkPreloadSettings } from './preload-settings.ts'
import { processEnvironment } from '../internal/process-environment.ts'

const require: (path: string) => unknown = createRequire(import.meta.url)

/** The sessions of this process or thread: its stores share the connections. */
let sessions: SessionStore | undefined

/**
 * Makes the store for a framework that asks for its default one, with the settings that the environment has by now.
 *
 * @returns `undefined` when that is impossible, and `DYNAMODB_SESSIONS_OPTIONAL` allows for it.
 * @throws {TypeError} `INVALID_OPTION` when it is impossible; the message says why.
 */
export function createDefaultStore(framework: Framework, memoryStore: StoreConstructor): object | undefined {
  try {
    checkPreloadSettings(processEnvironment())
    if (sessions === undefined) warnOfUnread()
    sessions ??= openSessions()
    return framework.createStore(sessions, memoryStore)
  } catch (error) {
    stopOrWarn(`keep the sessions of ${framework.name} in DynamoDB`, error)
    return undefined
  }
}

function openSessions(): SessionStore {
  const session = require('../store/session-store.js') as { readonly SessionStore: typeof SessionStore }
  return new session.SessionStore()
}

/** An unknown variable is no reason to stop: the name may be somebody else's, or one of a later version. */
function warnOfUnread(): void {
  const variables = require('../options/environment.js') as {
    readonly warnOfUnreadVariables: typeof warnOfUnreadVariables
  }
  variables.warnOfUnreadVariables(processEnvironment())
}
