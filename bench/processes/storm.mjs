/*
 * Lets many writers save one session at once, each with a change of its own, and tells what that took and what is left.
 */
import { load } from '../contenders/express-store.mjs'
import { openStore } from '../contenders/open-store.mjs'
import { sessionData, sessionId } from '../lib/fixture.mjs'
import { startCountingProxy } from './counting-proxy.mjs'
import { finish, readJob } from './job.mjs'

/** @typedef {import('express-session').SessionData & Record<string, unknown>} Session */

/**
 * @type {import('../sections/storm.mjs').Axes & {
 *   endpoint: string,
 *   table: string,
 *   store: import('../sections/cost.mjs').CostStore,
 * }}
 */
const { endpoint, table, store: wanted, writers, stores: storeCount } = readJob()
const proxy = await startCountingProxy(endpoint)
const options = { ...wanted.options, endpoint: proxy.url, table }
const stores = await Promise.all(
  Array.from({ length: storeCount }, async () => openStore(wanted.package, options)),
)

const data = /** @type {Session} */ (/** @type {unknown} */ (sessionData(512)))
await save(0, data)
/** @type {Session[]} */
const loaded = []
for (let writer = 0; writer < writers; writer++) {
  const session = /** @type {Session} */ (await load(storeOf(writer)))
  session[`writer${writer}`] = writer
  loaded.push(session)
}
await proxy.quiet()
proxy.reset()

const startedMs = performance.now()
const results = await Promise.allSettled(loaded.map(async (session, writer) => save(writer, session)))
const milliseconds = performance.now() - startedMs
await proxy.quiet()
const { requests, writeUnits } = proxy.consumption()

const saved = /** @type {Session} */ (await load(storeOf(0)))
const lost = loaded.filter((_, writer) => saved[`writer${writer}`] !== writer).length
finish({
  requestsPerSave: requests / (writers - lost),
  lost,
  errors: results.filter(({ status }) => status === 'rejected').length,
  writeUnitsPerWriter: writeUnits / writers,
  milliseconds,
})

/** @param {number} writer */
function storeOf(writer) {
  const open = stores[writer % storeCount]
  if (open === undefined) throw new RangeError('there is no store')
  return open.store
}

/**
 * @param {number} writer
 * @param {Session} session
 * @returns {Promise<void>}
 */
async function save(writer, session) {
  return new Promise((resolve, reject) => {
    storeOf(writer).set(sessionId, session, error => {
      if (error) reject(error instanceof Error ? error : new Error('the save failed'))
      else resolve()
    })
  })
}
