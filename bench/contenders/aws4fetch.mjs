/* aws4fetch, which signs with Web Crypto and sends with fetch. */
import { AwsClient } from 'aws4fetch'

import { credentials, region, verifyOutput } from '../lib/fixture.mjs'
import { clientWork, fieldsOf, targetOf } from './work.mjs'

/** @type {import('../types.d.ts').ContenderModule['open']} */
export async function open(job) {
  const client = new AwsClient({ ...credentials, region, service: 'dynamodb' })
  const { encode } = clientWork(job)
  const headers = fieldsOf(job.request.name)
  const call = async () => {
    const response = await client.fetch(`${job.url}/`, { method: 'POST', headers, body: encode() })
    if (!response.ok) throw new Error(`HTTP status ${response.status}`)
    return response.json()
  }
  verifyOutput(job, await call())
  return targetOf(call)
}
