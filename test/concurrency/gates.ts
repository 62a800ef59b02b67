import { deferred, type Deferred } from '../../src/internal/deferred.ts'

/** Places at which requests wait until a test lets them go on. */
export class Gates {
  readonly #reached = new Map<string, Deferred<void>>()
  readonly #opened = new Map<string, Deferred<void>>()

  /** Waits until a request is at a gate. */
  async reached(name: string): Promise<void> {
    return of(this.#reached, name).promise
  }

  /** Lets the request at a gate go on, or the one that is still to come. */
  open(name: string): void {
    of(this.#opened, name).resolve()
  }

  /** Called by the request: waits for the gate to open. */
  async pass(name: string): Promise<void> {
    of(this.#reached, name).resolve()
    await of(this.#opened, name).promise
  }
}

function of(gates: Map<string, Deferred<void>>, name: string): Deferred<void> {
  const gate = gates.get(name) ?? deferred<void>()
  gates.set(name, gate)
  return gate
}
