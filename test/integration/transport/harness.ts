import { getEventListeners } from 'node:events'

import { afterAll, afterEach, beforeAll, expect, onTestFinished, vi } from 'vitest'

import { parseEndpoint } from '../../../src/aws/http/endpoint.ts'
import type { TransportRequest, TransportResponse } from '../../../src/aws/http/transport.ts'
import {
  type ConnectionScript,
  httpResponse,
  type RawConnection,
  type RawServer,
  type RawServerOptions,
  startRawServer,
} from '../../support/raw-server.ts'

/** Starts a server that ends with the test. */
export async function serve(script?: ConnectionScript, options?: RawServerOptions): Promise<RawServer> {
  const server = await startRawServer(script, options)
  onTestFinished(async () => server.close())
  return server
}

/** A script that answers every request with the index of its connection. */
export async function answerWithIndex(connection: RawConnection): Promise<void> {
  await connection.answerAll(() => httpResponse(`${connection.index}`))
}

/** A request to a server, with limits that are only reached when something hangs. */
export function requestTo(
  { url }: { readonly url: string },
  overrides: Partial<TransportRequest> = {},
): TransportRequest {
  const endpoint = parseEndpoint(url)
  return {
    endpoint,
    method: 'POST',
    path: '/',
    headers: [['host', endpoint.host]],
    body: '{}',
    connectTimeoutMs: 10_000,
    attemptTimeoutMs: 10_000,
    deadlineAtMs: performance.now() + 10_000,
    recipient: { accept: () => true },
    ...overrides,
  }
}

/** Body of a response as text. */
export async function bodyOf(response: Promise<TransportResponse>): Promise<string> {
  return (await response).body.toString()
}

/** How many listeners the `abort` event of a signal has. */
export function abortListeners(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length
}

/** Gives everything that is already on its way through the event loop the time to arrive. */
export async function settleDown(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise<void>(resolve => {
      setImmediate(resolve)
    })
  }
}

/** Stops the clock and the timers of the transport for the rest of the test: `vi` moves them. Sockets go on. */
export function controlTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
}

/** Fails every test of the file in which a rejection goes unhandled. */
export function forbidUnhandledRejections(): void {
  const unhandled: unknown[] = []
  const onUnhandled = (reason: unknown): void => {
    unhandled.push(reason)
  }
  beforeAll(() => {
    process.on('unhandledRejection', onUnhandled)
  })
  afterEach(async () => {
    await settleDown()
    expect(unhandled.splice(0)).toEqual([])
  })
  afterAll(() => {
    process.off('unhandledRejection', onUnhandled)
  })
}
