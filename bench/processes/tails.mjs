/*
 * Reads a session over and over from a server whose latency is distributed as DynamoDB's is, and tells how long that took.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

import { SessionStore } from 'dynamodb-sessions'

import { credentials, region, sessionId, table } from '../lib/fixture.mjs'
import { finish, readJob } from './job.mjs'

/** Reads before those that count: connections are opened, and the store learns what is slow. */
const warmUpReads = 5000
const inFlight = 16

/** @type {import('../sections/tails.mjs').Axes & { reads: number, options: object }} */
const { reads, options } = readJob()
const requests = new Int32Array(new SharedArrayBuffer(4))
const server = new Worker(new URL('latency-server.mjs', import.meta.url), { workerData: requests })
const [port] = /** @type {[number]} */ (await once(server, 'message'))
const endpoint = `http://127.0.0.1:${port}`
const store = new SessionStore({ ...options, endpoint, table, region, credentials })

await readAll(warmUpReads)
const before = Atomics.load(requests, 0)
const latencies = (await readAll(reads)).sort((one, other) => one - other)
const sent = Atomics.load(requests, 0) - before
finish({
  p50: quantile(0.5),
  p99: quantile(0.99),
  p999: quantile(0.999),
  p9999: quantile(0.9999),
  extraPercent: Math.max(0, ((sent - reads) / reads) * 100),
})

/** @param {number} count */
async function readAll(count) {
  /** @type {number[]} */
  const taken = []
  let left = count
  const lane = async () => {
    while (left-- > 0) {
      const startedMs = performance.now()
      const session = await store.read(sessionId)
      taken.push(performance.now() - startedMs)
      if (session === undefined) throw new Error('the session is not there')
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return taken
}

/** @param {number} share */
function quantile(share) {
  return latencies[Math.ceil(share * latencies.length) - 1] ?? 0
}
