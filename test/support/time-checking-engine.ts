import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'

import { onTestFinished } from 'vitest'

import type { Engine } from './engines.ts'
import { listen, stop } from './loopback.ts'

/** How far AWS lets the time of a signature be off. */
const TOLERANCE_MS = 300_000

/**
 * An engine that refuses requests for their time, as AWS does and engines do not: an HTTP server on loopback in front of a
 * real one, with a clock of its own that nothing in a test sets.
 */
export class TimeCheckingEngine {
  readonly #engine: Engine
  readonly #server: Server
  /** Operations that were refused, in order. */
  readonly refused: string[] = []
  endpoint = ''

  private constructor(engine: Engine) {
    this.#engine = engine
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
  }

  /** Starts one that lives as long as the test. */
  static async start(engine: Engine): Promise<TimeCheckingEngine> {
    const checking = new TimeCheckingEngine(engine)
    checking.endpoint = await listen(checking.#server)
    onTestFinished(() => stop(checking.#server))
    return checking
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    const nowMs = rightNow()
    response.setHeader('date', new Date(nowMs).toUTCString())
    if (Math.abs(signedAt(request) - nowMs) > TOLERANCE_MS) {
      this.refused.push(String(request.headers['x-amz-target']).replace(/.*\./, ''))
      response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': 'REFUSED' })
      response.end(
        '{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature expired"}',
      )
      return
    }
    const { host: _, connection: __, ...headers } = request.headers
    const answer = await fetch(this.#engine.endpoint, {
      method: 'POST',
      headers: headers as Record<string, string>,
      body,
    })
    const names = ['content-type', 'x-amzn-requestid', 'x-amz-crc32']
    const passed = names.flatMap(name => {
      const value = answer.headers.get(name)
      return value === null ? [] : [[name, value] as const]
    })
    response.writeHead(answer.status, Object.fromEntries(passed))
    response.end(Buffer.from(await answer.arrayBuffer()))
  }
}

/** What the time is, whatever `Date` has been made to say. */
export function rightNow(): number {
  return performance.timeOrigin + performance.now()
}

/** When a request says that it was signed: `x-amz-date` is `20261123T120000Z`. */
function signedAt({ headers }: IncomingMessage): number {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(headers['x-amz-date']))
  if (parts === null) throw new Error('the request has no time')
  const [, year, month, day, hour, minute, second] = parts
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}
