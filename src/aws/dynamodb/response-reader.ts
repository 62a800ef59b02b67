import { ConnectionError } from '../../errors.ts'
import type { ResponseRecipient, TransportResponse } from '../http/transport.ts'
import type { Item } from '../../types.ts'
import type { Input, Operation, Output } from './operations.ts'
import { readOutput } from './output.ts'
import { isOwnError, isOwnOutput } from './own-response.ts'
import { readWireError, type WireError } from './wire-error.ts'

/** What a response says: the output of the operation, or why there is none. */
export type ReadResponse<Name extends Operation> = { readonly output: Output<Name> } | WireError

/**
 * Reads the response to one attempt at an operation, and judges whether it is that: for the transport, before the
 * connection carries another request, and otherwise when it is delivered. It reads a response once.
 */
export class ResponseReader<Name extends Operation> implements ResponseRecipient {
  readonly #operation: Name
  readonly #input: Input<Name>
  readonly #key: Item | undefined
  readonly #origin: string
  #accepted: TransportResponse | undefined
  #read: ReadResponse<Name> | undefined

  /** @param key of the item that the request is about, where the input does not name it. */
  constructor(operation: Name, input: Input<Name>, key: Item | undefined, origin: string) {
    this.#operation = operation
    this.#input = input
    this.#key = key
    this.#origin = origin
  }

  /** @throws {ConnectionError} `INVALID_RESPONSE` when it is not the response to the request. */
  accept(response: TransportResponse): boolean {
    const read = this.#readFrom(response)
    this.#accepted = response
    this.#read = read
    // What is no success and has no ID comes from something in between, and a copy of it could not be recognised.
    return 'output' in read || (read.requestId !== undefined && read.awsCode !== 'Unknown')
  }

  /**
   * What a response says that the transport has delivered.
   *
   * @throws {ConnectionError} as {@link accept} does, where the transport has not asked.
   */
  read(response: TransportResponse): ReadResponse<Name> {
    return this.#accepted === response && this.#read !== undefined ? this.#read : this.#readFrom(response)
  }

  #readFrom(response: TransportResponse): ReadResponse<Name> {
    if (response.statusCode >= 300) {
      const failure = readWireError(response)
      if (isOwnError(failure, this.#input, this.#key)) return failure
    } else {
      const output = readOutput(response, this.#operation, this.#origin)
      if (isOwnOutput(this.#operation, this.#input, output)) return { output }
    }
    throw new ConnectionError(
      'INVALID_RESPONSE',
      `${this.#origin} answered ${this.#operation} with the response to another request`,
      { retryable: true },
    )
  }
}
