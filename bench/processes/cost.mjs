/*
 * Lets a visitor view pages of an Express app with one store, in hours that take seconds, and tells what that
 * consumed. Started with a CostRun as JSON.
 */
import { moveClock } from './cost-clock.mjs'
import { counters, startCostApp } from './cost-app.mjs'
import { openCostStore } from './cost-stores.mjs'
import { pauseMs, viewsPerChange } from '../lib/cost-plan.mjs'
import { startCostProxy } from '../lib/cost-proxy.mjs'
import { itemSizeBytes } from '../../build/aws/dynamodb/item-size.js'

/** @typedef {import('../lib/measure-cost.mjs').CostRun} CostRun */
/** @typedef {import('../lib/measure-cost.mjs').CostCount} CostCount */
/** @typedef {{ userId?: number, counts: number[] }} Page */

const run = /** @type {CostRun} */ (/** @type {unknown} */ (JSON.parse(process.argv[2] ?? '')))
const { store: wanted, setting, workload, views } = run

const proxy = await startCostProxy(run.endpoint, itemSizeBytes)
/** @type {import('./cost-stores.mjs').OpenStore[]} */
const stores = []
/** @type {string[]} */
const apps = []
for (let index = 0; index < workload.requestsPerView; index++) {
  // A store for each: like processes of one app, they know nothing of one another.
  const opened = await openCostStore(wanted, proxy.url, run.table)
  stores.push(opened)
  apps.push(await startCostApp({ store: opened.store, setting, sessionBytes: workload.sessionBytes }))
}

let cookie = ''
if (workload.hasSession) await ask('POST', `${apps[0]}/login`)
// What a store does once when it starts is not counted.
for (const app of apps) await ask('GET', `${app}/page`)
await proxy.quiet()
proxy.reset()

let changes = 0
for (let view = 0; view < views; view++) {
  moveClock(pauseBefore(view))
  await viewPage(view)
  await proxy.quiet()
}
const consumption = proxy.consumption()
const lostChanges = workload.hasSession ? changes - (await changesKept()) : 0
await Promise.all(stores.map(async ({ close }) => close()))

/** @type {CostCount} */
const count = { ...consumption, views, changes, lostChanges }
process.send?.(count, () => process.exit())

/** @param {number} view */
async function viewPage(view) {
  const isChange = workload.hasSession && view % viewsPerChange === viewsPerChange - 1
  const pages = await Promise.all(
    apps.map(async (_, index) => {
      // Each app gets each part of the page in turn.
      const app = apps[(index + view) % apps.length]
      const change = isChange && index < workload.changesPerView ? `?change=${counters[index]}` : ''
      if (change !== '') changes++
      return ask('GET', `${app}/page${change}`)
    }),
  )
  // A store that has lost the session is cheap, and of no use.
  const hasSession = pages.every(({ userId }) => userId !== undefined)
  if (hasSession !== workload.hasSession) throw new Error(`the session was lost by page view ${view}`)
}

async function changesKept() {
  const { counts } = await ask('GET', `${apps[0]}/page`)
  return counts.reduce((sum, value) => sum + value, 0)
}

/**
 * @param {'GET' | 'POST'} method
 * @param {string} url
 * @returns {Promise<Page>}
 */
async function ask(method, url) {
  const response = await fetch(url, { method, headers: cookie === '' ? {} : { cookie } })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  const [setCookie = ''] = response.headers.getSetCookie()
  if (setCookie !== '') cookie = setCookie.split(';', 1)[0] ?? ''
  /** @type {unknown} */
  const page = await response.json()
  return /** @type {Page} */ (page)
}

/**
 * A pause that differs from view to view and is the same in every run.
 *
 * @param {number} view
 */
function pauseBefore(view) {
  const share = (view * 0.618_033_988_75) % 1
  return pauseMs.shortest + share * (pauseMs.longest - pauseMs.shortest)
}
