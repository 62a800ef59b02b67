import { crc32 } from 'node:zlib'

/** An HTTP answer before it becomes bytes. `Content-Length` and what concerns the connection are not among the fields. */
export interface Answer {
  readonly statusCode: number
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
}

/** The two parts of an answer as they go over the wire. */
export interface EncodedAnswer {
  readonly head: Buffer
  readonly body: Buffer
}

/** How an answer becomes bytes. */
export interface Encoding {
  /** @default '1.1' */
  readonly version?: '1.0' | '1.1'
  /** What says where the body ends. @default the `Content-Length` that is right */
  readonly framing?: readonly [name: string, value: string] | 'none'
  /** Fields to add. @default none */
  readonly fields?: readonly (readonly [name: string, value: string])[]
}

/** Writes an answer as HTTP/1.x has it. */
export function encodeAnswer({ statusCode, fields, body }: Answer, encoding: Encoding = {}): EncodedAnswer {
  const { version = '1.1', framing = ['content-length', String(body.length)] as const } = encoding
  const lines = [...fields, ...(encoding.fields ?? []), ...(framing === 'none' ? [] : [framing])]
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return { head: Buffer.from(`HTTP/${version} ${statusCode} Answer\r\n${text}\r\n`, 'latin1'), body }
}

/** The error page of a load balancer. */
export function htmlError(statusCode: number): Answer {
  return {
    statusCode,
    fields: [['content-type', 'text/html']],
    body: Buffer.from(
      `<html><head><title>${statusCode}</title></head><body><h1>${statusCode}</h1></body></html>`,
    ),
  }
}

/** An error of DynamoDB. */
export function awsErrorAnswer(code: string, message: string): Answer {
  const body = Buffer.from(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${code}`, message }))
  return {
    statusCode: 400,
    fields: [
      ['content-type', 'application/x-amz-json-1.0'],
      ['x-amz-crc32', String(crc32(body))],
    ],
    body,
  }
}
