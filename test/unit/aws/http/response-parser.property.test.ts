import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  type ParsedResponse,
  ResponseFormatError,
  ResponseParser,
} from '../../../../src/aws/http/response-parser.ts'
import { bytesOf, cutAt, parsePieces, type ReadResponse, refusalOf } from './framing.ts'

interface Generated {
  readonly wire: Buffer
  readonly closes: boolean
  readonly response: ReadResponse
}

const framingNames = new Set(['content-length', 'transfer-encoding', 'connection'])
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/)
const text = fc.stringMatching(/^[\x20-\x7e\t\xa1-\xff]{0,20}$/)
const body = fc.uint8Array({ maxLength: 200, size: 'max' }).map(latin1)
const fields = fc
  .uniqueArray(fc.tuple(token, text), { maxLength: 6, selector: ([name]) => name.toLowerCase() })
  .map(all => all.filter(([name]) => !framingNames.has(name.toLowerCase())))
const blanks = fc.constantFrom('', ' ', '\t', '  ')
const statusCode = fc.integer({ min: 200, max: 599 })
const hasBody = statusCode.filter(code => code !== 204 && code !== 304)

const linesOf = (all: readonly (readonly [string, string])[], before: string, after: string): string =>
  all.map(([name, value]) => `${name}:${before}${value}${after}\r\n`).join('')

const interim = fc
  .array(fc.tuple(fc.constantFrom(100, 102, 103), fields), { maxLength: 2 })
  .map(all => all.map(([code, own]) => `HTTP/1.1 ${code} \r\n${linesOf(own, '', '')}\r\n`).join(''))

const chunk = fc.tuple(
  fc.uint8Array({ minLength: 1, maxLength: 60, size: 'max' }).map(latin1),
  fc.boolean(),
  fc.constantFrom('', ';', ';a', ';a=b', ' ;a="b"'),
)
const chunkedBody = fc.tuple(fc.array(chunk, { maxLength: 5 }), fields).map(([chunks, trailers]) => ({
  content: chunks.map(([content]) => content).join(''),
  wire: `${chunks
    .map(([content, upperCase, extension]) => {
      const size = content.length.toString(16)
      return `${upperCase ? size.toUpperCase() : size}${extension}\r\n${content}\r\n`
    })
    .join('')}0\r\n${linesOf(trailers, ' ', '')}\r\n`,
}))

interface Framed {
  readonly code: number
  readonly framing: readonly (readonly [string, string])[]
  readonly wire: string
  readonly content: string
  readonly closes: boolean
}

const framed: fc.Arbitrary<Framed> = fc.oneof(
  fc.tuple(hasBody, body).map(([code, content]) => ({
    code,
    framing: [['Content-Length', String(content.length)] as const],
    wire: content,
    content,
    closes: false,
  })),
  fc.tuple(hasBody, chunkedBody).map(([code, { wire, content }]) => ({
    code,
    framing: [['Transfer-Encoding', 'chunked'] as const],
    wire,
    content,
    closes: false,
  })),
  fc
    .tuple(hasBody, body)
    .map(([code, content]) => ({ code, framing: [], wire: content, content, closes: true })),
  fc.constantFrom(204, 304).map(code => ({ code, framing: [], wire: '', content: '', closes: false })),
)

const generated: fc.Arbitrary<Generated> = fc
  .record({ framed, fields, interim, reason: text, before: blanks, after: blanks, close: fc.boolean() })
  .map(({ framed: { code, framing, wire, content, closes }, fields: own, interim: first, ...rest }) => {
    const all = [...own, ...framing, ...(rest.close ? [['Connection', 'close'] as const] : [])]
    return {
      wire: bytesOf(
        `${first}HTTP/1.1 ${code} ${rest.reason}\r\n${linesOf(all, rest.before, rest.after)}\r\n${wire}`,
      ),
      closes,
      response: {
        statusCode: code,
        headers: Object.fromEntries(all.map(([name, value]) => [name.toLowerCase(), value.trim()])),
        body: content,
        keepAlive: !closes && !rest.close,
      },
    }
  })

const chunking = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 12 })

function cut(wire: Buffer, where: readonly number[]): Buffer[] {
  const positions = where.map(share => Math.floor(share * wire.length))
  return cutAt(wire, ...positions.sort((one, other) => one - other))
}

const damage = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 9, 10, 13, 32, 48, 58, 59, 102, 255)), {
  minLength: 1,
  maxLength: 4,
})

function damagedBy(wire: Buffer, damages: readonly (readonly [number, number])[]): Buffer {
  const damaged = Buffer.from(wire)
  for (const [position, byte] of damages) damaged[position % damaged.length] = byte
  return damaged
}

describe('ResponseParser, for any response', () => {
  it('reads what was written, for any chunking', () => {
    fc.assert(
      fc.property(generated, chunking, ({ wire, closes, response }, where) => {
        expect(parsePieces(cut(wire, where), closes)).toEqual(response)
      }),
      { numRuns: 2000 },
    )
  })

  it('never takes a part for the whole', () => {
    fc.assert(
      fc.property(
        generated,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (example, share) => {
          const part = example.wire.subarray(0, Math.floor(share * example.wire.length))
          expect(new ResponseParser().push(part)).toBeUndefined()
          // What lasts until the connection closes cannot be told from its part.
          expect(refusalOf([part], !example.closes) === undefined).toBe(example.closes)
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('refuses any byte behind the response', () => {
    const sized = generated.filter(({ closes }) => !closes)
    fc.assert(
      fc.property(sized, fc.uint8Array({ minLength: 1, maxLength: 20 }), ({ wire }, behind) => {
        const parser = new ResponseParser()
        expect(() => parser.push(Buffer.concat([wire, behind]))).toThrow(ResponseFormatError)
      }),
      { numRuns: 1000 },
    )
  })

  it('throws nothing but ResponseFormatError at random bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 5 }), pieces => {
        const buffers = pieces.map(piece => Buffer.from(piece))
        expect(() => refusalOf(buffers, true)).not.toThrow()
      }),
      { numRuns: 1000 },
    )
  })

  it('throws nothing but ResponseFormatError at a response with damaged bytes', () => {
    fc.assert(
      fc.property(generated, damage, chunking, ({ wire }, damages, where) => {
        expect(() => refusalOf(cut(damagedBy(wire, damages), where), true)).not.toThrow()
      }),
      { numRuns: 2000 },
    )
  })
})

/** What becomes of a response: all of it, `undefined` when it is not complete, or `refused`. */
function outcomeOf(pieces: readonly Buffer[]): object | 'refused' | undefined {
  const parser = new ResponseParser()
  let response: ParsedResponse | undefined
  try {
    for (const piece of pieces) {
      // What comes behind a complete response is refused by the connection, and here as the parser does at once.
      if (response !== undefined && piece.length > 0) return 'refused'
      response ??= parser.push(piece)
    }
  } catch (error) {
    if (error instanceof ResponseFormatError) return 'refused'
    throw error
  }
  if (response === undefined) return undefined
  const { headers, body: bytes, ...others } = response
  return { ...others, headers: [...headers], body: latin1(bytes) }
}

/** Fields that decide how a response is read, often enough to meet. */
const tellingFields = fc.array(
  fc.tuple(
    fc.constantFrom(
      'Connection',
      'content-encoding',
      'CONTENT-LENGTH',
      'transfer-encoding',
      'X-Amz-Crc32',
      'x-amzn-RequestId',
      'x-amzn-requestie',
    ),
    fc.constantFrom(
      '',
      '0',
      '3',
      '03',
      ' 3 ',
      '\t3',
      '3, 3',
      '+3',
      '3.0',
      'keep-alive',
      'Keep-Alive ',
      'close',
      'chunked',
      'A',
    ),
  ),
  { maxLength: 4 },
)
const tellingResponse = fc
  .tuple(
    fc.constantFrom('1.0', '1.1', '1.1', '1.1'),
    fc.oneof(fc.constant(200), fc.integer({ min: 100, max: 599 })),
    fields,
    fc.constantFrom([], [['Content-Length', '3'] as const]),
    tellingFields,
  )
  .map(([version, code, own, length, telling]) =>
    bytesOf(`HTTP/${version} ${code} OK\r\n${linesOf([...own, ...length, ...telling], ' ', '')}\r\nabc`),
  )

describe('a response that comes as a whole', () => {
  it('is read as one that comes in pieces, or refused as that is', () => {
    const wires = fc.oneof(
      generated.map(({ wire }) => wire),
      fc.tuple(generated, damage).map(([{ wire }, damages]) => damagedBy(wire, damages)),
      tellingResponse,
      fc.tuple(tellingResponse, damage).map(([wire, damages]) => damagedBy(wire, damages)),
    )
    let read = 0
    fc.assert(
      fc.property(wires, chunking, (wire, where) => {
        const whole = outcomeOf([wire])
        if (typeof whole === 'object') read++
        expect(outcomeOf(cut(wire, where))).toEqual(whole)
      }),
      { numRuns: 5000 },
    )
    expect(read).toBeGreaterThan(200)
  })

  it('is read as DynamoDB sends it, and no part of it', () => {
    const wire = bytesOf(
      'HTTP/1.1 200 OK\r\nServer: Server\r\nDate: Mon, 23 Nov 2026 12:00:00 GMT\r\n' +
        'Content-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\nConnection: keep-alive\r\n' +
        'x-amzn-RequestId: 4KBNVRGD25RG\r\nx-amz-crc32: 2745614147\r\n\r\n{}',
    )
    const whole = new ResponseParser().push(wire)
    expect(whole).toMatchObject({
      statusCode: 200,
      keepAlive: true,
      requestId: '4KBNVRGD25RG',
    })
    expect(whole?.headers.get('date')).toBe('Mon, 23 Nov 2026 12:00:00 GMT')
    for (let length = 0; length < wire.length; length++) {
      expect(new ResponseParser().push(wire.subarray(0, length))).toBeUndefined()
    }
    expect(() => new ResponseParser().push(Buffer.concat([wire, bytesOf('x')]))).toThrow(ResponseFormatError)
  })
})
