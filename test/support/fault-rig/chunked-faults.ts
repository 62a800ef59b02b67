import type { Answer } from './answer.ts'
import type { Exchange } from './exchange.ts'
import type { AnswerFault } from './fault.ts'

interface ChunkedForm {
  /** Extension behind the size of every chunk. */
  readonly extension?: string
  readonly trailers?: string
  /** Sizes of the chunks; the last one is repeated. @default random ones */
  readonly sizes?: readonly number[]
}

/** The answer in chunks, as proxies write it, and chunks that are broken. */
export const chunkedFaults: readonly AnswerFault[] = [
  chunked('chunked', {}),
  chunked('chunked-with-extensions', { extension: ' ;name="a, b";flag' }),
  chunked('chunked-with-trailers', { trailers: 'x-amz-crc32: 1\r\nserver-timing: total;dur=1\r\n' }),
  chunked('chunked-in-single-bytes', { sizes: [1] }),
  {
    kind: 'chunked-split-at-every-byte',
    stage: 'answer',
    aftermath: 'continues',
    act: async (exchange, answer) => {
      await exchange.line.sendByteByByte(Buffer.concat(encodeChunked(exchange, answer, {})))
    },
  },
  {
    kind: 'chunked-cut',
    stage: 'answer',
    aftermath: 'ends',
    act: (exchange, answer) => {
      exchange.line.send(Buffer.concat(encodeChunked(exchange, answer, {}).slice(0, -1)))
      exchange.line.halfClose()
    },
  },
  {
    kind: 'chunked-and-content-length',
    stage: 'answer',
    aftermath: 'ends',
    act: (exchange, answer) => {
      const { head } = exchange.encode(answer, { fields: [['transfer-encoding', 'chunked']] })
      exchange.line.send(Buffer.concat([head, ...encodeChunked(exchange, answer, {}).slice(1)]))
    },
  },
]

function chunked(kind: string, form: ChunkedForm): AnswerFault {
  return {
    kind,
    stage: 'answer',
    aftermath: 'continues',
    act: async (exchange, answer) => {
      for (const part of encodeChunked(exchange, answer, form)) {
        exchange.line.send(part)
        if (exchange.random.chance(0.3)) await exchange.line.pause(1)
      }
    },
  }
}

/** Head, chunks and end of an answer. */
function encodeChunked(
  exchange: Exchange,
  answer: Answer,
  { extension = '', trailers = '', sizes = [] }: ChunkedForm,
): readonly Buffer[] {
  const { head, body } = exchange.encode(answer, { framing: ['transfer-encoding', 'chunked'] })
  const parts = [head]
  for (let index = 0; index < body.length;) {
    const size = sizes.at(Math.min(parts.length, sizes.length) - 1) ?? exchange.random.between(1, 400)
    const chunk = body.subarray(index, index + size)
    index += chunk.length
    parts.push(
      Buffer.concat([
        Buffer.from(`${chunk.length.toString(16)}${extension}\r\n`),
        chunk,
        Buffer.from('\r\n'),
      ]),
    )
  }
  return [...parts, Buffer.from(`0${extension}\r\n${trailers}\r\n`)]
}
