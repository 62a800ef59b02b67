import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** A request that a server of this process has begun to handle. */
export interface Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

const REQUEST_STARTED = 'http.server.request.start'

/** Resolves when the next request for a path has arrived, before anything has been done about it. */
export async function arrivalOf(path: string): Promise<Arrival> {
  return new Promise(resolve => {
    const onRequest = (message: unknown): void => {
      const { request, response } = message as Arrival
      if (request.url !== path) return
      unsubscribe(REQUEST_STARTED, onRequest)
      resolve({ request, response })
    }
    subscribe(REQUEST_STARTED, onRequest)
  })
}
