/*
 * The least that a request over HTTP/1.1 can cost: one socket per lane. As the floor it sends the same bytes each time and
 * counts the bytes of the answers; as the limit it does all work of a store, by hand.
 */
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { crc32 } from 'node:zlib'

import { verifyOutput } from '../lib/fixture.mjs'
import { createSigner, fieldsOf, storeWork } from './work.mjs'

/** @typedef {{ send: (text: string) => void, receive: (chunk: Buffer) => void }} Lane */

/** @type {import('../types.d.ts').ContenderModule['open']} */
export async function open(job) {
  const { encode, decode } = storeWork(job)
  const sign = createSigner(job)
  const fields = Object.entries({ host: new URL(job.url).host, ...fieldsOf(job.request.name) })
  const start = `POST / HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}`
  const encodeRequest = () => {
    const body = encode()
    const { amzDate, authorization } = sign(body)
    return `${start}x-amz-date: ${amzDate}\r\nauthorization: ${authorization}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  }
  const lanes = await Promise.all(Array.from({ length: job.inFlight }, async () => openLane(job.url)))
  const first = await firstResponse(lanes[0], encodeRequest())
  const { Item } = /** @type {{ Item?: object }} */ (decode(first.body))
  verifyOutput(job, job.operation === 'get' ? { Item } : {})

  if (job.contender.name === 'limit') {
    return {
      start: (done, lane) => {
        exchange(lanes[lane], encodeRequest(), ({ body }) => {
          decode(body)
          done()
        })
      },
    }
  }
  const request = encodeRequest()
  return {
    start: (done, lane) => {
      const own = lanes[lane]
      let bytes = 0
      if (own === undefined) throw new RangeError('there are fewer lanes')
      own.receive = chunk => {
        bytes += chunk.length
        if (bytes >= first.bytes) done()
      }
      own.send(request)
    },
  }
}

/** @param {string} url @returns {Promise<Lane>} */
async function openLane(url) {
  const { protocol, hostname: host, port } = new URL(url)
  const isTls = protocol === 'https:'
  const target = { host, port: Number(port) }
  // A name is told to the server, an address must not be.
  const socket = isTls
    ? connectTls({ ...target, ...(/[a-z]/.test(host) && { servername: host }) })
    : connectTcp(target)
  socket.setNoDelay(true)
  await once(socket, isTls ? 'secureConnect' : 'connect')
  /** @type {Lane} */
  const lane = { send: text => socket.write(text), receive: () => {} }
  socket.on('data', chunk => lane.receive(/** @type {Buffer} */ (chunk)))
  socket.on('close', () => {
    throw new Error('the server closed a connection')
  })
  return lane
}

/**
 * @param {Lane | undefined} lane
 * @param {string} text
 * @returns {Promise<{ body: string, bytes: number }>}
 */
async function firstResponse(lane, text) {
  return new Promise(resolve => exchange(lane, text, resolve))
}

/**
 * Sends a request and hands the response over when it is complete.
 *
 * @param {Lane | undefined} lane
 * @param {string} text
 * @param {(response: { body: string, bytes: number }) => void} done
 */
function exchange(lane, text, done) {
  if (lane === undefined) throw new RangeError('there are fewer lanes')
  /** @type {Buffer[]} */
  const chunks = []
  let received = 0
  let bytes = Number.POSITIVE_INFINITY
  let bodyStart = 0
  let checksum = 0
  lane.receive = chunk => {
    chunks.push(chunk)
    received += chunk.length
    if (bodyStart === 0) {
      const headEnd = chunk.indexOf('\r\n\r\n')
      if (headEnd === -1) throw new Error('the server sent part of a head')
      const head = chunk.toString('latin1', 0, headEnd)
      if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(`unexpected response: ${head}`)
      bodyStart = headEnd + 4
      bytes = bodyStart + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1])
      checksum = Number(/\r\nx-amz-crc32: *(\d+)/i.exec(head)?.[1])
    }
    if (received < bytes) return
    const body = (chunks.length === 1 ? chunk : Buffer.concat(chunks)).subarray(bodyStart)
    if (crc32(body) !== checksum) throw new Error('the body does not match its checksum')
    done({ body: body.toString(), bytes })
  }
  lane.send(text)
}
