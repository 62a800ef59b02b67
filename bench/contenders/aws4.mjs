/* aws4, which signs, and node:http or node:https with an agent that keeps connections open. */
import http from 'node:http'
import https from 'node:https'

import aws4 from 'aws4'

import { credentials, region, verifyOutput } from '../lib/fixture.mjs'
import { clientWork, fieldsOf, targetOf } from './work.mjs'

/** @type {import('../types.d.ts').ContenderModule['open']} */
export async function open(job) {
  const { protocol, hostname, port, host } = new URL(job.url)
  const { Agent, request } = protocol === 'https:' ? https : http
  const agent = new Agent({ keepAlive: true, maxSockets: job.inFlight })
  const { encode, decode } = clientWork(job)
  const unsigned = { service: 'dynamodb', region, method: 'POST', path: '/' }
  const fields = { host, ...fieldsOf(job.request.name) }
  /** @returns {Promise<unknown>} */
  const call = async () => {
    const body = encode()
    const { headers } = aws4.sign({ ...unsigned, headers: { ...fields }, body }, credentials)
    return new Promise((resolve, reject) => {
      const outgoing = request({ hostname, port, agent, method: 'POST', path: '/', headers }, response => {
        let received = ''
        response.setEncoding('utf8')
        response.on('data', (/** @type {string} */ chunk) => {
          received += chunk
        })
        response.on('error', reject)
        response.on('end', () => {
          if (response.statusCode === 200) resolve(decode(received))
          else reject(new Error(`HTTP status ${response.statusCode}`))
        })
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }
  verifyOutput(job, await call())
  return targetOf(call)
}
