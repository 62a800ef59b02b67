import type { Environment } from '../config/environment.ts'
import type { RouteSearch } from '../config/route-search.ts'
import { type CorrectableClock, CorrectedClock } from '../http/clock-skew.ts'
import { SocketTransport } from '../http/socket-transport.ts'
import type { Transport } from '../http/transport.ts'
import { PendingSteps } from '../../internal/pending-steps.ts'
import type { Clock, Random } from '../../types.ts'
import { processEnvironment } from '../../internal/process-environment.ts'

const DEFAULT_DEADLINE_MS = 7000
/** Just long enough for the few requests that one refresh makes. */
const BRIEFLY_KEPT = { maxSockets: 4, idleTimeoutMs: 2000 } as const

/**
 * What credential providers take from the world around them, so that tests can stand in for it.
 *
 * @internal
 */
export interface ProviderContext {
  readonly environment: Environment
  /** What the time is; put right once a service has refused a request for its time, where it can be. */
  readonly clock: Clock & Partial<CorrectableClock>
  readonly random: Random
  /** Carries requests to this machine and its own network: containers and instance metadata. */
  readonly transport: Transport
  /** Carries requests to AWS: STS, SSO, sign-in, and container endpoints over TLS. */
  readonly serviceTransport: Transport
  /** How long the call may take that needs credentials. Milliseconds. */
  readonly deadlineMs: number
  /** Told what the provider is waiting for. */
  readonly pending: PendingSteps
}

/** Options that every provider takes. */
export interface ProviderOptions {
  /**
   * What providers take from the world around them. For tests.
   *
   * @default the process's environment, the system's clock, and connections of the provider's own
   */
  readonly context?: Partial<ProviderContext> | undefined
}

/**
 * The world around a provider, with everything filled in that `options` leave out.
 *
 * @internal
 */
export function contextOf({ context }: ProviderOptions): ProviderContext {
  const environment = context?.environment ?? processEnvironment()
  return {
    environment,
    clock: correctable(context?.clock ?? { now: () => Date.now() }),
    random: context?.random ?? Math.random,
    transport: context?.transport ?? new SocketTransport(BRIEFLY_KEPT),
    serviceTransport: context?.serviceTransport ?? context?.transport ?? transportToAws(environment),
    deadlineMs: context?.deadlineMs ?? DEFAULT_DEADLINE_MS,
    pending: context?.pending ?? new PendingSteps(),
  }
}

/** Goes the way that the environment says; the code for it is loaded for the first connection. */
function transportToAws(environment: Environment): Transport {
  let search: RouteSearch | undefined
  return new SocketTransport({
    ...BRIEFLY_KEPT,
    route: async endpoint => {
      const { RouteSearch } = await import('../config/route-search.ts')
      search ??= new RouteSearch({ environment, hasOptions: false })
      return search.find(endpoint)
    },
  })
}

function correctable(clock: Clock & Partial<CorrectableClock>): Clock & Partial<CorrectableClock> {
  return clock.correct === undefined ? new CorrectedClock(clock) : clock
}
