import { afterAll, afterEach, beforeAll, onTestFinished, vi } from 'vitest'

import type { DynamoDBClientOptions, DynamoDBSettings } from '../../../src/aws/dynamodb/client-options.ts'
import { DynamoDBClient } from '../../../src/aws/dynamodb/client.ts'
import { SocketTransport, type SocketTransportOptions } from '../../../src/aws/http/socket-transport.ts'
import type { Credentials } from '../../../src/types.ts'
import { StubDynamoDB } from '../../support/stub-dynamodb.ts'
import { settleDown } from '../transport/harness.ts'

/** Credentials whose parts can be told apart in whatever they must not appear in. */
export const testCredentials: Credentials & { readonly sessionToken: string } = {
  accessKeyId: 'AKIDEXAMPLE000000001',
  secretAccessKey: 'SeCrEt/AcCeSs+KeY/0123456789abcdefghijkl',
  sessionToken: 'FwoGZXIvYXdzEXAMPLETOKEN//////////wEaDHNlc3Npb24tdG9rZW4=',
}

/** Region that test clients sign for. */
export const testRegion = 'eu-west-1'

/** A key as input of GetItem, for tests that do not care which. */
export const someKey: { readonly TableName: string; readonly Key: { readonly id: { readonly S: string } } } =
  {
    TableName: 'sessions',
    Key: { id: { S: 'some-partition-key-0123456789' } },
  }

/** A stub that serves all tests of a file, each with an empty record. */
export function useStub(): () => StubDynamoDB {
  let stub: StubDynamoDB | undefined
  beforeAll(async () => {
    stub = await StubDynamoDB.start()
  })
  afterEach(() => {
    stub?.answer({})
  })
  afterAll(() => stub?.close())
  return () => {
    if (stub === undefined) throw new Error('the stub starts before the first test')
    return stub
  }
}

/** Lets pauses go by until something is so. Time is under control. */
export async function passPauses(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await settleDown()
    vi.advanceTimersByTime(1)
  }
}

/** What a test may change about its client. */
export interface TestClientOptions extends Partial<Omit<DynamoDBClientOptions, 'settings'>> {
  readonly maxAttempts?: number
  readonly correctsClockSkew?: boolean
  readonly appId?: string
  /** Called when the client looks for region and endpoint, which it finds when this has settled. */
  readonly onLookup?: () => Promise<void> | void
}

/** A client of the real parts that talks to `endpoint`; back-off takes no time unless a test wants it to. */
export function openTestClient(
  endpoint: string,
  { onLookup, maxAttempts = 4, correctsClockSkew = true, appId, ...options }: TestClientOptions = {},
  transportOptions: SocketTransportOptions = {},
): DynamoDBClient {
  const transport = new SocketTransport(transportOptions)
  const settings: DynamoDBSettings = {
    region: testRegion,
    customEndpoint: { url: endpoint, source: 'the test' },
    useFips: false,
    useDualStack: false,
    accountIdEndpointMode: 'preferred',
    maxAttempts,
    correctsClockSkew,
    appId,
  }
  onTestFinished(() => transport.close())
  return new DynamoDBClient({
    settings: () => onLookup?.()?.then(() => settings) ?? settings,
    credentials: () => testCredentials,
    transport,
    ownsTransport: true,
    clock: { now: () => Date.now() },
    random: () => 0,
    connectTimeoutMs: 10_000,
    attemptTimeoutMs: 10_000,
    deadlineMs: 15_000,
    ...options,
  })
}
