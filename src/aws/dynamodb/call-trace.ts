import { DynamoDBError } from '../../errors.ts'
import type { FailedAttempt, SuccessfulAttempt } from '../http/retry.ts'
import type { AttemptTrace, OperationTrace, RetryReason } from '../../diagnostics.ts'
import { attemptTraces, type Draft, operationTraces } from '../../internal/diagnostics.ts'
import type { HedgeOutcome } from './hedged-read.ts'
import {
  actionsOf,
  type Input,
  ITEM_OPERATIONS,
  type Operation,
  type Output,
  type TableInput,
} from './operations.ts'

/** What a successful attempt came to. */
export interface Success<Name extends Operation> {
  readonly output: Output<Name>
  /** As it may be shown. */
  readonly requestId: string | undefined
}

type Outcome = SuccessfulAttempt<Success<Operation>> | FailedAttempt

/** Reports one call and its attempts to the channels `dynamodb-sessions:operation` and `dynamodb-sessions:attempt`. */
export class CallTrace {
  /** What to send: the input of the call, which asks for the consumed capacity when somebody wants to know. */
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
    if (typeof consumed !== 'object' || consumed === null || !('CapacityUnits' in consumed)) continue
    if (typeof consumed.CapacityUnits === 'number') units = (units ?? 0) + consumed.CapacityUnits
  }
  return units
}
