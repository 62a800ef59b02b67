/*
 * What is done to send one operation and to understand the answer, apart from the connection: by hand, with no more than
 * it takes. Contenders join it with a way to send.
 */
import { createHmac, hash, randomBytes } from 'node:crypto'

import { credentials, nativeKey, region, sessionData, sessionId } from '../lib/fixture.mjs'
import { changed } from '../lib/recorded-requests.mjs'

/** @typedef {import('../types.d.ts').Job} Job */
/** @typedef {{ encode: () => string, decode: (text: string) => unknown }} Work */
/** @typedef {{ expiresMs: { N: string }, data: { S: string } }} StoredItem */

/**
 * The work of a client: the input as JSON, the answer parsed.
 *
 * @param {Job} job
 * @returns {Work}
 */
export function clientWork(job) {
  const input = parse(job.request.body)
  return { encode: () => JSON.stringify(input), decode: parse }
}

/**
 * The work of a store: the ID hashed, the session as JSON in a body whose constant parts are ready, the answer parsed, its
 * expiry checked and its session parsed. What is left out is what a store does when something is wrong.
 *
 * @param {Job} job
 * @returns {Work}
 */
export function storeWork({ operation, itemBytes, request }) {
  const session = changed(sessionData(itemBytes))
  const [before = '', after] = request.body.split(JSON.stringify(JSON.stringify(session)))
  const [fillBefore, fillAfter] = [before, after].map(text => template(text ?? ''))
  return {
    encode: () => {
      const start = fillBefore?.() ?? ''
      return after === undefined
        ? start
        : `${start}${JSON.stringify(JSON.stringify(session))}${fillAfter?.() ?? ''}`
    },
    decode: text => {
      const { Item: item } = /** @type {{ Item?: StoredItem }} */ (JSON.parse(text))
      if (operation !== 'get') return {}
      if (item === undefined || Number(item.expiresMs.N) < Date.now()) throw new Error('no session')
      return { Item: item, session: parse(item.data.S) }
    },
  }
}

/** @param {string} text @returns {unknown} */
function parse(text) {
  return JSON.parse(text)
}

/** In a request: the key, the time in milliseconds and in seconds, and the new half of a revision. */
const variables = new RegExp(
  String.raw`(${nativeKey}|(?<=")1\d{12}(?=")|(?<=")1\d{9}\.\d{3}(?=")|(?<=")[\w-]{12}(?=q0sXbVJ3"))`,
)

/**
 * Makes a function that writes a text anew with what changes from request to request.
 *
 * @param {string} text
 */
function template(text) {
  const parts = text.split(variables)
  const fill = parts.map((part, index) => {
    if (index % 2 === 0) return () => part
    if (part === nativeKey) return () => hash('sha256', sessionId, 'base64url')
    if (part.includes('.')) return () => String(Date.now() / 1000)
    return /^\d{13}$/.test(part) ? () => String(Date.now()) : () => randomBytes(9).toString('base64url')
  })
  return () => {
    let filled = ''
    for (const next of fill) filled += next()
    return filled
  }
}

/**
 * The headers that every contender sends, beside those that differ from request to request.
 *
 * @param {string} operationName
 */
export function fieldsOf(operationName) {
  return {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': `DynamoDB_20120810.${operationName}`,
  }
}

/**
 * Signs by hand: what stays the same for a second is made once in it.
 *
 * @param {Job} job
 * @returns {(body: string) => { amzDate: string, authorization: string }}
 */
export function createSigner({ url, request }) {
  const { host } = new URL(url)
  const fields = fieldsOf(request.name)
  const [type, target] = [fields['content-type'], fields['x-amz-target']]
  const names = 'content-type;host;x-amz-date;x-amz-target'
  let second = 0
  let amzDate = ''
  let scope = ''
  let canonicalStart = ''
  let authorizationStart = ''
  /** @type {Buffer | string} */
  let key = ''
  return body => {
    const now = Math.floor(Date.now() / 1000)
    if (now !== second) {
      second = now
      amzDate = new Date(now * 1000).toISOString().replaceAll(/[-:]|\.\d+/g, '')
      const parts = [amzDate.slice(0, 8), region, 'dynamodb', 'aws4_request']
      scope = parts.join('/')
      key = `AWS4${credentials.secretAccessKey}`
      for (const part of parts) key = createHmac('sha256', key).update(part).digest()
      authorizationStart = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=`
      canonicalStart = `POST\n/\n\ncontent-type:${type}\nhost:${host}\nx-amz-date:${amzDate}\nx-amz-target:${target}\n\n${names}\n`
    }
    const canonicalHash = hash('sha256', canonicalStart + hash('sha256', body))
    const signature = createHmac('sha256', key)
      .update(`AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${canonicalHash}`)
      .digest('hex')
    return { amzDate, authorization: `${authorizationStart}${signature}` }
  }
}

/**
 * A target of operations that return promises, once the first has shown that it works.
 *
 * @param {(lane: number) => Promise<unknown>} call
 * @returns {import('../types.d.ts').Target}
 */
export function targetOf(call) {
  return {
    start: async (done, lane) => {
      try {
        await call(lane)
      } catch (error) {
        done(error)
        return
      }
      done()
    },
  }
}
