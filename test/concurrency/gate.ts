import { ConnectionError } from '../../src/errors.ts'
import { SocketTransport } from '../../src/aws/http/socket-transport.ts'
import type { Transport, TransportRequest, TransportResponse } from '../../src/aws/http/transport.ts'
import { deferred, type Deferred } from '../../src/internal/timers.ts'
import { operationOf } from './logging-transport.ts'

/**
 * What happens to a request: it is answered; it is carried out and its answer is lost; it is lost itself; or its caller is
 * told that it was lost, and it is carried out later.
 */
export type Fate = 'answer' | 'drop' | 'lose' | 'delay'

/** Who sends requests. */
export interface Sender {
  readonly name: string
  /** Hears of each of its requests. */
  sent(request: GatedRequest): void
  /** Hears that one of its requests, or the answer, was lost. */
  disturbed(): void
}

/** A request that waits at a {@link Gate}. */
export interface GatedRequest {
  readonly operation: string
  readonly input: Readonly<Record<string, unknown>>
  /** Absent for what happens in the background. */
  readonly sender: Sender | undefined
}

interface Waiting extends GatedRequest {
  readonly request: TransportRequest
  /** Absent when nobody waits for the answer any more. */
  caller: Deferred<TransportResponse> | undefined
}

/**
 * Where the requests of several stores wait until a test lets one of them pass to the engine, so that it decides in which
 * order they take effect and which answers arrive. It is open at first.
 */
export class Gate {
  readonly #engine = new SocketTransport({ maxSockets: 8 })
  readonly #waiting: Waiting[] = []
  #isOpen = true

  /** The requests that wait, oldest first. */
  get waiting(): readonly GatedRequest[] {
    return this.#waiting
  }

  /** A transport for one store. */
  transport(senderOfNow: () => Sender | undefined): Transport {
    return {
      request: async request => {
        if (this.#isOpen) return atTestTime(await this.#engine.request(request))
        const caller = deferred<TransportResponse>()
        const input = JSON.parse(request.body) as Waiting['input']
        const sender = senderOfNow()
        const waiting: Waiting = { operation: operationOf(request), input, sender, request, caller }
        this.#waiting.push(waiting)
        sender?.sent(waiting)
        return caller.promise
      },
      close: async () => {
        // The connections belong to the gate.
      },
    }
  }

  /** Lets a request pass: `happened` is called when it has taken effect, before its caller is told. */
  async pass(
    index: number,
    fate: Fate,
    happened: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const waiting = this.#waiting[index]
    if (waiting === undefined) throw new Error('there is no such request')
    const { caller, request } = waiting
    if (fate === 'delay' && caller !== undefined) {
      waiting.caller = undefined
      caller.reject(lost())
      return
    }
    this.#waiting.splice(index, 1)
    if (fate === 'lose') {
      caller?.reject(lost())
      return
    }
    // It is on its way, whoever has given it up meanwhile.
    const response = await this.#engine.request({ ...request, signal: undefined, deadlineAtMs: Infinity })
    await happened()
    if (fate === 'drop') caller?.reject(lost())
    else caller?.resolve(atTestTime(response))
  }

  /** Lets everything pass from now on. */
  async open(): Promise<void> {
    this.#isOpen = true
    while (this.#waiting.length > 0) await this.pass(0, 'answer')
  }

  /** Lets nothing pass from now on but by {@link pass}. */
  close(): void {
    this.#isOpen = false
  }

  /** Closes the connections. */
  async end(): Promise<void> {
    await this.#engine.close()
  }
}

function lost(): ConnectionError {
  return new ConnectionError('CONNECTION_LOST', 'the answer was lost', { retryable: true })
}

/** An answer as if the engine had the time of the test. */
function atTestTime(response: TransportResponse): TransportResponse {
  return { ...response, headers: new Map([...response.headers, ['date', new Date().toUTCString()]]) }
}
