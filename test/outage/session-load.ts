/*
 * A process that uses sessions all the time: it is bundled and run by name-server-outage.test.ts, which sends it questions and
 * gets answers. Host names are looked up at the name server of the test.
 */
import { subscribe } from 'node:diagnostics_channel'
import { setTimeout as pause } from 'node:timers/promises'

import type { ResolutionTrace } from '../../src/diagnostics.ts'
import { SessionStore, type SessionStoreOptions } from '../../src/index.ts'
import { useNameServer } from './use-name-server.ts'

/** What the process is asked for. */
export interface Question {
  /** `start` the load; `report` what has happened; `stop` it and report; `try` one request. */
  readonly call: 'start' | 'report' | 'stop' | 'try'
}

/** What has happened so far. */
export interface Report {
  /** Completed rounds of reading a session and saving it. */
  readonly rounds: number
  /** What callers have seen. */
  readonly errors: readonly string[]
  /** The last value of each session that was acknowledged. */
  readonly acknowledged: Readonly<Record<string, number>>
  /** Events of the channel `resolution`. */
  readonly events: readonly string[]
}

const { nameServer, sessionIds, store: storeOptions } = JSON.parse(process.argv[2] ?? '') as LoadOptions

/** What the program is started with. */
export interface LoadOptions {
  readonly nameServer: string
  readonly sessionIds: readonly string[]
  readonly store: SessionStoreOptions
}

useNameServer(nameServer)

const store = new SessionStore(storeOptions)
const errors: string[] = []
const events: string[] = []
const acknowledged: Record<string, number> = {}
let rounds = 0
const stopped = new AbortController()
let load: Promise<unknown> | undefined

subscribe('tracing:dynamodb-sessions:resolution:start', message => {
  events.push(`start ${(message as ResolutionTrace).reason}`)
})
subscribe('tracing:dynamodb-sessions:resolution:asyncEnd', message => {
  events.push(`end ${(message as ResolutionTrace).outcome}`)
})

process.on('message', ({ call }: Question) => {
  answer(call).then(
    report => process.send?.(report),
    (error: unknown) => process.send?.({ errors: [String(error)] }),
  )
})

async function answer(call: Question['call']): Promise<Report> {
  if (call === 'try') await store.read('nobody')
  if (call === 'start') load ??= Promise.all(sessionIds.map(use))
  if (call === 'stop') {
    stopped.abort()
    await load
  }
  return { rounds, errors, acknowledged, events }
}

/** Reads a session and saves it with a higher number, again and again. */
async function use(id: string): Promise<void> {
  while (!stopped.signal.aborted) {
    try {
      await round(id)
    } catch (error) {
      errors.push(`${id}: ${String(error)}`)
    }
    await pause(2)
  }
}

async function round(id: string): Promise<void> {
  const n = acknowledged[id]
  const record = await store.read(id)
  if (record?.data['n'] !== n)
    throw new Error(`read ${String(record?.data['n'])} after ${n} was acknowledged`)
  const next = (n ?? 0) + 1
  await store.write(id, { n: next }, { basis: record })
  acknowledged[id] = next
  rounds++
}
