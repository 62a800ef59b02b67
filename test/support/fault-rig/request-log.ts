import type { RawRequest } from '../raw-server.ts'
import { TAG_FIELD } from './exchange.ts'

/** A request as the log knows it. */
export interface LoggedRequest {
  /** Key of the item that it is about; empty when it is about none. */
  readonly key: string
  /** How many requests for the same key came before. */
  readonly count: number
  /** What the client marked it with; empty without. */
  readonly tag: string
  /** Whether the client has settled the call that it belongs to. */
  readonly isLate: boolean
}

/** Makes the mark of a request: the call that it belongs to, and which of its attempts it is. */
export function tagOf(key: string, call: number, attempt: number): string {
  return `${key}/${call}/${attempt}`
}

/** Which requests have come for each key, and which are with the engine. */
export class RequestLog {
  readonly #counts = new Map<string, number>()
  readonly #underWay = new Map<string, Set<Promise<unknown>>>()
  readonly #settledCalls = new Map<string, number>()
  #requests = 0

  /** Requests so far. */
  get requests(): number {
    return this.#requests
  }

  /** Takes down a request. */
  arrived({ headerLines, body }: RawRequest): LoggedRequest {
    this.#requests++
    const key = keyOf(body)
    const count = this.#counts.get(key) ?? 0
    this.#counts.set(key, count + 1)
    const prefix = `${TAG_FIELD}: `
    const tag = headerLines.find(line => line.startsWith(prefix))?.slice(prefix.length) ?? ''
    const call = Number(tag.split('/').at(-2) ?? Number.POSITIVE_INFINITY)
    return { key, count, tag, isLate: call <= (this.#settledCalls.get(key) ?? -1) }
  }

  /** Remembers that the engine is busy with a request, until it has answered. */
  async during<Answer>({ key }: LoggedRequest, answer: Promise<Answer>): Promise<Answer> {
    const underWay = this.#underWay.get(key) ?? new Set()
    this.#underWay.set(key, underWay.add(answer))
    try {
      return await answer
    } finally {
      underWay.delete(answer)
    }
  }

  /** Resolves when the engine is done with the requests of a call; those that come from now on are late. */
  async settled(key: string, call: number): Promise<void> {
    this.#settledCalls.set(key, call)
    const underWay = this.#underWay.get(key)
    if (underWay !== undefined) await Promise.allSettled(underWay)
  }
}

function keyOf(body: string): string {
  const input: unknown = JSON.parse(body)
  const text = memberOf(memberOf(memberOf(input, 'Key') ?? memberOf(input, 'Item'), 'id'), 'S')
  return typeof text === 'string' ? text : ''
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
