import { describe, expect, it } from 'vitest'

import { ResponseParser } from '../../../../src/aws/http/response-parser.ts'
import { bytesOf, cutAt, cuttings, parsePieces, type ReadResponse, refusalOf } from './framing.ts'

interface Example {
  readonly name: string
  readonly wire: string
  /** Whether the response lasts until the connection closes. */
  readonly closes?: boolean
  readonly response: ReadResponse
}

const examples: readonly Example[] = [
  {
    name: 'a body of a given length',
    wire: 'HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n{}',
    response: {
      statusCode: 200,
      headers: { 'content-type': 'application/x-amz-json-1.0', 'content-length': '2' },
      body: '{}',
      keepAlive: true,
    },
  },
  {
    name: 'an empty body of a given length',
    wire: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    response: { statusCode: 200, headers: { 'content-length': '0' }, body: '', keepAlive: true },
  },
  {
    name: 'a body that looks like the end of a head and another response',
    wire: 'HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n\r\n\r\nHTTP/1.1 500 No\r\n\r\n',
    response: {
      statusCode: 200,
      headers: { 'content-length': '23' },
      body: '\r\n\r\nHTTP/1.1 500 No\r\n\r\n',
      keepAlive: true,
    },
  },
  {
    name: 'every byte value in a body',
    wire: `HTTP/1.1 200 OK\r\nContent-Length: 256\r\n\r\n${String.fromCharCode(...Array.from({ length: 256 }).keys())}`,
    response: {
      statusCode: 200,
      headers: { 'content-length': '256' },
      body: String.fromCharCode(...Array.from({ length: 256 }).keys()),
      keepAlive: true,
    },
  },
  {
    name: 'chunks',
    wire: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n',
    response: {
      statusCode: 200,
      headers: { 'transfer-encoding': 'chunked' },
      body: 'abc0123456789',
      keepAlive: true,
    },
  },
  {
    name: 'a chunk whose size has two digits',
    wire: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n',
    response: {
      statusCode: 200,
      headers: { 'transfer-encoding': 'chunked' },
      body: 'abcdefghijklmnopqrstuvwxyz',
      keepAlive: true,
    },
  },
  {
    name: 'a single chunk',
    wire: 'HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n00000005\r\nab\r\nc\r\n0\r\n\r\n',
    response: {
      statusCode: 200,
      headers: { 'transfer-encoding': 'Chunked' },
      body: 'ab\r\nc',
      keepAlive: true,
    },
  },
  {
    name: 'no chunk but the last',
    wire: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    response: { statusCode: 200, headers: { 'transfer-encoding': 'chunked' }, body: '', keepAlive: true },
  },
  {
    name: 'chunk extensions and trailers, which are dropped',
    wire:
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' +
      '1;name=value\r\nx\r\nb \t;a="b;c"\r\nhello world\r\n000;last\r\nX-Trailer: 1\r\nContent-Length: 9\r\n\r\n',
    response: {
      statusCode: 200,
      headers: { 'transfer-encoding': 'chunked' },
      body: 'xhello world',
      keepAlive: true,
    },
  },
  {
    name: 'a body until the connection closes',
    wire: 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
    closes: true,
    response: {
      statusCode: 200,
      headers: { 'content-type': 'text/plain' },
      body: 'HTTP/1.1 200 OK\r\n\r\n',
      keepAlive: false,
    },
  },
  {
    name: 'an empty body until the connection closes, and no header at all',
    wire: 'HTTP/1.1 500 \r\n\r\n',
    closes: true,
    response: { statusCode: 500, headers: {}, body: '', keepAlive: false },
  },
  {
    name: 'HTTP/1.0 with a length',
    wire: 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab',
    response: { statusCode: 200, headers: { 'content-length': '2' }, body: 'ab', keepAlive: false },
  },
  {
    name: 'HTTP/1.0 that keeps the connection open',
    wire: 'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx',
    response: {
      statusCode: 200,
      headers: { connection: 'Keep-Alive', 'content-length': '1' },
      body: 'x',
      keepAlive: true,
    },
  },
  {
    name: 'HTTP/1.0 that says both, so that closing wins',
    wire: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    response: {
      statusCode: 200,
      headers: { connection: 'keep-alive, close', 'content-length': '0' },
      body: '',
      keepAlive: false,
    },
  },
  {
    name: 'HTTP/1.0 with chunks, which it does not have: the connection is not used again',
    wire: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
    response: {
      statusCode: 200,
      headers: { connection: 'keep-alive', 'transfer-encoding': 'chunked' },
      body: 'x',
      keepAlive: false,
    },
  },
  {
    name: 'a server that is about to close, in any case and among other options',
    wire: 'HTTP/1.1 400 Bad Request\r\nCONNECTION: foo, CLOSE\r\nCONTENT-LENGTH: 3\r\n\r\nabc',
    response: {
      statusCode: 400,
      headers: { connection: 'foo, CLOSE', 'content-length': '3' },
      body: 'abc',
      keepAlive: false,
    },
  },
  {
    name: 'no content, whatever its header says about a body',
    wire: 'HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n',
    response: { statusCode: 204, headers: { 'content-length': '7' }, body: '', keepAlive: true },
  },
  {
    name: 'no content, and chunks that never come',
    wire: 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n',
    response: { statusCode: 204, headers: { 'transfer-encoding': 'chunked' }, body: '', keepAlive: true },
  },
  {
    name: 'not modified, without any length',
    wire: 'HTTP/1.1 304 Not Modified\r\n\r\n',
    response: { statusCode: 304, headers: {}, body: '', keepAlive: true },
  },
  {
    name: 'interim responses, which are skipped with their headers',
    wire:
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 99\r\nConnection: close\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx',
    response: { statusCode: 200, headers: { 'content-length': '1' }, body: 'x', keepAlive: true },
  },
  {
    name: 'header names in any case, blanks around values, repeated and empty fields',
    wire:
      'HTTP/1.1 200 OK\r\nX-AMZN-RequestId:\t ABC \t\r\nx-twice: a\r\nX-Twice: b:c\r\nx-none:\r\n' +
      "x!#$%&'*+-.^_`|~9: \xe9\r\ncontent-length:1\r\n\r\nx",
    response: {
      statusCode: 200,
      headers: {
        'x-amzn-requestid': 'ABC',
        'x-twice': 'a, b:c',
        'x-none': '',
        "x!#$%&'*+-.^_`|~9": '\xe9',
        'content-length': '1',
      },
      body: 'x',
      keepAlive: true,
    },
  },
  {
    name: 'a status line without a reason',
    wire: 'HTTP/1.1 599\r\nContent-Length: 0\r\n\r\n',
    response: { statusCode: 599, headers: { 'content-length': '0' }, body: '', keepAlive: true },
  },
]

interface Refusal {
  readonly name: string
  readonly wire: string
  readonly closes?: boolean
  readonly because: RegExp
}

const ok = 'HTTP/1.1 200 OK\r\n'
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`
const malformedLength = /malformed or repeated Content-Length/
const malformedHeader = /malformed header line/
const malformedChunk = /malformed chunk/
const unknownCoding = /Transfer-Encoding other than chunked/
const notHttp = /did not respond in HTTP\/1\.x/
const bytesBehind = /bytes behind the end of the body/
const tooEarly = /closed in the middle of the response/

const refusals: readonly Refusal[] = [
  {
    name: 'two lengths',
    wire: `${ok}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx`,
    because: malformedLength,
  },
  {
    name: 'the same length twice',
    wire: `${ok}Content-Length: 1\r\ncontent-length: 1\r\n\r\nx`,
    because: malformedLength,
  },
  { name: 'a list of lengths', wire: `${ok}Content-Length: 1, 1\r\n\r\nx`, because: malformedLength },
  { name: 'a negative length', wire: `${ok}Content-Length: -1\r\n\r\n`, because: malformedLength },
  { name: 'a signed length', wire: `${ok}Content-Length: +1\r\n\r\nx`, because: malformedLength },
  { name: 'a hexadecimal length', wire: `${ok}Content-Length: 0x1\r\n\r\nx`, because: malformedLength },
  { name: 'a fractional length', wire: `${ok}Content-Length: 1.0\r\n\r\nx`, because: malformedLength },
  { name: 'an empty length', wire: `${ok}Content-Length:\r\n\r\n`, because: malformedLength },
  {
    name: 'a length of 16 digits',
    wire: `${ok}Content-Length: 0000000000000001\r\n\r\nx`,
    because: malformedLength,
  },
  {
    name: 'a malformed length where there is no body',
    wire: 'HTTP/1.1 204 No Content\r\nContent-Length: x\r\n\r\n',
    because: malformedLength,
  },
  {
    name: 'a length and chunks',
    wire: `${ok}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`,
    because: /both Content-Length and Transfer-Encoding/,
  },
  {
    name: 'chunks and a length of nothing',
    wire: `${ok}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n`,
    because: /both Content-Length and Transfer-Encoding/,
  },
  { name: 'another coding', wire: `${ok}Transfer-Encoding: gzip\r\n\r\n`, because: unknownCoding },
  { name: 'two codings', wire: `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`, because: unknownCoding },
  {
    name: 'chunks twice',
    wire: `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    because: unknownCoding,
  },
  { name: 'an empty coding', wire: `${ok}Transfer-Encoding:\r\n\r\n`, because: unknownCoding },
  { name: 'a chunk size that is no number', wire: `${chunked}g\r\n\r\n`, because: malformedChunk },
  { name: 'no chunk size', wire: `${chunked}\r\n\r\n`, because: malformedChunk },
  { name: 'a negative chunk size', wire: `${chunked}-1\r\nx\r\n`, because: malformedChunk },
  { name: 'a chunk size behind a blank', wire: `${chunked} 1\r\nx\r\n`, because: malformedChunk },
  { name: 'a chunk size with a prefix', wire: `${chunked}0x1\r\nx\r\n`, because: malformedChunk },
  { name: 'a chunk size of nine digits', wire: `${chunked}000000001\r\nx\r\n`, because: malformedChunk },
  { name: 'text behind a chunk size', wire: `${chunked}1 2\r\nx\r\n`, because: malformedChunk },
  { name: 'a NUL in a chunk extension', wire: `${chunked}1;a\0b\r\nx\r\n`, because: malformedChunk },
  { name: 'a line feed in a chunk extension', wire: `${chunked}1;a\nb\r\nx\r\n`, because: malformedChunk },
  { name: 'a chunk line that ends in a line feed', wire: `${chunked}1\nx\n0\n\r\n`, because: malformedChunk },
  {
    name: 'a chunk longer than its size',
    wire: `${chunked}1\r\nxyz`,
    because: /chunk that is longer than it says/,
  },
  { name: 'a malformed trailer', wire: `${chunked}0\r\nno colon\r\n\r\n`, because: malformedHeader },
  {
    name: 'a body larger than 64 MiB, before it comes',
    wire: `${ok}Content-Length: 67108865\r\n\r\n`,
    because: /body is larger than 67108864 bytes/,
  },
  {
    name: 'a chunk larger than 64 MiB, before it comes',
    wire: `${chunked}4000001\r\n`,
    because: /body is larger than 67108864 bytes/,
  },
  {
    name: 'chunks that exceed 64 MiB together',
    wire: `${chunked}1\r\nx\r\n4000000\r\n`,
    because: /body is larger than 67108864 bytes/,
  },
  { name: 'a header line without a colon', wire: `${ok}Content-Length\r\n\r\n`, because: malformedHeader },
  { name: 'a header line without a name', wire: `${ok}: 1\r\n\r\n`, because: malformedHeader },
  { name: 'a blank before the colon', wire: `${ok}Content-Length : 1\r\n\r\nx`, because: malformedHeader },
  { name: 'a blank before the name', wire: `${ok} Content-Length: 1\r\n\r\nx`, because: malformedHeader },
  {
    name: 'a folded header',
    wire: `${ok}X-Long: a\r\n b\r\nContent-Length: 0\r\n\r\n`,
    because: malformedHeader,
  },
  {
    name: 'a folded header behind a tab, with a colon in it',
    wire: `${ok}X-Long: a\r\n\tb: c\r\nContent-Length: 0\r\n\r\n`,
    because: malformedHeader,
  },
  { name: 'a name that is not ASCII', wire: `${ok}X-\xe9: 1\r\n\r\n`, because: malformedHeader },
  {
    name: 'a line feed that hides a header in another',
    wire: `${ok}X-Long: a\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy`,
    because: malformedHeader,
  },
  { name: 'a carriage return in a value', wire: `${ok}X-A: a\rb\r\n\r\n`, because: malformedHeader },
  {
    name: 'a carriage return behind a length',
    wire: `${ok}Content-Length: 0\r\r\n\r\n`,
    because: malformedHeader,
  },
  { name: 'a NUL in a value', wire: `${ok}X-A: a\0b\r\n\r\n`, because: malformedHeader },
  {
    name: 'a malformed header of an interim response',
    wire: 'HTTP/1.1 100 Continue\r\nno colon\r\n\r\n',
    because: malformedHeader,
  },
  {
    name: 'a change of protocol',
    wire: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n',
    because: /switched protocols unasked/,
  },
  { name: 'HTTP/2', wire: 'HTTP/2 200\r\n\r\n', because: notHttp },
  { name: 'HTTP/1.2', wire: 'HTTP/1.2 200 OK\r\n\r\n', because: notHttp },
  { name: 'lower-case HTTP', wire: 'http/1.1 200 OK\r\n\r\n', because: notHttp },
  { name: 'status 600', wire: 'HTTP/1.1 600 No\r\n\r\n', because: notHttp },
  { name: 'status 099', wire: 'HTTP/1.1 099 No\r\n\r\n', because: notHttp },
  { name: 'a status of four digits', wire: 'HTTP/1.1 2000 OK\r\n\r\n', because: notHttp },
  { name: 'two blanks before the status', wire: 'HTTP/1.1  200 OK\r\n\r\n', because: notHttp },
  { name: 'a NUL in the reason', wire: 'HTTP/1.1 200 a\0b\r\n\r\n', because: notHttp },
  { name: 'a line feed in the reason', wire: 'HTTP/1.1 200 a\nX: b\r\n\r\n', because: notHttp },
  { name: 'an empty line first', wire: `\r\n${ok}Content-Length: 0\r\n\r\n`, because: notHttp },
  { name: 'another protocol', wire: '220 mail.example.com ESMTP\r\n\r\n', because: notHttp },
  { name: 'a byte behind a body', wire: `${ok}Content-Length: 1\r\n\r\nxy`, because: bytesBehind },
  { name: 'a byte behind an empty body', wire: `${ok}Content-Length: 0\r\n\r\nx`, because: bytesBehind },
  { name: 'a byte behind the last chunk', wire: `${chunked}0\r\n\r\nx`, because: bytesBehind },
  { name: 'a body where there is none', wire: 'HTTP/1.1 204 No\r\n\r\nx', because: bytesBehind },
  {
    name: 'a second response',
    wire: `${ok}Content-Length: 0\r\n\r\n${ok}Content-Length: 0\r\n\r\n`,
    because: bytesBehind,
  },
]

describe('ResponseParser', () => {
  it.each(examples)('reads $name, however it is cut', ({ wire, closes = false, response }) => {
    for (const pieces of cuttings(bytesOf(wire))) expect(parsePieces(pieces, closes)).toEqual(response)
  })

  it.each(examples.filter(({ wire }) => wire.length < 120))(
    'reads $name in every three pieces',
    ({ wire, closes = false, response }) => {
      const bytes = bytesOf(wire)
      const expected = JSON.stringify(response)
      const different: number[][] = []
      for (let second = 0; second <= bytes.length; second++) {
        for (let first = 0; first <= second; first++) {
          // An empty last piece would come after the response is complete.
          const pieces = cutAt(bytes, first, second).filter(piece => piece.length > 0)
          if (JSON.stringify(parsePieces(pieces, closes)) !== expected) different.push([first, second])
        }
      }
      expect(different).toEqual([])
    },
  )

  it.each(examples)('is not done before the last byte of $name', ({ wire, closes = false }) => {
    const bytes = bytesOf(wire)
    for (let length = 0; length < bytes.length; length++) {
      const parser = new ResponseParser()
      expect(parser.push(bytes.subarray(0, length))).toBeUndefined()
    }
    const endOfHead = wire.indexOf('\r\n\r\n') + 4
    const lengths = Array.from({ length: closes ? endOfHead : bytes.length }).keys()
    for (const length of lengths) expect(refusalOf([bytes.subarray(0, length)], true)).toMatch(tooEarly)
  })

  it.each(refusals)('refuses $name, however it is cut', ({ wire, because }) => {
    for (const pieces of cuttings(bytesOf(wire))) expect(refusalOf(pieces, false)).toMatch(because)
  })

  it('refuses bytes behind the body in the piece that completes it', () => {
    const head = bytesOf(`${ok}Content-Length: 2\r\n\r\n`)
    expect(refusalOf([head, bytesOf('a'), bytesOf('bc')], false)).toMatch(bytesBehind)
    const parser = new ResponseParser()
    parser.push(head)
    expect(parser.push(bytesOf('ab'))?.body.toString()).toBe('ab')
    expect(() => parser.push(bytesOf('c'))).toThrow(bytesBehind)
  })

  it.each(examples)('needs no bytes of $name any more when it has taken them', ({ wire, closes = false }) => {
    for (const pieces of cuttings(bytesOf(wire))) {
      const parser = new ResponseParser()
      let body: string | undefined
      for (const piece of pieces) {
        // As all reads go into the same memory.
        const shared = Buffer.from(piece)
        body = parser.push(shared)?.body.toString('latin1')
        shared.fill('?')
      }
      if (closes) body = parser.end().body.toString('latin1')
      expect(body).toBe(parsePieces([bytesOf(wire)], closes).body)
    }
  })

  it('names its refusals ResponseFormatError', () => {
    const parser = new ResponseParser()
    expect(() => parser.end()).toThrow(expect.objectContaining({ name: 'ResponseFormatError' }))
  })
})

/** A head of this many bytes, without the empty line that ends it. */
function headOf(length: number): string {
  const start = `${ok}Content-Length: 0\r\nX-Filler: `
  return `${start}${'x'.repeat(length - start.length)}`
}

/** A response with a trailer line of this many bytes. */
function wireWithTrailer(length: number): Buffer {
  return bytesOf(`${chunked}0\r\nx:${'x'.repeat(length - 2)}\r\n\r\n`)
}

describe('limits of ResponseParser', () => {
  const limit = 64 * 1024
  const overlongHead = /head is larger than 65536 bytes/
  const overlongChunkLine = /overlong chunk line/

  it('takes a head of 64 KiB and no more, however it is cut', () => {
    const largest = bytesOf(`${headOf(limit)}\r\n\r\n`)
    const tooLarge = bytesOf(`${headOf(limit + 1)}\r\n\r\n`)
    for (const position of [1, limit - 1, limit, limit + 1, limit + 2, limit + 3]) {
      expect(parsePieces(cutAt(largest, position), false).headers['x-filler']).toHaveLength(limit - 46)
      expect(refusalOf(cutAt(tooLarge, position), false)).toMatch(overlongHead)
    }
    expect(refusalOf([tooLarge], false)).toMatch(overlongHead)
  })

  it('refuses an endless head without waiting for its end', () => {
    const parser = new ResponseParser()
    expect(parser.push(bytesOf(headOf(limit)))).toBeUndefined()
    expect(() => parser.push(bytesOf('xxxx'))).toThrow(overlongHead)
  })

  it('takes a chunk line of 4 KiB and no more, however it is cut', () => {
    const before = Buffer.byteLength(chunked)
    const wireOf = (length: number): Buffer =>
      bytesOf(`${chunked}1;${'x'.repeat(length - 2)}\r\nx\r\n0\r\n\r\n`)
    for (const position of [4095, 4096, 4097, 4098]) {
      expect(parsePieces(cutAt(wireOf(4096), before + position), false).body).toBe('x')
      expect(refusalOf(cutAt(wireOf(4097), before + position), false)).toMatch(overlongChunkLine)
    }
    expect(refusalOf([wireOf(4097)], false)).toMatch(overlongChunkLine)
    expect(refusalOf([bytesOf(`${chunked}1;${'x'.repeat(4096)}`)], false)).toMatch(overlongChunkLine)
  })

  it('takes a trailer line of 4 KiB and no more', () => {
    expect(parsePieces([wireWithTrailer(4096)], false).body).toBe('')
    expect(refusalOf([wireWithTrailer(4097)], false)).toMatch(overlongChunkLine)
  })

  it('takes a body of 64 MiB, and no more until the connection closes', () => {
    const mebibyte = Buffer.alloc(1024 * 1024, 'x')
    const parser = new ResponseParser()
    parser.push(bytesOf(`${ok}\r\n`))
    for (let count = 0; count < 64; count++) expect(parser.push(mebibyte)).toBeUndefined()
    expect(() => parser.push(bytesOf('x'))).toThrow(/body is larger than 67108864 bytes/)

    const sized = new ResponseParser()
    sized.push(bytesOf(`${ok}Content-Length: 67108864\r\n\r\n`))
    for (let count = 0; count < 63; count++) expect(sized.push(mebibyte)).toBeUndefined()
    expect(sized.push(mebibyte)?.body).toHaveLength(67_108_864)
  })
})
