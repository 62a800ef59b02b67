import { ConnectionError } from '../../src/errors.ts'
import { SocketTransport } from '../../src/aws/http/socket-transport.ts'
import type { Transport, TransportRequest, TransportResponse } from '../../src/aws/http/transport.ts'

/** A transport that loses requests and has them carried out later. */
export class LateTransport implements Transport {
  readonly sent: string[] = []
  readonly #engine = new SocketTransport({ maxSockets: 4 })
  readonly #held: TransportRequest[] = []
  /** Happens before the next request that is not lost. */
  beforeNext: (() => Promise<unknown>) | undefined
  #losing: { readonly operation: string; left: number; readonly tell: () => TransportResponse } | undefined

  /**
   * Loses that many of the next requests of an operation: those who sent them are told so at once.
   *
   * @param tell what they are told.
   */
  lose(operation: string, left = 1, tell: () => TransportResponse = noResponse): void {
    this.#losing = { operation, left, tell }
  }

  /** Has the requests carried out that were lost; returns the status of each response. */
  async carryOut(): Promise<number[]> {
    const responses = this.#held.splice(0).map(request => this.#engine.request(request))
    return (await Promise.all(responses)).map(({ statusCode }) => statusCode)
  }

  async request(request: TransportRequest): ReturnType<Transport['request']> {
    const operation = operationOf(request)
    this.sent.push(operation)
    const losing = this.#losing
    if (losing === undefined || losing.operation !== operation || losing.left === 0) {
      const { beforeNext } = this
      this.beforeNext = undefined
      await beforeNext?.()
      return this.#engine.request(request)
    }
    losing.left--
    const { signal: _, ...held } = request
    this.#held.push({ ...held, deadlineAtMs: Infinity })
    return losing.tell()
  }

  close(): Promise<void> {
    return this.#engine.close()
  }
}

function noResponse(): never {
  throw new ConnectionError('CONNECTION_LOST', 'no response', { retryable: true })
}

/** What a gateway answers that has waited for too long. */
export function gatewayTimeout(): TransportResponse {
  return {
    statusCode: 504,
    headers: new Map([['content-type', 'text/html']]),
    body: Buffer.from('<h1>Gateway Timeout</h1>'),
  }
}

/** The operation that a request asks for. */
function operationOf({ headers }: TransportRequest): string {
  const target = headers.find(([name]) => name === 'x-amz-target')?.[1] ?? ''
  return target.slice(target.indexOf('.') + 1)
}
