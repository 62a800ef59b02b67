import type { SessionData } from 'express-session'

import type { SendOptions } from '../../aws/dynamodb/client-options.ts'
import type { DynamoDBClient } from '../../aws/dynamodb/client.ts'
import type { Input, Operation, Output } from '../../aws/dynamodb/operations.ts'
import { AccessDeniedError, DeadlineExceededError, DynamoDBError, TableNotFoundError } from '../../errors.ts'
import { processEnvironment, warn } from '../../internal/process-environment.ts'
import { withTimeout } from '../../internal/timers.ts'
import { type ConnectionOptions, deadlineMsOf } from '../../options/connection-options.ts'
import { openClient } from '../../store/open-client.ts'
import { SessionStore } from '../../store/session-store.ts'
import type { Settings } from './options.ts'
import { credentialsOf, readSdkClient } from './sdk-client.ts'

/** A table as DynamoDB describes it: the fields of `DescribeTable`. */
export type TableDescription = Readonly<Record<string, unknown>>

/** A table is made in some seconds; a call that waits for longer fails, and the next one finds it made. */
const CREATION_TIMEOUT_MS = 30_000

/** The table of one store: how it is reached and made. A call that misses it has it created, and is made again. */
export class SessionsTable {
  /** Keeps the sessions in it. */
  readonly store: SessionStore<SessionData>
  /** Whether the table is known to be there: no call then has it created. */
  isKnown: boolean
  /** Creates the table; calls that come at the same time share that. */
  onMissing: (() => Promise<void>) | undefined
  readonly #settings: Settings
  readonly #client: DynamoDBClient

  constructor(settings: Settings) {
    this.#settings = settings
    this.isKnown = settings.initialized
    const { store: options, shown } = settings
    const fromSdk = shown.client && {
      credentials: options.credentials ?? credentialsOf(shown.client.config),
      findSettings: async () => {
        const {
          region,
          endpoint = options.endpoint,
          maxAttempts = options.maxAttempts,
        } = await this.#findConnection()
        return { region, endpoint, maxAttempts }
      },
    }
    this.#client = openClient({ ...options, ...fromSdk }, processEnvironment())
    this.store = new SessionStore<SessionData>(options, this.#creatingClient())
  }

  /**
   * Asks DynamoDB for the description of the table.
   *
   * @throws {TableNotFoundError} when there is none; its `name` is `ResourceNotFoundException`, as in the AWS SDK.
   */
  async describe(): Promise<TableDescription> {
    const { Table: description } = await this.#call('DescribeTable', {
      TableName: this.#settings.shown.table,
    })
    return { ...description }
  }

  /**
   * Creates the table with provisioned capacity and time to live, if it is not there, and waits until it can be used. A table
   * that is there is left as it is.
   *
   * Credentials that may not enable time to live, because connect-dynamodb did not, are a warning.
   */
  async create(): Promise<TableDescription> {
    const { table, hashKey: partitionKey, readCapacityUnits, writeCapacityUnits } = this.#settings.shown
    const connection = await this.#findConnection()
    const { createTable } = await import('../../table/create-table.ts')
    try {
      await createTable({
        ...connection,
        table,
        layout: 'connect-dynamodb',
        partitionKey,
        billing: { readCapacityUnits, writeCapacityUnits },
        userIndex: false,
        waitTimeoutMs: CREATION_TIMEOUT_MS,
      })
    } catch (error) {
      if (!(error instanceof AccessDeniedError)) throw withNameOfSdk(error)
      const description = await this.describe().catch(() => undefined)
      if (description?.['TableStatus'] !== 'ACTIVE') throw withNameOfSdk(error)
      warn(`table "${table}" is there, but nothing is known of its time to live: ${error.message}`)
      return description
    }
    return this.describe()
  }

  /** How DynamoDB is reached: what the options say, completed by what the client of the AWS SDK says. */
  async #findConnection(): Promise<ConnectionOptions> {
    const { connection, shown } = this.#settings
    if (shown.client === undefined) return connection
    const limitMs = deadlineMsOf(connection)
    const found = readSdkClient(shown.client, connection, processEnvironment())
    const read = await withTimeout(found, limitMs, undefined, () => {
      return new DeadlineExceededError(
        `the client in the option "client" did not tell its region and endpoint within ${limitMs} ms`,
      )
    })
    return { ...connection, ...read }
  }

  /** The client, except that what it sends goes through {@link SessionsTable.#send}. */
  #creatingClient(): DynamoDBClient {
    const send = this.#send.bind(this)
    return new Proxy(this.#client, {
      get: (client, name) => {
        if (name === 'send') return send
        const value: unknown = Reflect.get(client, name)
        return typeof value === 'function' ? (value.bind(client) as unknown) : value
      },
    })
  }

  async #send<Name extends Operation>(
    operation: Name,
    input: Input<Name>,
    options?: SendOptions,
  ): Promise<Output<Name>> {
    const mayCreate = !this.isKnown && input.TableName === this.#settings.shown.table
    try {
      const output = await this.#call(operation, input, options)
      this.isKnown ||= mayCreate
      return output
    } catch (error) {
      if (!mayCreate || !(error instanceof TableNotFoundError)) throw error
    }
    // Another call may have had it created while this one was under way.
    if (!this.isKnown) await this.onMissing?.()
    // The deadline of the call was for a table that is there.
    return this.#call(operation, input, { ...options, deadline: undefined })
  }

  async #call<Name extends Operation>(
    operation: Name,
    input: Input<Name>,
    options?: SendOptions,
  ): Promise<Output<Name>> {
    try {
      return await this.#client.send(operation, input, options)
    } catch (error) {
      throw withNameOfSdk(error)
    }
  }
}

/**
 * Gives a response of DynamoDB the `name` that it has in the AWS SDK, which is what users of connect-dynamodb branch on;
 * `code` stays as it is.
 */
function withNameOfSdk(error: unknown): unknown {
  if (error instanceof DynamoDBError && error.awsCode !== 'Unknown') {
    Object.defineProperty(error, 'name', { value: error.awsCode, configurable: true, writable: true })
  }
  return error
}
