import { createRequire } from 'node:module'

import type { SessionStore } from '../store/session-store.ts'

/** The constructor of a store in memory. */
export type StoreConstructor = abstract new (...parameters: never[]) => object

/** A framework that keeps sessions in memory when the application chooses nothing else. */
export interface Framework {
  /** Name of its package. */
  readonly name: string
  /** The file in its package that exports the constructor of the store in memory, with slashes. */
  readonly storeFile: string
  /**
   * Makes the store that takes the place of the one in memory.
   *
   * @param memoryStore the constructor of that one, of the copy of the framework which asks.
   */
  readonly createStore: (sessions: SessionStore, memoryStore: StoreConstructor) => object
}

type NewStore = new (sessions: SessionStore) => object

// Adapters are loaded when a store is made, and without waiting, which only `require` can.
const require: (path: string) => unknown = createRequire(import.meta.url)

/** The frameworks whose default store is replaced. */
export const frameworks: readonly Framework[] = [
  {
    name: 'express-session',
    storeFile: 'session/memory.js',
    createStore: (sessions, memoryStore) => {
      const { createDynamoDBStore } = require('../adapters/express-store.js') as {
        readonly createDynamoDBStore: (baseStore: unknown) => NewStore
      }
      return new (createDynamoDBStore(baseOf(memoryStore)))(sessions)
    },
  },
  {
    name: '@fastify/session',
    storeFile: 'lib/store.js',
    createStore: sessions => newStore('../adapters/fastify.js', sessions),
  },
  {
    name: 'koa-generic-session',
    storeFile: 'lib/memory_store.js',
    createStore: sessions => newStore('../adapters/koa.js', sessions),
  },
]

function newStore(path: string, sessions: SessionStore): object {
  const { DynamoDBStore } = require(path) as { readonly DynamoDBStore: NewStore }
  return new DynamoDBStore(sessions)
}

/** The class that a class extends: that of the same copy of the framework, which makes the sessions of that copy. */
function baseOf(memoryStore: StoreConstructor): unknown {
  const { prototype } = memoryStore as { readonly prototype: object }
  const base: unknown = Object.getPrototypeOf(prototype)
  return typeof base === 'object' && base !== null ? base.constructor : undefined
}
