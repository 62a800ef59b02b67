/*
 * Reads and writes sessions while a Region fails and comes back, and tells what callers have seen of it. A call counts in
 * the phase in which it began.
 */
import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { SessionStore } from 'dynamodb-sessions'

import { useNameServer } from '../../test/outage/use-name-server.ts'
import { credentials, nativeKey, region, sessionId, storedItem, table } from '../lib/fixture.mjs'
import { finish, readJob } from './job.mjs'

/** @typedef {'Before' | 'Unresolved' | 'Refused' | 'Slow' | 'Well'} Phase */
/** @typedef {{ nameServer: string, ca: string, endpoint: string, otherEndpoint: string }} Place */

const inFlight = 8
const pauseMs = 5
const warmUpMs = 1000
/** The store may return after as long, and up to twice that. */
const returnAfterSeconds = 1
/** Nobody takes longer to notice that all is well. */
const longestReturnMs = 20_000

/** @type {{ engine: string, phaseMs: number, contender: 'failover' | 'alone' | 'sdk' }} */
const { engine, phaseMs, contender } = readJob()
const regions = new Worker(new URL('outage-regions.mjs', import.meta.url), {
  workerData: { engine, phaseMs },
})
const [place] = /** @type {[Place]} */ (await once(regions, 'message'))
useNameServer(place.nameServer)

/** @type {Map<Phase, { sinceMs: number, calls: number, errors: number, slowestMs: number }>} */
const phases = new Map()
/** @type {{ phase: Phase, isOver: boolean }} */
const state = { phase: 'Before', isOver: false }
enter(state.phase)
regions.on('message', enter)
/** When calls left the first Region, and when they returned. @type {{ left?: number, returned?: number }} */
const moves = {}
subscribe('tracing:dynamodb-sessions:region:start', () => {
  moves.left ??= performance.now()
})
subscribe('tracing:dynamodb-sessions:region:asyncEnd', () => {
  moves.returned = performance.now()
})

const use = contender === 'sdk' ? sdkUse(place) : storeUse(place)
let lastResponseMs = performance.now()
let longestGapMs = 0
const load = Promise.all(Array.from({ length: inFlight }, lane))
await pause(warmUpMs)
if (of('Before').errors > 0 || of('Before').calls === 0) throw new Error('calls fail before the outage')
regions.postMessage('begin', [])
while (state.phase !== 'Well') await pause(50)
const untilMs = performance.now() + longestReturnMs
while (performance.now() < untilMs && !hasRecovered()) await pause(50)
state.isOver = true
await load
await regions.terminate()

const counted = /** @type {const} */ (['Unresolved', 'Refused', 'Slow', 'Well'])
finish({
  errors: counted.reduce((sum, name) => sum + of(name).errors, 0),
  slowestMs: Math.max(...counted.map(name => of(name).slowestMs)),
  longestGapMs,
  ...Object.fromEntries(counted.map(name => [`errors${name}`, of(name).errors])),
  // Where everyone waited for calls of an earlier phase, there are none.
  ...Object.fromEntries(
    counted.flatMap(name => (of(name).calls > 0 ? [[`slowest${name}`, of(name).slowestMs]] : [])),
  ),
  ...(contender === 'failover' && {
    leftMs: (moves.left ?? NaN) - of('Refused').sinceMs,
    returnedMs: (moves.returned ?? NaN) - of('Well').sinceMs,
  }),
  calls: counted.reduce((sum, name) => sum + of(name).calls, 0),
})

/** @param {Phase} next */
function enter(next) {
  state.phase = next
  phases.set(next, { sinceMs: performance.now(), calls: 0, errors: 0, slowestMs: 0 })
}

/** @param {Phase} name */
function of(name) {
  const found = phases.get(name)
  if (found === undefined) throw new Error(`the outage had no phase "${name}"`)
  return found
}

/** Whether calls use the first Region again; who has no other has nowhere to return from, and gets a phase like the others. */
function hasRecovered() {
  return contender === 'failover'
    ? moves.returned !== undefined
    : performance.now() - of('Well').sinceMs > phaseMs
}

async function lane() {
  while (!state.isOver) {
    const own = of(state.phase)
    const startedMs = performance.now()
    try {
      await use()
      const nowMs = performance.now()
      longestGapMs = Math.max(longestGapMs, nowMs - lastResponseMs)
      lastResponseMs = nowMs
    } catch {
      own.errors++
    }
    own.calls++
    own.slowestMs = Math.max(own.slowestMs, performance.now() - startedMs)
    await pause(pauseMs)
  }
}

/** A session is read and written, which is one call here. @param {Place} place */
function storeUse({ endpoint, otherEndpoint, ca }) {
  const failover = { regions: [{ region: 'us-west-2', endpoint: otherEndpoint }], returnAfterSeconds }
  const store = new SessionStore({
    table,
    region,
    credentials,
    endpoint,
    ca,
    proxy: false,
    ...(contender === 'failover' && { failover }),
  })
  return async () => {
    const record = await store.read(sessionId)
    if (record === undefined) throw new Error('the session is not there')
    await store.write(sessionId, { ...record.data, visits: 1 }, { basis: record })
  }
}

/** @param {Place} place */
function sdkUse({ endpoint, ca }) {
  const agent = { ca, keepAlive: true, maxSockets: 50 }
  const client = new DynamoDBClient({ endpoint, region, credentials, requestHandler: { httpsAgent: agent } })
  const Item = storedItem('native', 512)
  return async () => {
    const { Item: found } = await client.send(
      new GetItemCommand({ TableName: table, Key: { id: { S: nativeKey } }, ConsistentRead: true }),
    )
    if (found === undefined) throw new Error('the session is not there')
    await client.send(new PutItemCommand({ TableName: table, Item }))
  }
}
