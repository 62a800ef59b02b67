import type { Transport, TransportRequest, TransportResponse } from '../../src/aws/http/transport.ts'

/** An answer of a {@link RecordingTransport}, or what it rejects with. */
export type RecordedAnswer = { readonly statusCode?: number; readonly body?: unknown } | Error

/**
 * A transport that reaches nothing: it writes down what it is asked to send, and answers from a list, whose last
 * entry is used for good. For the addresses that no test may contact.
 */
export class RecordingTransport implements Transport {
  readonly requests: TransportRequest[] = []
  readonly #answers: RecordedAnswer[]

  constructor(...answers: readonly RecordedAnswer[]) {
    this.#answers = [...answers]
  }

  /** Method and URL of every request, in order. */
  get lines(): readonly string[] {
    return this.requests.map(({ method, endpoint, path }) => `${method} ${endpoint.origin}${path}`)
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    this.requests.push(request)
    const answer = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0]
    if (answer instanceof Error) throw answer
    const { statusCode = 200, body = '' } = answer ?? { statusCode: 404 }
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return {
      statusCode,
      headers: new Map([['content-type', 'application/x-amz-json-1.0']]),
      body: Buffer.from(text),
    }
  }

  async close(): Promise<void> {
    // It has no connections.
  }
}
