/*
 * An Express app with a store, under load by autocannon in a process of its own.
 */
import { createHmac } from 'node:crypto'

import { x } from 'tinyexec'

import { openStore } from '../contenders/open-store.mjs'
import { sessionData, sessionId } from '../lib/fixture.mjs'
import { benchFolder } from '../lib/folders.mjs'
import { finish, readJob } from './job.mjs'
import { secret, startSessionApp } from './session-app.mjs'

/** @typedef {{ requests: { average: number }, latency: { p50: number, p99: number }, '2xx': number, errors: number }} Result */

/** @type {{ store: string, endpoint: string, connections: number, requests: number }} */
const { store: name, endpoint, connections, requests } = readJob()
const { store } = await openStore(name, { endpoint })
const setting = { resave: false, rolling: false }
const app = await startSessionApp({ store, setting, sessionBytes: 512, workMs: 0 })

// The cookie of the one session that the stub server knows, and that the store in memory gets.
const signature = createHmac('sha256', secret).update(sessionId).digest('base64').replace(/=+$/, '')
const cookie = `connect.sid=${encodeURIComponent(`s:${sessionId}.${signature}`)}`
if (name === 'express-session') {
  store.set(
    sessionId,
    /** @type {import('express-session').SessionData} */ (/** @type {unknown} */ (sessionData(512))),
  )
}
const page = await fetch(`${app}/page`, { headers: { cookie } })
const { userId } = /** @type {{ userId?: number }} */ (await page.json())
if (userId === undefined) throw new Error('the app has no session')

await load(requests)
const cpuBefore = process.cpuUsage()
const result = await load(requests)
const { user, system } = process.cpuUsage(cpuBefore)
finish({
  cpuMicros: (user + system) / requests,
  requestsPerSecond: result.requests.average,
  p50Ms: result.latency.p50,
  p99Ms: result.latency.p99,
})

/** @param {number} amount @returns {Promise<Result>} */
async function load(amount) {
  const args = [
    '--json',
    '-c',
    String(connections),
    '-a',
    String(amount),
    // On a busy machine a store that is slow has the last page wait for long.
    '-t',
    '120',
    '-H',
    `cookie=${cookie}`,
    `${app}/page`,
  ]
  const { stdout } = await x('autocannon', args, { throwOnError: true, nodeOptions: { cwd: benchFolder } })
  const measured = /** @type {Result} */ (/** @type {unknown} */ (JSON.parse(stdout)))
  if (measured['2xx'] !== amount || measured.errors > 0) {
    throw new Error(`${measured['2xx']} of ${amount} pages came, and there were ${measured.errors} errors`)
  }
  return measured
}
