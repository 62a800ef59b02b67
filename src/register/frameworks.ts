import type { ReplaceablePackage } from '../options/preload-options.ts'
import type { SessionStore } from '../store/session-store.ts'

/** The constructor of a store in memory. */
export type StoreConstructor = abstract new (...parameters: never[]) => object

/** A framework whose sessions the preload can move. */
export interface Framework {
  /** Name of its package. */
  readonly name: ReplaceablePackage
  /** The first version with which its adapter keeps its promises. @default any */
  readonly since?: readonly [major: number, minor: number]
  /**
   * What those files export: the constructor of the store in memory, or the function that makes the middleware, which has
   * no store unless the application passes one.
   */
  readonly exports: 'store' | 'middleware'
  /** By path in the package, with slashes: names of exports; none when the file exports that and nothing else. */
  readonly files: Readonly<Record<string, readonly string[]>>
  /** The file of its adapter. */
  readonly adapter: string
  /** Makes the store of a copy of the framework. */
  readonly createStore: (adapter: Adapter, sessions: SessionStore, memoryStore: unknown) => object
}

/** A copy of the package of a framework. */
export interface Copy {
  readonly folder: string
  readonly version: string
}

/** What an adapter exports: its store class, or what makes one that extends a class of the framework. */
interface Adapter {
  readonly DynamoDBStore: new (sessions: SessionStore) => object
  readonly createDynamoDBStore: (baseStore: unknown) => new (sessions: SessionStore) => object
}

type Creation = Pick<Framework, 'adapter' | 'createStore'>

const likeExpress: Creation = {
  adapter: '../adapters/express-store.js',
  createStore: (adapter, sessions, memoryStore) =>
    new (adapter.createDynamoDBStore(baseOf(memoryStore)))(sessions),
}

const inAdapter = (adapter: string): Creation => ({
  adapter,
  createStore: ({ DynamoDBStore }, sessions) => new DynamoDBStore(sessions),
})

/** The frameworks whose sessions can be moved; with a store in memory by default unless something else is said. */
export const frameworks: readonly Framework[] = [
  { name: 'express-session', exports: 'store', files: { 'session/memory.js': [] }, ...likeExpress },
  // Before 2.21, Connect had sessions of its own; Express 3 has what Connect has.
  { name: 'connect', exports: 'store', files: { 'lib/middleware/session/memory.js': [] }, ...likeExpress },
  {
    name: '@fastify/session',
    exports: 'store',
    files: { 'lib/store.js': [] },
    ...inAdapter('../adapters/fastify.js'),
  },
  {
    name: 'koa-generic-session',
    exports: 'store',
    files: { 'lib/memory_store.js': [] },
    ...inAdapter('../adapters/koa.js'),
  },
  // Sessions are in the cookie by default. Older versions do not tell their store which request a call belongs to.
  {
    name: 'koa-session',
    since: [6, 2],
    exports: 'middleware',
    files: {
      'index.js': [],
      'dist/commonjs/index.js': ['default', 'createSession'],
      'dist/esm/index.js': ['default', 'createSession'],
    },
    ...inAdapter('../adapters/koa.js'),
  },
  // Has no default: its store in memory is what applications make themselves.
  {
    name: 'hono-sessions',
    exports: 'store',
    files: {
      'script/src/store/MemoryStore.js': ['default'],
      'esm/src/store/MemoryStore.js': ['default'],
    },
    ...inAdapter('../adapters/hono-sessions.js'),
  },
]

/** The class that a class extends: that of the same copy of the framework, which makes the sessions of that copy. */
function baseOf(memoryStore: unknown): unknown {
  const { prototype } = memoryStore as { readonly prototype: object }
  const base: unknown = Object.getPrototypeOf(prototype)
  return typeof base === 'object' && base !== null ? base.constructor : undefined
}
