import { onTestFinished } from 'vitest'

import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import type { Transport, TransportRequest, TransportResponse } from '../../../src/aws/http/transport.ts'
import type { Item } from '../../../src/types.ts'

/** A request as a hook sees it. */
export interface SentRequest {
  readonly operation: string
  readonly input: Readonly<Record<string, unknown>>
  /** The partition key that the request is about; absent for scans. */
  readonly key: string | undefined
}

/** What happens around requests; what a hook throws is what the transport rejects with. */
export interface Hooks {
  /** Before a request leaves. */
  readonly before?: (request: SentRequest) => Promise<void> | void
  /** When the answer is there and has not been handed over. */
  readonly after?: (request: SentRequest, response: TransportResponse) => Promise<void> | void
}

/** The real transport, with hooks around each request; it is closed when the running test ends. */
export function interceptedTransport({ before, after }: Hooks): Transport {
  const inner = new SocketTransport()
  onTestFinished(() => inner.close())
  return {
    request: async (request: TransportRequest) => {
      const sent = sentRequest(request)
      await before?.(sent)
      const response = await inner.request(request)
      await after?.(sent, response)
      return response
    },
    close: () => inner.close(),
  }
}

/** The keys of the items in the answer to a scan. */
export function keysInAnswer({ body }: TransportResponse): readonly string[] {
  const { Items: items = [] } = JSON.parse(body.toString()) as { readonly Items?: readonly Item[] }
  return items.map(({ id }) => (id !== undefined && 'S' in id ? id.S : ''))
}

function sentRequest({ headers, body }: TransportRequest): SentRequest {
  const input = JSON.parse(body) as SentRequest['input'] & { readonly Key?: { readonly id: { S: string } } }
  const target = new Map(headers).get('x-amz-target') ?? ''
  return { operation: target.replace(/^.*\./, ''), input, key: input.Key?.id.S }
}
