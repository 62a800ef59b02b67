import { ConnectionError } from '../../errors.ts'
import type { ResponseBody, TransportResponse } from '../http/transport.ts'
import type { Operation, Output } from './operations.ts'

/**
 * Reads the output of an operation from a successful answer.
 *
 * @throws {ConnectionError} `INVALID_RESPONSE` when the answer is not a JSON object, or nothing but that: it would
 *   acknowledge writes, whoever gave it.
 */
export function readOutput<Name extends Operation>(
  response: TransportResponse,
  operation: Name,
  origin: string,
): Output<Name> {
  const output = parseJson(response.body)
  if (isOutput<Name>(output) && isFromDynamoDB(response)) return output
  throw new ConnectionError(
    'INVALID_RESPONSE',
    `${origin} answered ${operation} with HTTP status ${response.statusCode} and something that is not DynamoDB's JSON; ` +
      'check that the endpoint is DynamoDB',
    { retryable: false },
  )
}

/** Every field of an output is optional, so that any JSON object is one; but what is not there is left out, and not null. */
function isOutput<Name extends Operation>(value: unknown): value is Output<Name> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { Item: item, Attributes: attributes }: { Item?: unknown; Attributes?: unknown } = value
  return item !== null && attributes !== null
}

/**
 * Whether an answer has anything that DynamoDB's have: the ID, or else the checksum or the content type, which are what
 * the stand-ins for DynamoDB without IDs give.
 */
function isFromDynamoDB(response: TransportResponse): boolean {
  // First, because most often it is there, and costs nothing: to ask for the header fields takes them apart.
  if (response.requestId !== undefined) return true
  const { headers } = response
  return (
    headers.has('x-amzn-requestid') ||
    headers.has('x-amz-crc32') ||
    headers.get('content-type')?.toLowerCase().startsWith('application/x-amz-json') === true
  )
}

function parseJson(body: ResponseBody): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    // The text of the SyntaxError quotes the body, which can be session data (G9): it is not passed on.
    return undefined
  }
}
