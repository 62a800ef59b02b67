import { getEventListeners } from 'node:events'

import { DynamoDBError, DynamoDBSessionsError } from '../../src/errors.ts'
import type { SessionRecord } from '../../src/items/session-record.ts'
import type { SessionStore } from '../../src/store/session-store.ts'
import { type FaultRig } from '../support/fault-rig/fault-rig.ts'
import { SeededRandom } from '../support/fault-rig/random.ts'
import { counterOf, type Payload, payloadOf } from './payload.ts'
import { type Outcome, type PresentSession, SessionModel } from './session-model.ts'
import { settlesWithin } from './settles-within.ts'
import type { TaggedTransport } from './tagged-transport.ts'

/** What every {@link SessionUser} of a run shares. */
export interface Surroundings {
  readonly store: SessionStore<Payload>
  readonly transport: TaggedTransport
  readonly rig: FaultRig
  readonly seed: number
  readonly deadlineMs: number
}

/** How many calls there were, and how they ended. */
export interface CallCounts {
  acknowledged: number
  refused: number
  unknown: number
}

interface Basis {
  readonly record: SessionRecord<Payload>
  readonly state: PresentSession
}

interface Settled<Value> {
  readonly outcome: Outcome
  readonly value: Value | undefined
}

/** Codes of the errors that a faulty network may lead to; every other one is a bug. */
const EXPECTED_CODES: ReadonlySet<string> = new Set([
  'ATTEMPT_TIMEOUT',
  'CERTIFICATE_REJECTED',
  'CONNECTION_FAILED',
  'CONNECTION_LOST',
  'CONNECT_TIMEOUT',
  'DEADLINE_EXCEEDED',
  'INVALID_RESPONSE',
  // There are more sessions than connections, and those that are silent keep theirs for a whole attempt.
  'POOL_TIMEOUT',
  'QUEUE_FULL',
  'THROTTLED',
])

/** A timer may be this much late beyond the deadline before a call counts as hanging. */
const GRACE_MS = 500

/** The only user of one session: one call after the other, drawn by the seed, each checked against the model. */
export class SessionUser {
  readonly id: string
  readonly model: SessionModel = new SessionModel()
  readonly counts: CallCounts = { acknowledged: 0, refused: 0, unknown: 0 }
  readonly #surroundings: Surroundings
  readonly #random: SeededRandom
  readonly #startMs = Math.ceil(Date.now() / 1000) * 1000
  #call = 0
  #writes = 0
  #isPatient = false
  #basis: Basis | undefined

  constructor(id: string, surroundings: Surroundings) {
    this.id = id
    this.#surroundings = surroundings
    this.#random = new SeededRandom(surroundings.seed, 'user', id)
  }

  /** Gives no call up on purpose from now on. */
  becomePatient(): void {
    this.#isPatient = true
  }

  /** Makes the next call. */
  async step(): Promise<void> {
    const draw = this.#random.next()
    if (draw < 0.35) await this.read()
    else if (draw < 0.5) await this.#create()
    else if (draw < 0.75) await this.#save()
    else if (draw < 0.92) await this.#touch()
    else await this.#destroy()
  }

  /** Reads the session. @returns whether the read came to a result. */
  async read(): Promise<boolean> {
    const { outcome, value } = await this.#perform('read', async signal => {
      const record = await this.#surroundings.store.read(this.id, { signal })
      return { record }
    })
    if (outcome !== 'acknowledged' || value === undefined) return false
    const { record } = value
    if (record === undefined) {
      this.model.found('absent')
      return true
    }
    const counter = counterOf(this.id, record.data)
    if (counter === undefined) {
      this.model.violated('read found data that this session has never written')
      return true
    }
    const state = this.model.found({ counter, expiresMs: record.expiresMs })
    if (state !== undefined && state !== 'absent') this.#basis = { record, state }
    return true
  }

  async #create(): Promise<void> {
    const next = { ...this.#next(), incarnation: this.#writes }
    const { outcome, value } = await this.#perform('write', async signal =>
      this.#surroundings.store.write(this.id, payloadOf(this.id, next.counter), {
        expiresMs: next.expiresMs,
        signal,
      }),
    )
    this.model.created(next, outcome)
    if (value !== undefined) this.#basis = { record: value, state: next }
  }

  async #save(): Promise<void> {
    const basis = this.#basis
    if (basis === undefined) return
    const next = { ...this.#next(), incarnation: basis.state.incarnation }
    const { outcome, value } = await this.#perform('save', async signal =>
      this.#surroundings.store.write(this.id, payloadOf(this.id, next.counter), {
        basis: basis.record,
        expiresMs: next.expiresMs,
        signal,
      }),
    )
    this.model.saved(next, basis.state, outcome)
    if (value !== undefined) this.#basis = { record: value, state: next }
  }

  async #touch(): Promise<void> {
    const basis = this.#random.chance(0.5) ? this.#basis : undefined
    const { expiresMs } = this.#next()
    const { outcome } = await this.#perform('touch', async signal =>
      (await this.#surroundings.store.touch(basis?.record ?? this.id, { expiresMs, signal }))
        ? true
        : undefined,
    )
    this.model.touched(expiresMs, basis?.state, outcome)
  }

  async #destroy(): Promise<void> {
    const { outcome } = await this.#perform('destroy', async signal => {
      await this.#surroundings.store.destroy(this.id, { signal })
      return true
    })
    this.model.destroyed(outcome)
  }

  /** A number and an expiry that no other call of this session has. */
  #next(): Pick<PresentSession, 'counter' | 'expiresMs'> {
    const counter = ++this.#writes
    return { counter, expiresMs: this.#startMs + 3_600_000 + counter * 1000 }
  }

  /** Makes a call, sometimes with a signal that is aborted; `undefined` as its value means that it was refused. */
  async #perform<Value>(
    name: string,
    call: (signal: AbortSignal) => Promise<Value | undefined>,
  ): Promise<Settled<Value>> {
    const { transport, rig, deadlineMs } = this.#surroundings
    const number = ++this.#call
    const controller = new AbortController()
    const reason = new Error('the caller gave up')
    const abortAfterMs =
      !this.#isPatient && this.#random.chance(0.07) ? this.#random.between(0, 120) : undefined
    const timer =
      abortAfterMs === undefined
        ? undefined
        : setTimeout(() => {
            controller.abort(reason)
          }, abortAfterMs)
    transport.begin(this.id, number)
    const settled = call(controller.signal).then(
      (value): Settled<Value> => ({ outcome: value === undefined ? 'refused' : 'acknowledged', value }),
      (error: unknown): Settled<Value> => {
        if (error !== reason && !isExpected(error)) {
          this.model.violated(`${name} failed with ${String(error)}`)
        }
        return { outcome: 'unknown', value: undefined }
      },
    )
    if (!(await settlesWithin(settled, deadlineMs + GRACE_MS))) {
      this.model.violated(`${name} did not settle within its deadline`)
      return { outcome: 'unknown', value: undefined }
    }
    const result = await settled
    clearTimeout(timer)
    if (getEventListeners(controller.signal, 'abort').length > 0) {
      this.model.violated(`${name} left a listener on its signal`)
    }
    this.counts[result.outcome]++
    await rig.settled(this.id, number)
    return result
  }
}

/** Whether a faulty network may lead to an error. */
export function isExpected(error: unknown): boolean {
  if (error instanceof DynamoDBError && error.code === 'DYNAMODB_ERROR') return error.httpStatusCode >= 500
  return error instanceof DynamoDBSessionsError && EXPECTED_CODES.has(error.code)
}
