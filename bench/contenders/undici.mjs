/* undici, the fastest HTTP client of Node, with our signer. */
import { Pool } from 'undici'

import { credentials, region, requestOf, verifyOutput } from '../lib/fixture.mjs'
import { makeSigner } from '../lib/internals.mjs'

/** @type {import('./contender.d.ts').Contender['open']} */
export async function open({ url, operation, itemBytes, inFlight }) {
  const pool = new Pool(url, { connections: inFlight, pipelining: 1 })
  const { host } = new URL(url)
  const { name, input } = requestOf(operation, itemBytes)

  /** @type {[string, string][]} */
  const headers = [
    ['content-type', 'application/x-amz-json-1.0'],
    ['x-amz-target', `DynamoDB_20120810.${name}`],
  ]
  const flatHeaders = headers.flat()
  const sign = await makeSigner(host, headers, credentials, region)

  const call = async () => {
    const body = JSON.stringify(input)
    const { amzDate, authorization } = sign(body)
    const response = await pool.request({
      method: 'POST',
      path: '/',
      headers: [...flatHeaders, 'x-amz-date', amzDate, 'authorization', authorization],
      body,
    })
    if (response.statusCode !== 200) throw new Error(`HTTP status ${response.statusCode}`)
    return response.body.json()
  }
  verifyOutput(operation, await call(), itemBytes)
  return { call }
}
