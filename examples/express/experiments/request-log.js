/** The latest calls of DynamoDB by this process, from the package's diagnostics channels. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'

const CHANNEL = 'tracing:dynamodb-sessions:operation:asyncEnd'

/**
 * @typedef {object} LoggedRequest
 * @property {string} at ISO 8601
 * @property {string} operation
 * @property {string} table
 * @property {number} durationMs
 * @property {number} attempts
 * @property {number | undefined} capacityUnits undefined when DynamoDB did not say
 * @property {string} outcome `ok`, or the code of the error
 */

/** Remembers the latest calls, and tells its listeners of each. It has to be closed. */
export class RequestLog {
  /** @readonly */
  #capacity
  /** @type {LoggedRequest[]} */
  #latest = []
  /**
   * @readonly
   * @type {Set<(request: LoggedRequest | undefined) => void>}
   */
  #listeners = new Set()

  /** @param {number} [capacity] how many calls are remembered */
  constructor(capacity = 12) {
    this.#capacity = capacity
    subscribe(CHANNEL, this.#note)
  }

  /** @returns {readonly LoggedRequest[]} the latest first */
  get latest() {
    return this.#latest
  }

  /**
   * @param {(request: LoggedRequest | undefined) => void} listener is told `undefined` when the log is closed
   * @returns {() => void} ends it
   */
  listen(listener) {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close() {
    unsubscribe(CHANNEL, this.#note)
    for (const listener of this.#listeners) listener(undefined)
    this.#listeners.clear()
  }

  /** @readonly */
  #note = (/** @type {unknown} */ message) => {
    const trace = /** @type {import('dynamodb-sessions/diagnostics').OperationTrace} */ (message)
    const request = {
      at: new Date().toISOString(),
      operation: trace.operation,
      table: trace.table,
      durationMs: trace.durationMs ?? 0,
      attempts: trace.attempts,
      capacityUnits: trace.consumedCapacity,
      // A condition that does not hold is how a conflict, a taken lock and a destroyed session show.
      outcome:
        trace.error === undefined ? 'ok' : (trace.error.awsCode ?? trace.error.code ?? trace.error.name),
    }
    this.#latest = [request, ...this.#latest].slice(0, this.#capacity)
    for (const listener of this.#listeners) listener(request)
  }
}
