import { randomUUID } from 'node:crypto'

import { inject } from 'vitest'

import { engineCredentials, engineRegion } from './engine-credentials.ts'

export { engineCredentials, engineRegion } from './engine-credentials.ts'

/** What an engine can do beyond the operations that all of them have. */
export interface EngineSupport {
  /** `UpdateTimeToLive` and `DescribeTimeToLive`. */
  readonly ttl: boolean
  /** `ReturnValuesOnConditionCheckFailure`: a failed condition brings the item that is there. */
  readonly oldItemOnConditionFailure: boolean
  /** `TransactGetItems` and `TransactWriteItems`, which `migrateFrom` needs. */
  readonly transactions: boolean
}

/** A DynamoDB that tests can talk to; it is empty at the start of a run and shared by all test files. */
export interface Engine {
  readonly name: 'dynalite' | 'DynamoDB Local'
  readonly endpoint: string
  readonly supports: EngineSupport
}

declare module 'vitest' {
  interface ProvidedContext {
    engines: readonly Engine[]
  }
}

/** The engines of this run, for `describe.each(engines)('$name', ...)`. Without Java it is dynalite alone. */
export const engines: readonly Engine[] = inject('engines')

/**
 * The engine for tests whose outcome does not depend on the engine, which are most: adapters, cookies, options, output
 * of the command line, timing of locks, logic of migrations. DynamoDB Local; dynalite without Java. Use {@link engines}
 * where engines can differ: types of attributes, expressions, transactions, paging, errors, capacity, tables.
 */
export const engine: Engine = theLast(engines)

function theLast(all: readonly Engine[]): Engine {
  const last = all.at(-1)
  if (last === undefined) throw new Error('there is no engine')
  return last
}

/** Options with which a client, a store or a command of the package reaches an engine. */
export interface EngineConnection {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly connectTimeoutMs: number
  readonly attemptTimeoutMs: number
  readonly deadlineMs: number
}

/** How to reach an engine, with the patience that a machine needs that has twenty times as much to do. */
export function connectionTo({ endpoint }: Pick<Engine, 'endpoint'>): EngineConnection {
  return {
    endpoint,
    region: engineRegion,
    credentials: engineCredentials,
    connectTimeoutMs: 30_000,
    attemptTimeoutMs: 30_000,
    deadlineMs: 50_000,
  }
}

/** Name for a table that no other test uses. Nothing has to be cleaned up: engines live in memory. */
export function uniqueTableName(): string {
  return `sessions-${randomUUID()}`
}
