import { crc32 } from 'node:zlib'

/**
 * The CRC-32 of the body that the server sent, which DynamoDB puts into `x-amz-crc32`. `undefined` when there is
 * nothing to compare: no such header, or a body that was encoded on the way. `NaN`, which no body has, when the header
 * is not a number.
 */
export function expectedChecksum(headers: ReadonlyMap<string, string>): number | undefined {
  const expected = headers.get('x-amz-crc32')
  return expected === undefined || headers.has('content-encoding') ? undefined : Number(expected)
}

/** Whether a body is the one that the server sent, as far as its header fields tell. */
export function matchesChecksum(headers: ReadonlyMap<string, string>, body: Uint8Array): boolean {
  const expected = expectedChecksum(headers)
  return expected === undefined || expected === crc32(body)
}
