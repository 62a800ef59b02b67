import { answerFaults } from './answer-faults.ts'
import {
  certificateFaults,
  type ConnectionFault,
  type ExchangeFault,
  plainConnectionFaults,
} from './fault.ts'
import { SeededRandom } from './random.ts'
import { requestFaults } from './request-faults.ts'

/** Decides what goes wrong. */
export interface FaultPlan {
  /** The fault of a connection; `index` counts from 0. */
  forConnection(index: number): ConnectionFault | undefined
  /** The fault of a request; `count` counts the requests for the same key from 0. */
  forRequest(key: string, count: number): ExchangeFault | undefined
  /** Randomness for the details of a fault. */
  randomFor(key: string, count: number): SeededRandom
}

/** How much goes wrong in a {@link seededPlan}. */
export interface SeededPlanOptions {
  readonly seed: number
  /** Whether connections may have wrong certificates. */
  readonly tls: boolean
  /** Share of the connections that fail before the first request. @default 0.08 */
  readonly connectionFaults?: number
  /** Share of the requests that have a fault. @default 0.3 */
  readonly exchangeFaults?: number
}

/** Every fault that a request and its answer can have. */
export const exchangeFaults: readonly ExchangeFault[] = [...requestFaults, ...answerFaults]

/**
 * A plan in which a seed decides. What happens to the n-th request for a key depends on the seed, the key and n alone,
 * and so does not change with the order in which the requests of different sessions arrive.
 */
export function seededPlan({
  seed,
  tls,
  connectionFaults = 0.08,
  exchangeFaults: share = 0.3,
}: SeededPlanOptions): FaultPlan {
  const kinds = tls ? [...plainConnectionFaults, ...certificateFaults] : plainConnectionFaults
  return {
    forConnection: index => {
      const random = new SeededRandom(seed, 'connection', index)
      return random.chance(connectionFaults) ? random.pick(kinds) : undefined
    },
    forRequest: (key, count) => {
      const random = new SeededRandom(seed, 'request', key, count)
      return random.chance(share) ? random.pick(exchangeFaults) : undefined
    },
    randomFor: (key, count) => new SeededRandom(seed, 'details', key, count),
  }
}

/** A plan in which nothing goes wrong but what a test asks for. */
export class ArmedPlan implements FaultPlan {
  readonly #seed: number
  #connection: ConnectionFault | undefined
  readonly #requests: (string | undefined)[] = []

  /** @param seed decides about the details of faults. */
  constructor(seed: number = 1) {
    this.#seed = seed
  }

  /** Gives the next connection a fault. */
  armConnection(fault: ConnectionFault): void {
    this.#connection = fault
  }

  /** Gives the next requests exchange faults of these kinds, in the order in which they arrive. */
  armRequests(...kinds: readonly (string | undefined)[]): void {
    this.#requests.push(...kinds)
  }

  forConnection(): ConnectionFault | undefined {
    const fault = this.#connection
    this.#connection = undefined
    return fault
  }

  forRequest(): ExchangeFault | undefined {
    const kind = this.#requests.shift()
    return kind === undefined ? undefined : faultOfKind(kind)
  }

  randomFor(key: string, count: number): SeededRandom {
    return new SeededRandom(this.#seed, key, count)
  }
}

function faultOfKind(kind: string): ExchangeFault {
  const found = exchangeFaults.find(fault => fault.kind === kind)
  if (found === undefined) throw new Error(`there is no fault "${kind}"`)
  return found
}
