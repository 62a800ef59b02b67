import { crc32 } from 'node:zlib'

/**
 * Whether a body is the one that the server sent: DynamoDB puts the CRC-32 of the body into `x-amz-crc32`. True when
 * there is nothing to compare: no such header, or a body that was decoded on the way.
 */
export function matchesChecksum(headers: ReadonlyMap<string, string>, body: Uint8Array): boolean {
  const expected = headers.get('x-amz-crc32')
  return expected === undefined || headers.has('content-encoding') || Number(expected) === crc32(body)
}
