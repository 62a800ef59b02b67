/*
 * Lets a visitor view pages of an Express app with one store, in hours that take seconds, and tells what that
 * consumed.
 */
import { moveClock } from './clock.mjs'
import { openStore } from '../contenders/open-store.mjs'
import { startCountingProxy } from './counting-proxy.mjs'
import { finish, readJob } from './job.mjs'
import { counters, startSessionApp } from './session-app.mjs'

/** @typedef {{ userId?: number, counts: number[] }} Page */

/** Every tenth page view changes the session. */
const viewsPerChange = 10
/** Shortest and longest time between two page views; they average half a minute. */
const pauseMs = { shortest: 5000, longest: 55_000 }
/** How long an app works on a request: long enough for parallel requests to overlap. */
const workMs = 5

/**
 * @type {{
 *   endpoint: string,
 *   table: string,
 *   store: import('../sections/cost.mjs').CostStore,
 *   setting: { resave: boolean, rolling: boolean },
 *   workload: import('../sections/cost.mjs').Workload,
 *   views: number,
 * }}
 */
const { endpoint, table, store: wanted, setting, workload, views } = readJob()

const proxy = await startCountingProxy(endpoint)
/** @type {import('../contenders/open-store.mjs').OpenStore[]} */
const stores = []
/** @type {string[]} */
const apps = []
for (let index = 0; index < workload.requestsPerView; index++) {
  // A store for each: like processes of one app, they know nothing of one another.
  const opened = await openStore(wanted.package, { ...wanted.options, endpoint: proxy.url, table })
  stores.push(opened)
  const { sessionBytes } = workload
  apps.push(await startSessionApp({ store: opened.store, setting, sessionBytes, workMs }))
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

const { itemBytes, ...summed } = consumption
const perThousand = Object.entries(summed).map(([name, count]) => [name, (count * 1000) / views])
finish({
  ...Object.fromEntries(perThousand),
  lostPercent: changes === 0 ? 0 : (100 * lostChanges) / changes,
  itemBytes,
})

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
