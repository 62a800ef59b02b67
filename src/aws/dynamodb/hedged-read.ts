import { deferred, offAbort, onAbort } from '../../internal/timers.ts'
import type { Timed } from '../http/tick-queue.ts'
import type { Transport, TransportResponse } from '../http/transport.ts'
import type { HedgedSending, OperationRequest } from './operation-request.ts'
import type { Operation } from './operations.ts'
import type { ReadHedging } from './read-hedging.ts'
import type { Region } from './regions.ts'

/** What became of the hedge of an attempt: its response was used (`won`), or not (`lost`). */
export type HedgeOutcome = 'won' | 'lost'

/** The call that a read is for. */
interface HedgedCall {
  readonly signal: AbortSignal | undefined
  /** What became of the hedge of the latest attempt; `undefined` where it had none. */
  hedge: HedgeOutcome | undefined
}

/** What a read depends on. */
export interface HedgedReadTerms {
  readonly hedging: ReadHedging
  readonly transport: Transport
  /** Whether the Region is well: one that fails is asked no more than it is anyway. */
  readonly isWell: () => boolean
}

/**
 * One attempt at a read, which is sent a second time when it takes long. The first good response is the one. Until both
 * requests have failed, a failure counts for nothing; then it is that of the first.
 *
 * The slower request is read to its end, also when the caller is aborted afterwards, so that its connection stays of use.
 */
export class HedgedRead<Name extends Operation> implements Timed {
  /** How its requests are to be made. */
  readonly sending: HedgedSending
  expiresAtMs: number = Infinity
  deadlineAtMs: number = Infinity
  readonly #call: HedgedCall
  readonly #terms: HedgedReadTerms
  readonly #settled = deferred<TransportResponse>()
  readonly #abort: (() => void) | undefined
  #request: OperationRequest<Name> | undefined
  #startedAtMs = 0
  #underWay = 0
  /** Whether the timer runs. */
  #isTimed = false
  #isOver = false
  #failAsFirst: (() => void) | undefined

  constructor(call: HedgedCall, terms: HedgedReadTerms) {
    const { signal } = call
    const controller = signal && new AbortController()
    call.hedge = undefined
    this.#call = call
    this.#terms = terms
    this.#abort = controller && (() => controller.abort(signal?.reason))
    this.sending = { signal: controller?.signal, sentTo: new Set() }
  }

  /** Sends the request, and its hedge when it comes to that. */
  send(request: OperationRequest<Name>): Promise<TransportResponse> {
    const { hedging } = this.#terms
    const { signal } = this.#call
    if (signal !== undefined && this.#abort !== undefined) {
      onAbort(signal, this.#abort)
      if (signal.aborted) this.#abort()
    }
    this.#request = request
    this.#startedAtMs = hedging.now()
    this.expiresAtMs = this.#startedAtMs + hedging.began()
    this.deadlineAtMs = request.deadlineAtMs
    this.#isTimed = true
    hedging.timeouts.watch(this)
    hedging.timeouts.begin(this.expiresAtMs)
    this.#send(request)
    return this.#settled.promise
  }

  /** It has taken long. */
  expire(): void {
    const { hedging, isWell } = this.#terms
    this.#stopTimer()
    if (this.#request === undefined || !isWell() || !hedging.takeHedge()) return
    this.#call.hedge = 'lost'
    this.#send(this.#request.hedge(hedging.now() - this.#startedAtMs))
  }

  #send(request: OperationRequest<Name>): void {
    const { hedging, transport } = this.#terms
    const { isHedge } = request
    const fail = (settle: () => void): void => {
      if (!isHedge) this.#failAsFirst = settle
      if (--this.#underWay === 0) this.#end(this.#failAsFirst)
    }
    this.#underWay++
    transport.request(request).then(
      response => {
        if (!isGood(request, response)) {
          fail(() => {
            this.#settled.resolve(response)
          })
          return
        }
        this.#underWay--
        if (!isHedge) hedging.responded(this.#startedAtMs)
        this.#end(() => {
          if (isHedge) {
            this.#call.hedge = 'won'
            hedging.won()
          }
          this.#settled.resolve(response)
        })
      },
      (error: unknown) => {
        fail(() => {
          this.#settled.reject(error)
        })
      },
    )
  }

  /** The first end is the one that counts. */
  #end(settle: (() => void) | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopTimer()
    const { signal } = this.#call
    if (signal !== undefined && this.#abort !== undefined) offAbort(signal, this.#abort)
    settle?.()
  }

  #stopTimer(): void {
    if (!this.#isTimed) return
    this.#isTimed = false
    this.#terms.hedging.timeouts.forget(this)
    this.#terms.hedging.timeouts.end()
  }
}

/** What sends an attempt that may be sent twice; `undefined` for writes, and where no read is. */
export function hedgedRead<Name extends Operation>(
  call: HedgedCall & { readonly operation: Name },
  { hedging, health }: Region,
  transport: Transport,
): HedgedRead<Name> | undefined {
  if (hedging === undefined || call.operation !== 'GetItem') return undefined
  return new HedgedRead(call, { hedging, transport, isWell: () => health.state === 'closed' })
}

/** Whether a response says what was asked for, and not why there is no such thing. */
function isGood(request: OperationRequest<Operation>, response: TransportResponse): boolean {
  try {
    return 'output' in request.read(response)
  } catch {
    // Whoever gets it finds out the same.
    return false
  }
}
