import type { Transport, TransportRequest, TransportResponse } from '../../src/aws/http/transport.ts'
import { TAG_FIELD } from '../support/fault-rig/exchange.ts'
import { tagOf } from '../support/fault-rig/request-log.ts'

/**
 * Marks every request of another transport, and checks that every answer has the mark of its request (G8): the rig
 * copies it into each answer.
 */
export class TaggedTransport implements Transport {
  readonly #inner: Transport
  readonly #calls = new Map<string, { call: number; attempts: number }>()
  readonly #mixedUp: string[] = []
  #answers = 0

  constructor(inner: Transport) {
    this.#inner = inner
  }

  /** Answers that belonged to another request. */
  get mixedUp(): readonly string[] {
    return this.#mixedUp
  }

  /** Answers so far. */
  get answers(): number {
    return this.#answers
  }

  /** Says that the requests for a key belong to this call from now on. */
  begin(key: string, call: number): void {
    this.#calls.set(key, { call, attempts: 0 })
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    const tag = this.#nextTag(request.body)
    const response = await this.#inner.request({
      ...request,
      headers: [...request.headers, [TAG_FIELD, tag]],
    })
    this.#answers++
    const answered = response.headers.get(TAG_FIELD)
    if (answered !== tag) this.#mixedUp.push(`${tag} got the answer to ${answered ?? 'nothing'}`)
    return response
  }

  async close(): Promise<void> {
    await this.#inner.close()
  }

  #nextTag(body: string): string {
    const key = /"id":\{"S":"([^"]+)"\}/.exec(body)?.[1] ?? ''
    const current = this.#calls.get(key) ?? { call: 0, attempts: 0 }
    current.attempts++
    return tagOf(key, current.call, current.attempts)
  }
}
