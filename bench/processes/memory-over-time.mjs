/*
 * A million operations of our store in one process, with a look at the memory at each quarter.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { SessionStore } from 'dynamodb-sessions'

import { credentials, expiresMs, region, sessionId, table } from '../lib/fixture.mjs'
import { changed } from '../lib/recorded-requests.mjs'
import { finish, readJob } from './job.mjs'

const inFlight = 32
const looks = [25, 50, 75, 100]

/** @type {{ url: string, operations: number }} */
const { url: endpoint, operations } = readJob()
setFlagsFromString('--expose-gc')
/** @type {unknown} */
const exposed = runInNewContext('gc')
const collectGarbage = /** @type {() => void} */ (exposed)

const store = new SessionStore({ table, endpoint, region, credentials, maxSockets: inFlight })
const record = await store.read(sessionId)
if (record === undefined) throw new Error('no session')
const session = changed(record.data)

/** @type {Record<string, number>} */
const sample = {}
for (const look of looks) {
  await runOperations(operations / looks.length)
  // What is live after a collection tells a leak from a heap that was merely allowed to grow.
  sample[`rss${look}`] = process.memoryUsage.rss() / 1e6
  collectGarbage()
  sample[`heap${look}`] = process.memoryUsage().heapUsed / 1e6
}
await store.close()
finish({ ...sample, growth: (sample['rss100'] ?? 0) / (sample['rss50'] ?? 1) })

/** @param {number} count */
async function runOperations(count) {
  let left = count
  const lane = async () => {
    while (left-- > 0) {
      if (left % 4 === 0) await store.write(sessionId, session, { basis: record, expiresMs })
      else if (left % 4 === 1) await store.touch(record ?? sessionId, { expiresMs })
      else await store.read(sessionId)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
}
