import { SocketTransport } from '../../src/aws/http/socket-transport.ts'
import type { Transport, TransportRequest, TransportResponse } from '../../src/aws/http/transport.ts'

/** A request that a {@link LoggingTransport} has sent. */
export interface LoggedRequest {
  readonly operation: string
  readonly input: Readonly<Record<string, unknown>>
  /** Status of the answer; `undefined` as long as there is none. */
  statusCode: number | undefined
}

/** Name of the operation that a request asks for. */
export function operationOf({ headers }: TransportRequest): string {
  const target = headers.find(([name]) => name === 'x-amz-target')?.[1] ?? ''
  return target.replace(/^.*\./, '')
}

/** Connections to an engine that write down what goes over them. Several stores may share one. */
export class LoggingTransport implements Transport {
  readonly requests: LoggedRequest[] = []
  readonly #inner = new SocketTransport({ maxSockets: 64 })

  /** How often an operation was asked for. */
  count(operation: string): number {
    return this.requests.filter(request => request.operation === operation).length
  }

  /** Forgets the requests so far. */
  forget(): void {
    this.requests.length = 0
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    const logged: LoggedRequest = {
      operation: operationOf(request),
      input: JSON.parse(request.body) as LoggedRequest['input'],
      statusCode: undefined,
    }
    this.requests.push(logged)
    const response = await this.#inner.request(request)
    logged.statusCode = response.statusCode
    return response
  }

  async close(): Promise<void> {
    await this.#inner.close()
  }
}
