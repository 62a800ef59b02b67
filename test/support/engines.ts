import { randomUUID } from 'node:crypto'

import { describe, inject } from 'vitest'

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

/** Describes something on each engine, for what needs transactions: it is skipped on engines without them. */
export function describeWithTransactions(name: string, describeOn: (engine: Engine) => void): void {
  for (const engine of engines) {
    describe.runIf(engine.supports.transactions)(`${name}, on ${engine.name}`, () => {
      describeOn(engine)
    })
  }
}

/** Region to use with {@link engines}, which take any. */
export const engineRegion = 'us-east-1'

/** Credentials to use with {@link engines}, which take any. */
export const engineCredentials: { readonly accessKeyId: string; readonly secretAccessKey: string } = {
  accessKeyId: 'local',
  secretAccessKey: 'local',
}

/** Options with which a client, a store or a command of the package reaches an engine. */
export interface EngineConnection {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** How to reach an engine. */
export function connectionTo({ endpoint }: Pick<Engine, 'endpoint'>): EngineConnection {
  return { endpoint, region: engineRegion, credentials: engineCredentials }
}

/** Name for a table that no other test uses. Nothing has to be cleaned up: engines live in memory. */
export function uniqueTableName(): string {
  return `sessions-${randomUUID()}`
}
