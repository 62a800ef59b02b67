import { expect, onTestFinished, test } from 'vitest'

import { fetchTransport } from '../../../src/aws/http/fetch-transport.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import type { Transport } from '../../../src/aws/http/transport.ts'
import { SessionStore } from '../../../src/index.ts'
import { blockEventLoop } from '../../support/event-loop.ts'
import { StubEndpoint } from '../../support/stub-endpoint.ts'
import { testCredentials } from './test-client.ts'

const HOME = 'us-east-1'
const OTHER = 'us-west-2'
const ATTEMPT_TIMEOUT_MS = 1000

/** A store with another Region to go on in, and the servers of both. */
async function openStore(
  transport?: Transport,
): Promise<{ store: SessionStore; home: StubEndpoint; other: StubEndpoint }> {
  const [home, other] = await Promise.all(
    [HOME, OTHER].map(async () => StubEndpoint.start(() => ({ statusCode: 200, body: {} }))),
  )
  if (home === undefined || other === undefined) throw new Error('there are two')
  const store = new SessionStore({
    table: 'sessions',
    region: HOME,
    endpoint: home.url,
    credentials: testCredentials,
    failover: { regions: [{ region: OTHER, endpoint: other.url }], attemptTimeoutMs: ATTEMPT_TIMEOUT_MS },
    deadlineMs: 60_000,
    attemptTimeoutMs: 50_000,
    connectTimeoutMs: 50_000,
    ...(transport !== undefined && { transport }),
  })
  onTestFinished(async () => {
    await store.close()
    await transport?.close()
    await Promise.all([home.close(), other.close()])
  })
  return { store, home, other }
}

test.each([
  ['connections of the store', () => undefined],
  ['a transport of the application', () => new SocketTransport()],
  ['fetch', () => fetchTransport()],
])(
  'a process that is too busy to look stays in its Region and holds nothing against it, with %s',
  async (_, transportOf) => {
    const { store, home, other } = await openStore(transportOf())
    await store.read('first')
    // One of them on the open connection, the others on new ones.
    const reads = ['a', 'b', 'c'].map(async id => store.read(id))
    blockEventLoop(2.5 * ATTEMPT_TIMEOUT_MS)
    expect(await Promise.all(reads)).toEqual([undefined, undefined, undefined])
    expect(home.operations).toEqual(['GetItem', 'GetItem', 'GetItem', 'GetItem'])
    expect(other.operations).toEqual([])
    const [region] = store.health().regions
    expect(region).toMatchObject({ region: HOME, state: 'closed' })
    expect(region).not.toHaveProperty('lastFailureCode')
  },
)
