import { ConnectionError } from '../errors.ts'
import type { TransportResponse } from '../http/transport.ts'
import type { Operation, Output } from './operations.ts'

/**
 * Reads the output of an operation from a successful answer.
 *
 * @throws {ConnectionError} `INVALID_RESPONSE` when the answer is not a JSON object.
 */
export function readOutput<Name extends Operation>(
  { body, statusCode }: TransportResponse,
  operation: Name,
  origin: string,
): Output<Name> {
  const output = parseJson(body)
  if (isOutput<Name>(output)) return output
  throw new ConnectionError(
    'INVALID_RESPONSE',
    `${origin} answered ${operation} with HTTP status ${statusCode} and something that is not DynamoDB's JSON; ` +
      'check that the endpoint is DynamoDB',
    { retryable: false },
  )
}

/** Every field of an output is optional, so that any JSON object is one. */
function isOutput<Name extends Operation>(value: unknown): value is Output<Name> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    // The text of the SyntaxError quotes the body, which can be session data (G9): it is not passed on.
    return undefined
  }
}
