import { createRequire } from 'node:module'

import { processEnvironment } from '../internal/process-environment.ts'
import type { SessionStore } from '../store/session-store.ts'
import { checkPreloadSettings, stopOrWarn } from './preload-settings.ts'

/** The constructor of a store in memory. */
export type StoreConstructor = abstract new (...parameters: never[]) => object

/** A framework that keeps sessions in memory when the application chooses nothing else. */
export interface Framework {
  /** Name of its package. */
  readonly name: string
  /** The file in its package that exports the constructor of the store in memory, with slashes. */
  readonly storeFile: string
  /** The file of its adapter. */
  readonly adapter: string
}

/** What an adapter exports: its store class, or what makes one that extends a class of the framework. */
interface Adapter {
  readonly DynamoDBStore?: StoreClass
  readonly createDynamoDBStore?: (baseStore: unknown) => StoreClass
}

type StoreClass = new (sessions: SessionStore) => object

/** The frameworks whose default store is replaced. */
export const frameworks: readonly Framework[] = [
  { name: 'express-session', storeFile: 'session/memory.js', adapter: '../adapters/express-store.js' },
  { name: '@fastify/session', storeFile: 'lib/store.js', adapter: '../adapters/fastify.js' },
  { name: 'koa-generic-session', storeFile: 'lib/memory_store.js', adapter: '../adapters/koa.js' },
]

// The store and the adapters are loaded when a store is made, and without waiting, which only `require` can.
const require: (path: string) => unknown = createRequire(import.meta.url)

/** The sessions of this process or thread: its stores share the connections. */
let sessions: SessionStore | undefined

/**
 * Makes the store for a framework that asks for its default one, with the settings that the environment has by now.
 *
 * @param memoryStore the constructor of the store in memory, of the copy of the framework which asks.
 * @returns `undefined` when that is impossible, and `DYNAMODB_SESSIONS_OPTIONAL` allows for it.
 * @throws {TypeError} `INVALID_OPTION` when it is impossible; the message says why.
 */
export function createDefaultStore(framework: Framework, memoryStore: StoreConstructor): object | undefined {
  try {
    checkPreloadSettings(processEnvironment())
    sessions ??= openSessions()
    const { createDynamoDBStore, DynamoDBStore } = require(framework.adapter) as Adapter
    const Store = createDynamoDBStore?.(baseOf(memoryStore)) ?? DynamoDBStore
    return Store && new Store(sessions)
  } catch (error) {
    stopOrWarn(`keep the sessions of ${framework.name} in DynamoDB`, error)
    return undefined
  }
}

function openSessions(): SessionStore {
  const session = require('../store/session-store.js') as { readonly SessionStore: typeof SessionStore }
  return new session.SessionStore()
}

/** The class that a class extends: that of the same copy of the framework, which makes the sessions of that copy. */
function baseOf(memoryStore: StoreConstructor): unknown {
  const { prototype } = memoryStore as { readonly prototype: object }
  const base: unknown = Object.getPrototypeOf(prototype)
  return typeof base === 'object' && base !== null ? base.constructor : undefined
}
