/* undici, the fastest HTTP client of Node: as a client, or with all work of a store. */
import { Pool } from 'undici'

import { verifyOutput } from '../lib/fixture.mjs'
import { clientWork, createSigner, fieldsOf, storeWork, targetOf } from './work.mjs'

/** @type {import('../types.d.ts').ContenderModule['open']} */
export async function open(job) {
  const pool = new Pool(job.url, { connections: job.inFlight, pipelining: 1 })
  const { encode, decode } = job.contender.name === 'undici-store' ? storeWork(job) : clientWork(job)
  const sign = createSigner(job)
  const fields = Object.entries(fieldsOf(job.request.name)).flat()
  const call = async () => {
    const body = encode()
    const { amzDate, authorization } = sign(body)
    const headers = [...fields, 'x-amz-date', amzDate, 'authorization', authorization]
    const response = await pool.request({ method: 'POST', path: '/', headers, body })
    if (response.statusCode !== 200) throw new Error(`HTTP status ${response.statusCode}`)
    return decode(await response.body.text())
  }
  const { Item } = /** @type {{ Item?: object }} */ (await call())
  verifyOutput(job, { Item })
  return targetOf(call)
}
