/*
 * Lists sessions or collects garbage, and tells how fast that is. A pass goes through the whole table of the stub server,
 * and there are as many passes as it takes.
 */
import { credentials, pagesPerScan, itemsPerPage, region, table } from '../lib/fixture.mjs'
import { finish, readJob } from './job.mjs'

const deletesAtOnce = 16

/** @type {import('../sections/scan.mjs').Axes & { contender: string, endpoint: string, items: number }} */
const { operation, contender, endpoint, items } = readJob()

/** Each opens a contender and returns what goes through the table once and counts. */
const contenders = {
  ours: async () => {
    const { SessionStore } = await import('dynamodb-sessions')
    const store = new SessionStore({ table, endpoint, region, credentials })
    const unlimited = { maxReadUnitsPerSecond: Infinity, maxWriteUnitsPerSecond: Infinity }
    return {
      list: async () => {
        let count = 0
        for await (const { data } of store.records()) count += data === undefined ? 0 : 1
        return count
      },
      garbage: async () => (await store.collectGarbage(unlimited)).deleted,
    }
  },
  sdk: async () => {
    const { DeleteItemCommand, paginateScan } = await import('@aws-sdk/client-dynamodb')
    const { createSdkClient } = await import('../contenders/sdk.mjs')
    const client = createSdkClient(endpoint, deletesAtOnce)
    return {
      list: async () => {
        let count = 0
        for await (const { Items = [] } of paginateScan({ client }, { TableName: table })) {
          for (const { data } of Items) count += JSON.parse(data?.S ?? 'null') === null ? 0 : 1
        }
        return count
      },
      garbage: async () => {
        let count = 0
        const input = { TableName: table, ProjectionExpression: 'id' }
        for await (const { Items = [] } of paginateScan({ client }, input)) {
          const left = Items.values()
          const lane = async () => {
            for (const { id } of left)
              await client.send(new DeleteItemCommand({ TableName: table, Key: { id } }))
          }
          await Promise.all(Array.from({ length: deletesAtOnce }, lane))
          count += Items.length
        }
        return count
      },
    }
  },
  'connect-dynamodb': async () => {
    const { openStore } = await import('../contenders/open-store.mjs')
    const { store } = await openStore('connect-dynamodb', { endpoint })
    const { reap } = /** @type {{ reap: (onPage: () => void) => void }} */ (/** @type {unknown} */ (store))
    return {
      list: async () => 0,
      // It calls back for each page, and reads the next while it deletes.
      /** @returns {Promise<number>} */
      garbage: async () =>
        new Promise(resolve => {
          let pages = 0
          reap.call(store, () => {
            if (++pages === pagesPerScan) resolve(pages * itemsPerPage)
          })
        }),
    }
  },
}

/** @type {{ list: () => Promise<number>, garbage: () => Promise<number> }} */
const passes = await contenders[/** @type {keyof typeof contenders} */ (contender)]()
const pass = passes[operation]
await pass()
const startedMs = performance.now()
const cpuBefore = process.cpuUsage()
let count = 0
while (count < items) {
  const found = await pass()
  if (found === 0) throw new Error('nothing was found')
  count += found
}
const { user, system } = process.cpuUsage(cpuBefore)
finish({
  cpuMicros: (user + system) / count,
  itemsPerSecond: (count * 1000) / (performance.now() - startedMs),
  rssMegabytes: process.memoryUsage.rss() / 1e6,
})
