import type { AttemptTrace, OperationTrace, RetryReason } from '../../diagnostics.ts'
import { DeadlineExceededError, DynamoDBError } from '../../errors.ts'
import { isObject, isPromise } from '../../internal/core-objects.ts'
import type { Deadline, PendingSteps } from '../../internal/deadline.ts'
import { attemptTraces, type Draft, operationTraces } from '../../internal/diagnostics.ts'
import { withTimeout } from '../../internal/timers.ts'
import type { Credentials } from '../../types.ts'
import type { FailedAttempt, SuccessfulAttempt } from '../http/retry.ts'
import type { TransportResponse } from '../http/transport.ts'
import type { DynamoDBSettings } from './client-options.ts'
import type { HedgeOutcome } from './hedged-reads.ts'
import type { AskedOperation, RequestTemplate } from './operation-request.ts'
import {
  actionsOf,
  type Input,
  ITEM_OPERATIONS,
  type Operation,
  type Output,
  type TableInput,
} from './operations.ts'
import type { CallRoute, Region, Regions } from './regions.ts'
import type { WireError } from './wire-error.ts'

/** One call, from its beginning to its end. */
export interface Call<Name extends Operation = Operation> extends AskedOperation<Name> {
  readonly deadline: Deadline
  /** The Region that the call is for, if its caller names one. */
  readonly region: string | undefined
  /** How long an attempt may take while the process is not too busy to look, where that is up to no {@link route}. */
  readonly limitMs: number | undefined
  /** Its way through the Regions, if it may go to several. */
  route: CallRoute | undefined
  /** How wrong the clock was thought to be when the input was made: it is signed by the same clock. */
  clockOffsetMs: number
  /** Each is put right once for a call. */
  mayCorrectClock: boolean
  mayReplaceCredentials: boolean
  /** What became of the hedge of the latest attempt; `undefined` where it had none. */
  hedge: HedgeOutcome | undefined
}

/** What an attempt came to. */
export type Outcome<Name extends Operation = Operation> = SuccessfulAttempt<Success<Name>> | FailedAttempt

/** What a client has found out before its first request. */
export interface Prepared {
  readonly settings: DynamoDBSettings
  readonly regions: Regions
}

/** An attempt under way. */
export interface Attempt {
  readonly region: Region
  /** Instant of `performance.now()`. */
  readonly sentAtMs: number
  /** The instant until which it has time, unless the process is too busy to look at responses. */
  readonly limitAtMs: number
}

/** An attempt with a response that is an error. */
export interface RefusedAttempt extends Attempt {
  readonly read: WireError
  readonly response: TransportResponse
  readonly template: RequestTemplate
  readonly credentials: Credentials
  readonly number: number
}

/**
 * What is searched for the sake of a call, for as long as that has time.
 *
 * @param pending what the search is waiting for, so that the error can tell.
 */
export async function foundInTime<T>(
  found: T | Promise<T>,
  { operation, deadline, signal }: Call,
  what: 'settings' | 'credentials',
  pending: PendingSteps | undefined,
): Promise<T> {
  if (!isPromise(found)) return found
  return withTimeout(found, deadline.remainingMs, signal, () => {
    const waitingFor = pending?.describe() ?? ''
    return new DeadlineExceededError(
      `${operation} did not succeed within ${Math.round(deadline.limitMs)} ms: the AWS ${what} were not found in time` +
        (waitingFor === '' ? '' : `; it was waiting for ${waitingFor}`),
    )
  })
}

/** What a successful attempt came to. */
export interface Success<Name extends Operation> {
  readonly output: Output<Name>
  /** As it may be shown. */
  readonly requestId: string | undefined
}

/** Reports one call and its attempts to the channels `dynamodb-sessions:operation` and `dynamodb-sessions:attempt`. */
export class CallTrace {
  /** What to send: the input of the call, which asks for the consumed capacity when a diagnostics channel has a subscriber. */
  readonly input: object
  readonly #trace: Draft<OperationTrace>
  #retryReason: RetryReason | undefined
  #endedAtMs: number | undefined

  constructor(operation: Operation, input: Input<Operation>) {
    const asksForCapacity = operationTraces.channels.hasSubscribers && ITEM_OPERATIONS.has(operation)
    this.input = asksForCapacity ? { ...input, ReturnConsumedCapacity: 'TOTAL' } : input
    this.#trace = { operation, table: tableOf(input), attempts: 0 }
  }

  /** Carries the call out. */
  call<Value extends object>(work: () => Promise<Value>): Promise<Value> {
    const trace = this.#trace
    return operationTraces.observe(trace, work, {
      conclude: result => {
        if (!('value' in result)) return
        const consumed = consumedCapacityOf(result.value)
        if (consumed !== undefined) trace.consumedCapacity = consumed
      },
    })
  }

  /**
   * Makes one attempt.
   *
   * @param region where it goes.
   * @param call tells what an attempt has put right, where that is why there is another one, and of its hedge.
   */
  async attempt<Made extends Outcome>(
    attempt: number,
    region: string,
    call: { readonly mayReplaceCredentials: boolean; readonly hedge: HedgeOutcome | undefined },
    work: () => Promise<Made>,
  ): Promise<Made> {
    const { operation, table } = this.#trace
    this.#trace.attempts = attempt
    const backOffMs = this.#endedAtMs === undefined ? 0 : performance.now() - this.#endedAtMs
    this.#trace.region = region
    const trace: Draft<AttemptTrace> = { operation, table, attempt, region, backOffMs }
    if (this.#retryReason !== undefined) trace.retryReason = this.#retryReason
    const couldReplace = call.mayReplaceCredentials
    return attemptTraces.observe(trace, work, {
      failureOf: made => ('value' in made ? undefined : { error: made.error }),
      conclude: result => {
        this.#endedAtMs = performance.now()
        if (call.hedge !== undefined) trace.hedge = call.hedge
        // An attempt that throws instead of returning its failure is the last one.
        if (!('value' in result)) return
        const { value: made } = result
        if (!('value' in made)) {
          const replaced = couldReplace && !call.mayReplaceCredentials
          this.#retryReason = made.kind === 'corrected' ? (replaced ? 'credentials' : 'clock') : made.kind
        }
        const requestId = requestIdOf(made)
        if (requestId === undefined) return
        trace.requestId = requestId
        this.#trace.requestId = requestId
      },
    })
  }
}

function requestIdOf(made: Outcome): string | undefined {
  if ('value' in made) return made.value.requestId
  return made.error instanceof DynamoDBError ? made.error.requestId : undefined
}

function tableOf(input: Input<Operation>): string {
  const [action]: readonly Partial<TableInput>[] = actionsOf(input)
  return action?.TableName ?? ''
}

/** Capacity units in the output of an operation; a transaction tells them for each table. */
function consumedCapacityOf(output: object): number | undefined {
  if (!('ConsumedCapacity' in output)) return undefined
  const all: readonly unknown[] = [output.ConsumedCapacity].flat()
  let units: number | undefined
  for (const consumed of all) {
    if (!isObject(consumed) || !('CapacityUnits' in consumed)) continue
    if (typeof consumed.CapacityUnits === 'number') units = (units ?? 0) + consumed.CapacityUnits
  }
  return units
}
