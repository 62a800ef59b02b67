import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { SessionStore } from 'dynamodb-sessions'

import { credentials, expiresMs, itemSizes, region, sessionId, storedItem, table } from './fixture.mjs'
import { workFolder } from './folders.mjs'

const folder = join(workFolder, 'requests')

/**
 * Writes down what our store sends for each operation. The contenders that are clients send the same, so that everyone is
 * measured with the requests of today.
 */
export async function recordRequests() {
  await mkdir(folder, { recursive: true })
  for (const itemBytes of itemSizes) {
    const body = Buffer.from(JSON.stringify({ Item: storedItem('native', itemBytes) }))
    /** @type {import('../types.d.ts').RecordedRequest[]} */
    const requests = []
    const store = new SessionStore({
      table,
      region,
      credentials,
      touchAfterSeconds: 0,
      compression: false,
      transport: {
        request: async request => {
          const target = request.headers.find(([name]) => name === 'x-amz-target')?.[1] ?? ''
          const name = /** @type {'GetItem'} */ (target.split('.')[1])
          requests.push({ name, body: request.body })
          const answer = name === 'GetItem' ? body : Buffer.from('{}')
          return {
            statusCode: 200,
            headers: new Map([['content-type', 'application/x-amz-json-1.0']]),
            body: answer,
          }
        },
        close: async () => {},
      },
    })
    const record = await store.read(sessionId)
    if (record === undefined) throw new Error('our store did not read the session')
    // A change that keeps the size: what has not changed is not written.
    await store.write(sessionId, changed(record.data), { basis: record, expiresMs })
    await store.touch(record, { expiresMs })
    for (const [index, operation] of ['get', 'set', 'touch'].entries()) {
      await writeFile(requestFile(operation, itemBytes), JSON.stringify(requests[index]))
    }
  }
}

/**
 * @param {string} operation
 * @param {number} itemBytes
 */
export function requestFile(operation, itemBytes) {
  return join(folder, `${operation}-${itemBytes}.json`)
}

/**
 * A session with one change, which a store has to write.
 *
 * @template {object} Data
 * @param {Data} data
 * @returns {Data}
 */
export function changed(data) {
  return { ...data, visits: 1 }
}
