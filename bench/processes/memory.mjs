/*
 * A million operations of our store in one process, with a look at the memory every so often.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { SessionStore } from 'dynamodb-sessions'

import { credentials, expiresMs, region, sessionId, table } from '../lib/fixture.mjs'

const inFlight = 32
const looks = 20

const [, , endpoint = '', operationsText = ''] = process.argv
const operations = Number(operationsText)
setFlagsFromString('--expose-gc')
/** @type {unknown} */
const exposed = runInNewContext('gc')
const collectGarbage = /** @type {() => void} */ (exposed)

const store = new SessionStore({ table, endpoint, region, credentials, maxSockets: inFlight })
const record = await store.read(sessionId)
if (record === undefined) throw new Error('no session')

const samples = []
for (let look = 0; look < looks; look++) {
  await runOperations(operations / looks)
  // What is live after a collection tells a leak from a heap that was merely allowed to grow.
  const rssMegabytes = process.memoryUsage.rss() / 1e6
  collectGarbage()
  samples.push({
    operations: ((look + 1) * operations) / looks,
    rssMegabytes,
    heapMegabytes: process.memoryUsage().heapUsed / 1e6,
  })
}
await store.close()
process.send?.(samples, () => process.exit())

/** @param {number} count */
async function runOperations(count) {
  let left = count
  const lane = async () => {
    while (left-- > 0) {
      if (left % 4 === 0) await store.write(sessionId, record?.data ?? {}, { basis: record, expiresMs })
      else if (left % 4 === 1) await store.touch(record ?? sessionId, { expiresMs })
      else await store.read(sessionId)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
}
