/*
 * The least that a request over HTTP/1.1 can cost: one socket per lane, the same bytes sent each time, and the bytes
 * of the answers counted.
 */
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'

import { makeSigner } from '../lib/internals.mjs'
import { credentials, region, requestOf } from '../lib/fixture.mjs'

/** @typedef {{ write: () => void, bytes: number, done: () => void }} Lane */

/** @type {import('./contender.d.ts').Contender['open']} */
export async function open({ url, operation, itemBytes, inFlight }) {
  const request = await encodeRequest(new URL(url), operation, itemBytes)
  const answerBytes = await measureAnswer(url, request)
  const lanes = await Promise.all(
    Array.from({ length: inFlight }, async () => openLane(url, request, answerBytes)),
  )
  return {
    start: (done, lane) => {
      const own = lanes[lane]
      if (own === undefined) throw new RangeError('there are fewer lanes')
      own.done = done
      own.write()
    },
  }
}

/** @param {string} url */
async function openSocket(url) {
  const { protocol, hostname: host, port } = new URL(url)
  const socket =
    protocol === 'https:'
      ? connectTls({ host, port: Number(port) })
      : connectTcp({ host, port: Number(port) })
  socket.setNoDelay(true)
  await once(socket, protocol === 'https:' ? 'secureConnect' : 'connect')
  return socket
}

/**
 * @param {string} url
 * @param {string} request
 * @param {number} answerBytes
 * @returns {Promise<Lane>}
 */
async function openLane(url, request, answerBytes) {
  const socket = await openSocket(url)
  /** @type {Lane} */
  const lane = { write: () => socket.write(request, 'latin1'), bytes: 0, done: () => {} }
  socket.on('data', (/** @type {Buffer} */ chunk) => {
    lane.bytes += chunk.length
    if (lane.bytes < answerBytes) return
    lane.bytes = 0
    lane.done()
  })
  socket.on('close', () => {
    throw new Error('the server closed a connection')
  })
  return lane
}

/**
 * Length of the answer, head included, which is the same each time.
 *
 * @param {string} url
 * @param {string} request
 */
async function measureAnswer(url, request) {
  const socket = await openSocket(url)
  socket.write(request, 'latin1')
  let text = ''
  for await (const chunk of socket.setEncoding('latin1')) {
    text += String(chunk)
    const headEnd = text.indexOf('\r\n\r\n')
    const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, headEnd))?.[1]
    if (headEnd === -1) continue
    if (length === undefined || !text.startsWith('HTTP/1.1 200 ')) throw new Error('unexpected answer')
    const answerBytes = headEnd + 4 + Number(length)
    if (text.length >= answerBytes) return answerBytes
  }
  throw new Error('the server closed the connection')
}

/**
 * @param {URL} url
 * @param {import('../lib/fixture.mjs').Operation} operation
 * @param {number} itemBytes
 */
async function encodeRequest({ host }, operation, itemBytes) {
  const { name, input } = requestOf(operation, itemBytes)
  const body = JSON.stringify(input)
  /** @type {[string, string][]} */
  const headers = [
    ['content-type', 'application/x-amz-json-1.0'],
    ['x-amz-target', `DynamoDB_20120810.${name}`],
  ]
  const sign = await makeSigner(host, headers, credentials, region)
  const { amzDate, authorization } = sign(body)
  const all = [
    ['host', host],
    ...headers,
    ['x-amz-date', amzDate],
    ['authorization', authorization],
    ['content-length', String(Buffer.byteLength(body))],
  ]
  return `POST / HTTP/1.1\r\n${all.map(([header, value]) => `${header}: ${value}\r\n`).join('')}\r\n${body}`
}
