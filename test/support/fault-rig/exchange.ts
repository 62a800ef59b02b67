import { type Answer, type EncodedAnswer, encodeAnswer, type Encoding } from './answer.ts'
import type { Line } from './line.ts'
import type { SeededRandom } from './random.ts'

/** Header field that an answer of the rig copies from its request: it shows which request an answer belongs to. */
export const TAG_FIELD = 'x-request-tag'

/** One request at the rig, and the means to answer it. */
export class Exchange {
  readonly line: Line
  readonly random: SeededRandom
  /** Longer than the client waits for an answer, in milliseconds. */
  readonly overlongMs: number
  readonly #tag: string

  constructor(line: Line, random: SeededRandom, overlongMs: number, tag: string) {
    this.line = line
    this.random = random
    this.overlongMs = overlongMs
    this.#tag = tag
  }

  /** An answer to this request as bytes. */
  encode(answer: Answer, encoding: Encoding = {}): EncodedAnswer {
    return encodeAnswer({ ...answer, fields: [...answer.fields, [TAG_FIELD, this.#tag]] }, encoding)
  }

  /** Answers in one piece. */
  send(answer: Answer, encoding?: Encoding): void {
    const { head, body } = this.encode(answer, encoding)
    this.line.send(Buffer.concat([head, body]))
  }
}
