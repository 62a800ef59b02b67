/*
 * A process that uses sessions in a global table all the time: it is bundled and run by region-outage.test.ts, which sends it
 * questions and gets answers. Host names are looked up at the name server of the test.
 */
import { subscribe } from 'node:diagnostics_channel'
import { setTimeout as pause } from 'node:timers/promises'

import type { RegionTrace } from '../../src/diagnostics.ts'
import { type DynamoDBHealth, SessionStore, type SessionStoreOptions } from '../../src/index.ts'
import { useNameServer } from './use-name-server.ts'

/** What the process is asked for: `start` the load, `report` what has happened, `stop` it and report. */
export interface Question {
  readonly call: 'start' | 'report' | 'stop'
}

/** What has happened to one session. */
export interface SessionHistory {
  /** Keys whose writing was acknowledged. */
  readonly acknowledged: readonly string[]
  /** Of these, those that a later read did not show: they had not been replicated to the Region that was asked. */
  readonly unreplicated: readonly string[]
}

/** What has happened so far. */
export interface Report {
  readonly rounds: number
  readonly calls: number
  /** Calls that took longer than a second. */
  readonly slowCalls: number
  /** What callers have seen. */
  readonly errors: readonly string[]
  readonly sessions: Readonly<Record<string, SessionHistory>>
  /** Sessions that were destroyed. */
  readonly destroyed: readonly string[]
  /** Events of the channel `region`, with the milliseconds since the start. */
  readonly events: readonly string[]
  readonly health: DynamoDBHealth
}

/** What the program is started with. */
export interface LoadOptions {
  readonly nameServer: string
  readonly sessionIds: readonly string[]
  readonly store: SessionStoreOptions
}

const SLOW_MS = 1000
/** A key is overwritten after so many rounds: sessions stay small. */
const KEYS = 200

const { nameServer, sessionIds, store: storeOptions } = JSON.parse(process.argv[2] ?? '') as LoadOptions
useNameServer(nameServer)

const store = new SessionStore(storeOptions)
const errors: string[] = []
const events: string[] = []
const destroyed: string[] = []
const histories = new Map<string, { acknowledged: Set<string>; unreplicated: Set<string> }>()
const stopped = new AbortController()
let rounds = 0
let calls = 0
let slowCalls = 0
let load: Promise<unknown> | undefined

subscribe('tracing:dynamodb-sessions:region:start', message => {
  const { region, reason } = message as RegionTrace
  events.push(`left ${region}: ${reason} at ${Math.round(performance.now())} ms`)
})
subscribe('tracing:dynamodb-sessions:region:asyncEnd', message => {
  const { region, outcome } = message as RegionTrace
  if (outcome === 'recovered') events.push(`returned to ${region} at ${Math.round(performance.now())} ms`)
})

process.on('message', ({ call }: Question) => {
  answer(call).then(
    report => process.send?.(report),
    (error: unknown) => process.send?.({ errors: [String(error)] }),
  )
})

async function answer(call: Question['call']): Promise<Report> {
  if (call === 'start') load ??= Promise.all(sessionIds.map(use))
  if (call === 'stop') {
    stopped.abort()
    await load
  }
  const sessions = Object.fromEntries(
    [...histories].map(([id, { acknowledged, unreplicated }]) => [
      id,
      { acknowledged: [...acknowledged], unreplicated: [...unreplicated] },
    ]),
  )
  return { rounds, calls, slowCalls, errors, sessions, destroyed, events, health: store.health() }
}

/** Adds keys to a session, again and again, and now and then begins another one and ends it. */
async function use(id: string): Promise<void> {
  for (let number = 0; !stopped.signal.aborted; number++) {
    try {
      await round(id, `k${number}`)
      if (number % 10 === 0) await signInAndOut(`${id}-${number}`)
    } catch (error) {
      errors.push(`${id}: ${String(error)}`)
    }
    rounds++
    await pause(5)
  }
}

async function round(id: string, key: string): Promise<void> {
  const history = histories.get(id) ?? { acknowledged: new Set(), unreplicated: new Set() }
  histories.set(id, history)
  const record = await timed(() => store.read(id))
  for (const known of history.acknowledged) {
    if (record?.data[known] === undefined) history.unreplicated.add(known)
  }
  if (history.acknowledged.size >= KEYS) return
  const saved = await timed(() =>
    record === undefined
      ? store.write(id, { [key]: 1 })
      : store.write(id, { ...record.data, [key]: 1 }, { basis: record }),
  )
  if (saved !== undefined) history.acknowledged.add(key)
}

/** The late save is that of a request which had loaded the session before it was destroyed. */
async function signInAndOut(id: string): Promise<void> {
  const record = await timed(() => store.write(id, { user: 'ada' }))
  await timed(() => store.destroy(id))
  destroyed.push(id)
  await timed(() => store.write(id, { user: 'ada', late: true }, { basis: record }))
}

async function timed<Value>(call: () => Promise<Value>): Promise<Value> {
  const startedAtMs = performance.now()
  try {
    return await call()
  } finally {
    calls++
    if (performance.now() - startedAtMs > SLOW_MS) slowCalls++
  }
}
