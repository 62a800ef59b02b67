import { onTestFinished } from 'vitest'

import { SessionStore } from '../../../src/store/session-store.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import type { UserSession } from '../../../src/scan/user-sessions.ts'
import { createTable } from '../../../src/table/index.ts'
import { connectionTo, type Engine, uniqueTableName } from '../../support/engines.ts'
import { sendToEngine } from '../../support/send-to-engine.ts'
import { type StubAnswer, StubEndpoint, type StubRequest } from '../../support/stub-endpoint.ts'
import { toArray } from '../../support/to-array.ts'

/** What the sessions of these tests hold. */
export interface UserData {
  readonly user?: string
  readonly step?: number
}

/** Options of a test's store. */
export type UserStoreOptions = Extract<
  SessionStoreOptions<UserData>,
  { readonly layout?: 'native' | undefined }
>

/** A table that `createTable` made, and ways to it. */
export class UserTable {
  readonly engine: Engine
  readonly name: string

  private constructor(engine: Engine, name: string) {
    this.engine = engine
    this.name = name
  }

  /** Makes one for the caller alone. */
  static async create(engine: Engine, options: { readonly userIndex?: boolean } = {}): Promise<UserTable> {
    const table = new UserTable(engine, uniqueTableName())
    await createTable({
      ...connectionTo(engine),
      table: table.name,
      onWarning: () => undefined,
      ...options,
    })
    return table
  }

  /** A store whose sessions belong to `data.user`; closed when the test is finished. */
  store(options: UserStoreOptions = {}): SessionStore<UserData> {
    const store = new SessionStore<UserData>({
      ...connectionTo(this.engine),
      table: this.name,
      userId: ({ user }) => user,
      // Every touch is one request, so that its outcome is about what is stored.
      touchAfterSeconds: 0,
      ...options,
    })
    onTestFinished(() => store.close())
    return store
  }

  /** Something between store and engine that may answer, or change what is passed on. */
  async between(
    handle: (request: StubRequest, passOn: (input?: object) => Promise<StubAnswer>) => Promise<StubAnswer>,
  ): Promise<StubEndpoint> {
    const stub = await StubEndpoint.start(request => {
      return handle(request, (input = request.input) =>
        sendToEngine(this.engine.endpoint, request.operation, { ...input }),
      )
    })
    onTestFinished(() => stub.close())
    return stub
  }

  /** Sends an operation on the table without any code of the package. */
  async send(operation: string, input: object = {}): Promise<Readonly<Record<string, unknown>>> {
    const { statusCode, body } = await sendToEngine(this.engine.endpoint, operation, {
      TableName: this.name,
      ...input,
    })
    if (statusCode === 200) return body
    throw new Error(`${operation} was answered with ${statusCode}: ${JSON.stringify(body)}`)
  }

  /** How many items there are, whatever they are. */
  async itemCount(): Promise<number> {
    return Number((await this.send('Scan', { Select: 'COUNT', ConsistentRead: true }))['Count'])
  }
}

/** Keys of a listing, sorted. */
export async function keysOf(sessions: AsyncIterable<UserSession>): Promise<string[]> {
  return (await toArray(sessions)).map(({ key }) => key).sort()
}

/** An error answer in DynamoDB's words. */
export function refusal(code: string, message: string): StubAnswer {
  return { statusCode: 400, body: { __type: `com.amazon.coral.validate#${code}`, message } }
}
