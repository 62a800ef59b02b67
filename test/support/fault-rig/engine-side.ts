import { Agent, request as httpRequest } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'

import type { RawRequest } from '../raw-server.ts'
import type { Answer } from './answer.ts'

const FORWARDED: ReadonlySet<string> = new Set([
  'authorization',
  'content-type',
  'x-amz-date',
  'x-amz-target',
])
const RETURNED: ReadonlySet<string> = new Set(['content-type', 'x-amz-crc32', 'x-amzn-requestid'])

/** The rig's connection to the engine, which is always in order. */
export class EngineSide {
  readonly #agent = new Agent({ keepAlive: true })
  readonly #endpoint: string

  constructor(endpoint: string) {
    this.#endpoint = endpoint
  }

  /** What the engine answers, with the checksum that DynamoDB puts on every answer and DynamoDB Local not on errors. */
  async forward({ headerLines, body }: RawRequest): Promise<Answer> {
    const headers = Object.fromEntries(
      headerLines
        .map(line => [nameOf(line), line.slice(line.indexOf(':') + 1).trim()] as const)
        .filter(([name]) => FORWARDED.has(name)),
    )
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest(
        this.#endpoint,
        { method: 'POST', agent: this.#agent, headers },
        incoming => {
          buffer(incoming).then(bytes => {
            const fields = Object.entries(incoming.headers)
              .filter(([name]) => RETURNED.has(name))
              .map(([name, value]): readonly [string, string] => [name, String(value)])
            const checksum = ['x-amz-crc32', String(crc32(bytes))] as const
            resolve({
              statusCode: incoming.statusCode ?? 0,
              fields: fields.some(([name]) => name === 'x-amz-crc32') ? fields : [...fields, checksum],
              body: bytes,
            })
          }, reject)
        },
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  /** Closes the idle connections. */
  close(): void {
    this.#agent.destroy()
  }
}

function nameOf(headerLine: string): string {
  return headerLine.slice(0, Math.max(0, headerLine.indexOf(':'))).toLowerCase()
}
