import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { readAnswer } from '../../../../src/aws/http/fetch-transport.ts'
import { GrowingBuffer, ResponseParser } from '../../../../src/aws/http/response-parser.ts'
import { bytesOf, refusalOf } from './framing.ts'
import { beforeAll, describe, expect, it } from 'vitest'

let collectGarbage: () => void

beforeAll(() => {
  setFlagsFromString('--expose-gc')
  collectGarbage = runInNewContext('gc') as () => void
})

/** How many bytes of memory are in use that were not before. */
async function bytesKeptBy(work: () => unknown): Promise<number> {
  const before = bytesInUse()
  const kept = await work()
  const bytes = bytesInUse() - before
  // It has to be in use up to here.
  expect(kept).toBeDefined()
  return bytes
}

function bytesInUse(): number {
  // What the first collection gives back of memory outside the heap counts from the second one on.
  collectGarbage()
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const LENGTH = 300_000
const HEAD = 'HTTP/1.1 200 OK\r\n'

/** Feeds text to a parser as single pieces, which have memory of their own as those of a socket do. */
function parserFed(head: string, pieces: Iterable<string>): ResponseParser {
  const parser = new ResponseParser()
  parser.push(bytesOf(head))
  for (const piece of pieces) parser.push(bytesOf(piece))
  return parser
}

function* repeat(piece: string, count: number): Generator<string> {
  for (let index = 0; index < count; index++) yield piece
}

describe('a body that comes in single bytes', () => {
  it.each([
    ['in chunks', 'transfer-encoding: chunked\r\n\r\n', '1\r\nx\r\n'],
    ['with its length', `content-length: ${LENGTH + 1}\r\n\r\n`, 'x'],
    ['until the connection closes', '\r\n', 'x'],
  ])('takes a few bytes of memory for each, %s', async (_, fields, piece) => {
    expect(await bytesKeptBy(() => parserFed(HEAD + fields, repeat(piece, LENGTH)))).toBeLessThan(4 * LENGTH)
  })

  it('takes a few bytes of memory for each, from fetch', async () => {
    let left = LENGTH
    const stream = new ReadableStream<Uint8Array>({
      pull: controller => {
        if (left-- > 0) controller.enqueue(Uint8Array.of(120))
        else controller.close()
      },
    })
    const { signal } = new AbortController()
    const read = async (): Promise<unknown> => readAnswer(new Response(stream), 'http://x', signal)
    expect(await bytesKeptBy(read)).toBeLessThan(20 * LENGTH)
  })

  it('does not have set aside what a length only announces', async () => {
    const announced = `content-length: ${64 * 1024 * 1024}\r\n\r\nx`
    expect(await bytesKeptBy(() => parserFed(HEAD + announced, ['y']))).toBeLessThan(1024 * 1024)
  })
})

/** A response with so many fields. */
function withFields(count: number): Buffer {
  return bytesOf(`${HEAD}${'a: b\r\n'.repeat(count - 1)}content-length: 1\r\n\r\nx`)
}

describe('what a response has beside its body', () => {
  const tooLarge = 'the response head is larger than 65536 bytes'

  it.each([
    ['interim responses', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(4000)],
    ['interim responses with fields', `HTTP/1.1 103 Hints\r\nlink: ${'x'.repeat(1000)}\r\n\r\n`.repeat(70)],
    [
      'extensions of chunks',
      `${HEAD}transfer-encoding: chunked\r\n\r\n${`1;${'x'.repeat(1000)}\r\nx\r\n`.repeat(70)}`,
    ],
    [
      'trailers',
      `${HEAD}transfer-encoding: chunked\r\n\r\n0\r\n${`trailer: ${'x'.repeat(1000)}\r\n`.repeat(70)}`,
    ],
  ])('has a limit: %s', (_, text) => {
    expect(refusalOf([bytesOf(text)], false)).toBe(tooLarge)
  })

  it('may have 256 fields, and not one more', () => {
    expect(refusalOf([withFields(256)], false)).toBeUndefined()
    expect(new ResponseParser().push(withFields(256))?.headers.size).toBe(2)
    expect(refusalOf([withFields(257)], false)).toBe('the response has more than 256 header fields')
  })

  it('takes no more memory than its bytes when it comes in single ones', async () => {
    const head = `${HEAD}x: ${'y'.repeat(60_000)}`
    expect(await bytesKeptBy(() => parserFed('', head))).toBeLessThan(1024 * 1024)
  })
})

describe('the request ID', () => {
  it.each([
    ['that is overlong', 'x'.repeat(129)],
    ['that is empty', ''],
  ])('is none %s', (_, id) => {
    const response = bytesOf(`${HEAD}x-amzn-requestid: ${id}\r\ncontent-length: 1\r\n\r\nx`)
    expect(new ResponseParser().push(response)?.requestId).toBeUndefined()
  })

  it.each([10, 60_000])('does not keep a head of %s bytes in memory', async length => {
    const kept = await bytesKeptBy(() =>
      Array.from({ length: 16 }, () => {
        const response = `${HEAD}x: ${'y'.repeat(length)}\r\nx-amzn-requestid: ${'z'.repeat(50)}\r\ncontent-length: 0\r\n\r\n`
        return new ResponseParser().push(bytesOf(response))?.requestId
      }),
    )
    expect(kept).toBeLessThan(100_000)
  })
})

describe('bytes in one place', () => {
  it('are what was appended, also to whoever has looked at them before', () => {
    const bytes = new GrowingBuffer()
    const views: string[] = []
    let all = ''
    const kept: Buffer[] = []
    for (let index = 0; index < 500; index++) {
      const piece = String(index)
      all += piece
      bytes.append(Buffer.from(piece), 10_000)
      kept.push(bytes.view)
      views.push(all)
    }
    expect(kept.map(view => view.toString())).toEqual(views)
    expect(bytes.length).toBe(all.length)
  })
})
