import {
  ResponseFormatError,
  ResponseParser,
  type ParsedResponse,
} from '../../../../src/aws/http/response-parser.ts'

/** A response as plain data, to compare with. */
export interface ReadResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly keepAlive: boolean
}

/** The bytes of a response; text stands for itself in latin1. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/**
 * Feeds the pieces to a parser, and the end of the connection where `closes` says so.
 *
 * @throws when the parser hands over a response before the last piece or not at all.
 */
export function parsePieces(pieces: readonly Buffer[], closes: boolean): ReadResponse {
  const parser = new ResponseParser()
  let response: ParsedResponse | undefined
  for (const piece of pieces) {
    if (response !== undefined) throw new Error('the response was handed over before its last byte')
    response = parser.push(piece)
  }
  if (closes) {
    if (response !== undefined) throw new Error('the response was handed over before the connection closed')
    response = parser.end()
  }
  if (response === undefined) throw new Error('the response was not handed over')
  return {
    statusCode: response.statusCode,
    headers: Object.fromEntries(response.headers),
    body: response.body.toString('latin1'),
    keepAlive: response.keepAlive,
  }
}

/**
 * Why the parser refuses the pieces or, where `closes` says so, the end of the connection behind them; `undefined`
 * when it refuses neither. Any other error is thrown.
 */
export function refusalOf(pieces: readonly Buffer[], closes: boolean): string | undefined {
  const parser = new ResponseParser()
  try {
    for (const piece of pieces) parser.push(piece)
    if (closes) parser.end()
  } catch (error) {
    if (error instanceof ResponseFormatError) return error.message
    throw error
  }
  return undefined
}

/** Cuts bytes at the given positions. */
export function cutAt(bytes: Buffer, ...positions: readonly number[]): Buffer[] {
  const edges = [0, ...positions, bytes.length]
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge))
}

/** Cuts bytes into single ones. */
export function cutEverywhere(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (_, index) => bytes.subarray(index, index + 1))
}

/** Every way to cut bytes in two, the whole and all single bytes. */
export function cuttings(bytes: Buffer): Buffer[][] {
  const inTwo = Array.from({ length: bytes.length }, (_, position) => cutAt(bytes, position))
  return [[bytes], cutEverywhere(bytes), ...inTwo]
}
