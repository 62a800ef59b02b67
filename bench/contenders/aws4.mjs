/* aws4, which signs, and node:http or node:https with an agent that keeps connections open. */
import http from 'node:http'
import https from 'node:https'

import aws4 from 'aws4'

import { credentials, region, requestOf, verifyOutput } from '../lib/fixture.mjs'

/** @type {import('./contender.d.ts').Contender['open']} */
export async function open({ url, operation, itemBytes, inFlight }) {
  const { protocol, hostname, port, host } = new URL(url)
  const { Agent, request } = protocol === 'https:' ? https : http
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight })
  const { name, input } = requestOf(operation, itemBytes)

  /** @returns {Promise<unknown>} */
  const call = async () => {
    const body = JSON.stringify(input)
    const signed = aws4.sign(
      {
        service: 'dynamodb',
        region,
        method: 'POST',
        path: '/',
        headers: {
          host,
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': `DynamoDB_20120810.${name}`,
        },
        body,
      },
      credentials,
    )
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { hostname, port, agent, method: 'POST', path: '/', headers: signed.headers },
        response => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (/** @type {string} */ chunk) => {
            text += chunk
          })
          response.on('error', reject)
          response.on('end', () => {
            if (response.statusCode === 200) resolve(JSON.parse(text))
            else reject(new Error(`HTTP status ${response.statusCode}`))
          })
        },
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }
  verifyOutput(operation, await call(), itemBytes)
  return { call }
}
