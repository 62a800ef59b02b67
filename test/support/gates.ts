import { deferred, type Deferred } from '../../src/internal/timers.ts'

/** Places at which requests wait until a test lets them go on. */
export class Gates {
  readonly #reached = new Map<string, Deferred<string>>()
  readonly #opened = new Map<string, Deferred<void>>()

  /** Waits until a request is at a gate; resolves with what it says there. */
  async reached(name: string): Promise<string> {
    return of(this.#reached, name).promise
  }

  /** Lets the request at a gate go on, or the one that is still to come. */
  open(name: string): void {
    of(this.#opened, name).resolve()
  }

  /** Called by the request: waits for the gate to open. */
  async pass(name: string, message = ''): Promise<void> {
    of(this.#reached, name).resolve(message)
    await of(this.#opened, name).promise
  }
}

function of<Value>(gates: Map<string, Deferred<Value>>, name: string): Deferred<Value> {
  const gate = gates.get(name) ?? deferred<Value>()
  gates.set(name, gate)
  return gate
}
