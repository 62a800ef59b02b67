import type { Environment } from '../config/environment.ts'
import { SocketTransport } from '../http/socket-transport.ts'
import type { Transport } from '../http/transport.ts'
import { PendingSteps } from '../internal/pending-steps.ts'
import type { Clock, Random } from '../types.ts'
import { processEnvironment } from '../internal/process-environment.ts'

const DEFAULT_DEADLINE_MS = 7000

/**
 * What credential providers take from the world around them, so that tests can stand in for it.
 *
 * @internal
 */
export interface ProviderContext {
  readonly environment: Environment
  readonly clock: Clock
  readonly random: Random
  readonly transport: Transport
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
  return {
    environment: context?.environment ?? processEnvironment(),
    clock: context?.clock ?? { now: () => Date.now() },
    random: context?.random ?? Math.random,
    // Kept alive just long enough for the few requests that one refresh makes.
    transport: context?.transport ?? new SocketTransport({ maxSockets: 4, idleTimeoutMs: 2000 }),
    deadlineMs: context?.deadlineMs ?? DEFAULT_DEADLINE_MS,
    pending: context?.pending ?? new PendingSteps(),
  }
}
