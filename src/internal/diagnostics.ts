import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'

import {
  type AttemptTrace,
  channelNames,
  type ConflictTrace,
  type CredentialsTrace,
  type LockTrace,
  type MoveTrace,
  type OperationTrace,
  type RegionTrace,
  type ResolutionTrace,
  type Trace,
  type TracedError,
} from '../diagnostics.ts'
import { DynamoDBError, DynamoDBSessionsError } from '../errors.ts'
import { isError } from './core-objects.ts'

/** A trace while it is being made. */
export type Draft<Reported extends Trace> = { -readonly [Name in keyof Reported]: Reported[Name] }

/** Names of errors that say what happened without saying anything else. */
const TELLING_NAMES: ReadonlySet<string> = new Set(['AbortError', 'TimeoutError', 'TypeError'])

/**
 * A tracing channel of `node:diagnostics_channel` for work that is asynchronous.
 *
 * It publishes what `TracingChannel.tracePromise` does, in the same order, but never a result: that would be session data
 * or credentials (G9). Nothing is to be created for a message before `channels.hasSubscribers` has said that somebody wants it.
 */
export class TraceChannel<Reported extends Trace> {
  readonly channels: TracingChannel<unknown, Reported>

  constructor(name: string) {
    this.channels = tracingChannel(name)
  }

  /**
   * Does work, in the context of the stores that are bound to `start`, and publishes its events.
   *
   * @param failureOf tells a failure from a result, where the work returns failures.
   * @param conclude completes the trace before its end is published, and gets the failure if there is one.
   */
  observe<Value>(
    trace: Draft<Reported>,
    work: () => Promise<Value>,
    {
      failureOf,
      conclude,
    }: {
      readonly failureOf?: (value: Value) => { readonly error: unknown } | undefined
      readonly conclude?: (result: { readonly value: Value } | { readonly error: unknown }) => void
    } = {},
  ): Promise<Value> {
    const startedAtMs = performance.now()
    const settle = (result: { readonly value: Value } | { readonly error: unknown }): void => {
      trace.durationMs = performance.now() - startedAtMs
      conclude?.(result)
      this.#settle(trace, 'value' in result ? failureOf?.(result.value) : result)
    }
    return this.channels.start.runStores(trace, () => {
      const settled = work().then(
        value => {
          settle({ value })
          return value
        },
        (error: unknown) => {
          settle({ error })
          throw error
        },
      )
      this.channels.end.publish(trace)
      return settled
    })
  }

  /** Publishes the events of something that has just happened, all at once. */
  tellAtOnce(trace: Draft<Reported>, failure?: { readonly error: unknown }): void {
    this.channels.start.runStores(trace, () => {
      this.channels.end.publish(trace)
      trace.durationMs = 0
      this.#settle(trace, failure)
    })
  }

  /** The same as {@link tellAtOnce}, of a failure. */
  failAtOnce(trace: Draft<Reported>, error: unknown): void {
    this.tellAtOnce(trace, { error })
  }

  #settle(trace: Draft<Reported>, failure: { readonly error: unknown } | undefined): void {
    if (failure !== undefined) {
      trace.error = tracedError(failure.error)
      this.channels.error.publish(trace)
    }
    this.channels.asyncStart.publish(trace)
    this.channels.asyncEnd.publish(trace)
  }
}

/** Traces of {@link OperationTrace}. */
export const operationTraces: TraceChannel<OperationTrace> = new TraceChannel(channelNames.operation)

/** Traces of {@link AttemptTrace}. */
export const attemptTraces: TraceChannel<AttemptTrace> = new TraceChannel(channelNames.attempt)

/** Traces of {@link CredentialsTrace}. */
export const credentialsTraces: TraceChannel<CredentialsTrace> = new TraceChannel(channelNames.credentials)

/** Traces of {@link LockTrace}. */
export const lockTraces: TraceChannel<LockTrace> = new TraceChannel(channelNames.lock)

/** Traces of {@link ConflictTrace}. */
export const conflictTraces: TraceChannel<ConflictTrace> = new TraceChannel(channelNames.conflict)

/** Traces of {@link MoveTrace}. */
export const moveTraces: TraceChannel<MoveTrace> = new TraceChannel(channelNames.move)

/** Traces of {@link ResolutionTrace}. */
export const resolutionTraces: TraceChannel<ResolutionTrace> = new TraceChannel(channelNames.resolution)

/** Traces of {@link RegionTrace}. */
export const regionTraces: TraceChannel<RegionTrace> = new TraceChannel(channelNames.region)

function tracedError(error: unknown): TracedError {
  if (error instanceof DynamoDBSessionsError) {
    const awsCode = error instanceof DynamoDBError ? error.awsCode : undefined
    return { name: error.name, code: error.code, awsCode, message: error.message }
  }
  const name = isError(error) && TELLING_NAMES.has(error.name) ? error.name : 'Error'
  return { name, code: undefined, awsCode: undefined, message: 'the message is withheld' }
}
