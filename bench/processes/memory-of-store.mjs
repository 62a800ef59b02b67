/*
 * What a contender keeps for each store or client that is open and has read a session, its connection included, and what an
 * operation allocates. The young generation is so large (see the options of this process) that no garbage is collected
 * while that is counted.
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { finish, readLoadJob } from './job.mjs'

/** @typedef {import('../types.d.ts').Target} Target */

const stores = 100
const warmUpOperations = 1000
/** So many bytes of sessions while allocations are counted: more would have to be collected meanwhile. */
const countedBytes = 1 << 19

setFlagsFromString('--expose-gc')
/** @type {unknown} */
const exposed = runInNewContext('gc')
const collectGarbage = /** @type {() => void} */ (exposed)

/** @type {import('../types.d.ts').Job} */
const job = readLoadJob()
/** @type {unknown} */
const loaded = await import(`../contenders/${job.contender.module}.mjs`)
const { open } = /** @type {import('../types.d.ts').ContenderModule} */ (loaded)
const countedOperations = Math.max(5, Math.min(1000, Math.round(countedBytes / job.itemBytes)))
const target = await open(job)
await run(target, warmUpOperations)

let collections = 0
const observer = new PerformanceObserver(list => {
  collections += list.getEntries().length
})
const before = await liveMemory()
observer.observe({ entryTypes: ['gc'] })
await run(target, countedOperations)
const allocated = memory().heap - before.heap
await delay(50)
observer.disconnect()

const one = await liveMemory()
const targets = [target]
for (let index = 0; index < stores; index++) targets.push(await open(job))
const all = await liveMemory()
await Promise.all(targets.map(async each => run(each, 1)))

finish({
  heapKilobytesPerStore: (all.heap - one.heap) / stores / 1024,
  rssKilobytesPerStore: (all.rss - one.rss) / stores / 1024,
  // Nothing when garbage was collected after all.
  ...(collections === 0 && { allocatedKilobytesPerOperation: allocated / countedOperations / 1024 }),
})

/** After a collection, and after what it frees in the background is free. */
async function liveMemory() {
  collectGarbage()
  await delay(100)
  collectGarbage()
  await delay(100)
  return memory()
}

function memory() {
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed + external, rss }
}

/**
 * Operations one after another.
 *
 * @param {Target} of
 * @param {number} count
 */
async function run(of, count) {
  for (let left = count; left > 0; left--) {
    await new Promise((resolve, reject) => {
      of.start(error => (error ? reject(error) : resolve(undefined)), 0)
    })
  }
}
