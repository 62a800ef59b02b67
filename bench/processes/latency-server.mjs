/*
 * Answers every GetItem with one item, after a time that is distributed as DynamoDB's latency is: log-normal with 4 ms at the
 * median and 25 ms at the 99th percentile, and 200 ms for one in 2,000. Counts the requests where the other thread sees it.
 */
import { createServer } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'

import { storedItem } from '../lib/fixture.mjs'

const medianMs = 4
const p99Ms = 25
/** How many standard deviations the 99th percentile is above the median. */
const deviationsAtP99 = 2.326
const sigma = Math.log(p99Ms / medianMs) / deviationsAtP99
const stallMs = 200
const stallShare = 1 / 2000

const requests = /** @type {Int32Array} */ (workerData)
const body = JSON.stringify({ Item: storedItem('native', 512) })
let count = 0

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    Atomics.add(requests, 0, 1)
    setTimeout(() => {
      response.writeHead(200, {
        'content-type': 'application/x-amz-json-1.0',
        'content-length': body.length,
        'x-amzn-requestid': `REQUEST${count++}`,
      })
      response.end(body)
    }, latencyMs())
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  parentPort?.postMessage(typeof address === 'object' ? address?.port : undefined, [])
})

function latencyMs() {
  return Math.random() < stallShare ? stallMs : medianMs * Math.exp(sigma * normal())
}

/** A random number of the standard normal distribution, by Box and Muller. */
function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random())
}
