import { runChild } from './child.mjs'
import { installedVersion } from './contenders.mjs'
import { startCostEngine } from './cost-engine.mjs'
import { costSettings, costStores, costWorkloads, describeSetting } from './cost-plan.mjs'
import { dollarsPerMillionViews } from './cost-results.mjs'

/**
 * @typedef {object} CostRun What one process measures.
 * @property {string} endpoint
 * @property {string} table
 * @property {import('./cost-plan.mjs').CostStore} store
 * @property {import('./cost-plan.mjs').CostSetting} setting
 * @property {import('./cost-plan.mjs').CostWorkload} workload
 * @property {number} views
 */
/** @typedef {import('./cost-proxy.mjs').Consumption & { views: number, changes: number, lostChanges: number }} CostCount */
/**
 * @typedef {{
 *   workload: string,
 *   store: string,
 *   setting: import('./cost-plan.mjs').CostSetting,
 *   count: CostCount,
 * }} MeasuredCost
 */

/** Runs side by side; they count, so that they do not disturb one another. */
const lanes = 3

/**
 * Measures what page views consume with every store, setting and workload.
 *
 * @param {import('./stub-server.mjs').StubServer} server
 * @param {number} views
 * @returns {Promise<MeasuredCost[]>}
 */
export async function measureCost(server, views) {
  console.log(`\ncost (${views} page views each)`)
  const engine = await startCostEngine()
  try {
    const planned = costWorkloads.flatMap(workload =>
      costSettings.flatMap(setting => costStores.map(store => ({ workload, setting, store }))),
    )
    /** @type {MeasuredCost[]} */
    const measured = []
    const queue = planned.entries()
    const lane = async () => {
      for (const [index, { workload, setting, store }] of queue) {
        const table = `cost-${index}`
        await engine.createTable(table, store.partitionKey)
        /** @type {CostRun} */
        const run = { endpoint: engine.endpoint, table, store, setting, workload, views }
        const args = [JSON.stringify(run)]
        const count = /** @type {CostCount} */ (
          await runChild({ script: 'cost.mjs', args, caFile: server.caFile })
        )
        measured[index] = { workload: workload.name, store: store.name, setting, count }
        print(measured[index])
      }
    }
    await Promise.all(Array.from({ length: lanes }, lane))
    return measured
  } finally {
    await engine.stop()
  }
}

/** @param {MeasuredCost} cost */
function print({ workload, store, setting, count }) {
  console.log(
    `  ${workload.padEnd(9)} ${store.padEnd(21)} ${describeSetting(setting).padEnd(24)} ` +
      `${String(count.requests).padStart(5)} requests ${String(count.readUnits).padStart(6)} RRU ` +
      `${String(count.writeUnits).padStart(5)} WRU $${dollarsPerMillionViews(count).toFixed(2)} ` +
      `${count.lostChanges} of ${count.changes} changes lost`,
  )
}

/**
 * The facts of a run, with the engine and the packages of this section.
 *
 * @param {import('./machine.mjs').RunFacts} facts
 */
export async function costFacts(facts) {
  const versions = { ...facts.versions }
  for (const name of ['connect-dynamodb', 'dynamodb-store', 'aws-sdk', 'express']) {
    versions[name] = await installedVersion(name)
  }
  return { ...facts, server: 'DynamoDB Local', versions }
}
