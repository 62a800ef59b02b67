/*
 * Answers every DynamoDB request with a constant, as the operation would: an item in the layout of whoever asks, with
 * DynamoDB's headers. Reads no more of a request than where it ends and which operation it is. What it answers depends on
 * the port alone. Sends its ports and its certificate authority to the process that forked it.
 */
import { createHash, randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createTcpServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { crc32 } from 'node:zlib'

import { generate } from 'selfsigned'

import { itemSizes, itemsPerPage, pagesPerScan, storedItem, table } from '../lib/fixture.mjs'

/** @typedef {import('../types.d.ts').LayoutName} LayoutName */
/** @typedef {{ body: Buffer, headEnd: string }} Answer */

/** What the request IDs of DynamoDB end with; the 26 characters before it differ. */
const idEnd = 'VV4KQNSO5AEMVJF66Q9ASUAAJG'
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
const idRandomness = Buffer.alloc(26 * 512)
let idOffset = idRandomness.length

/** What one port answers to each operation. */
class Answers {
  /** @readonly @type {Map<string, Answer>} */
  #answers = new Map()
  /** @readonly */
  #layout
  /** @readonly */
  #item

  /**
   * @param {LayoutName} layout
   * @param {number} itemBytes
   */
  constructor(layout, itemBytes) {
    this.#layout = layout
    this.#item = storedItem(layout, itemBytes)
    // connect-dynamodb asks for the attribute that it changed, our store does not.
    const updated = layout === 'native' ? {} : { Attributes: { expires: this.#item['expires'] } }
    const key = [{ AttributeName: 'id', KeyType: 'HASH' }]
    const described = { TableName: table, TableStatus: 'ACTIVE', KeySchema: key }
    this.#add('GetItem', { Item: this.#item })
    this.#add('UpdateItem', updated)
    for (const name of ['PutItem', 'DeleteItem']) this.#add(name, {})
    this.#add('DescribeTable', {
      Table: { ...described, AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }] },
    })
  }

  /**
   * @param {string} operation
   * @param {() => string} body
   */
  to(operation, body) {
    return operation === 'Scan' ? this.#page(body()) : this.#answers.get(operation)
  }

  /**
   * A page of a table that has as many sessions as anyone asks for, each with a key of its own.
   *
   * @param {string} body
   */
  #page(body) {
    const segment = Number(/"Segment":(\d+)/.exec(body)?.[1] ?? 0)
    const page = Number(/"ExclusiveStartKey":\{"id":\{"S":"page (\d+)"/.exec(body)?.[1] ?? 0)
    const keysOnly = /"(?:ProjectionExpression|AttributesToGet)"/.test(body)
    const name = `Scan ${segment} ${page} ${keysOnly}`
    const known = this.#answers.get(name)
    if (known !== undefined) return known
    const items = Array.from({ length: itemsPerPage }, (_, index) => {
      const hash = createHash('sha256').update(`${segment} ${page} ${index}`).digest('base64url')
      const key = { id: { S: this.#layout === 'native' ? hash : `sess:${hash}` } }
      return keysOnly ? key : { ...this.#item, ...key }
    })
    return this.#add(name, {
      Items: items,
      Count: items.length,
      ScannedCount: items.length,
      ...(page + 1 < pagesPerScan && { LastEvaluatedKey: { id: { S: `page ${page + 1}` } } }),
    })
  }

  /**
   * @param {string} name
   * @param {object} output
   */
  #add(name, output) {
    const body = Buffer.from(JSON.stringify(output))
    const headEnd = `\r\nx-amz-crc32: ${crc32(body)}\r\nContent-Length: ${body.length}\r\n\r\n`
    const answer = { body, headEnd }
    this.#answers.set(name, answer)
    return answer
  }
}

const certificates = await createCertificates()
/** @type {Record<string, number>} */
const ports = {}
for (const protocol of ['http', 'https']) {
  for (const layout of /** @type {const} */ (['native', 'connect-dynamodb'])) {
    for (const itemBytes of itemSizes) {
      ports[`${protocol} ${layout} ${itemBytes}`] = await listen(protocol, new Answers(layout, itemBytes))
    }
  }
}
process.once('disconnect', () => process.exit())
process.send?.({ ports, authority: certificates.authority })

/**
 * Listens where both `127.0.0.1` and `localhost` lead to.
 *
 * @param {string} protocol
 * @param {Answers} answers
 */
async function listen(protocol, answers) {
  const tls = { ...certificates.server, noDelay: true, ciphers: 'TLS_AES_128_GCM_SHA256' }
  const create = () =>
    protocol === 'http'
      ? createTcpServer({ noDelay: true }, socket => serve(socket, answers))
      : createTlsServer(tls, socket => serve(socket, answers))
  const server = create().listen({ host: '127.0.0.1', port: 0, backlog: 2048 })
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the stub server has no TCP port')
  // A machine may be without IPv6, and then `localhost` does not lead there.
  create()
    .on('error', () => {})
    .listen({ host: '::1', port: address.port, backlog: 2048 })
  return address.port
}

/**
 * @param {import('node:net').Socket} socket
 * @param {Answers} answers
 */
function serve(socket, answers) {
  let unread = ''
  socket.setEncoding('latin1')
  socket.on('error', () => socket.destroy())
  let wanted = 0
  socket.on('data', (/** @type {string} */ text) => {
    unread += text
    while (unread.length > wanted) {
      const headEnd = unread.indexOf('\r\n\r\n')
      if (headEnd === -1) return
      const head = unread.slice(0, headEnd)
      const bodyEnd = headEnd + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      if (unread.length < bodyEnd) {
        wanted = bodyEnd - 1
        return
      }
      wanted = 0
      const operation = /\r\nx-amz-target: *DynamoDB_20120810\.(\w+)/i.exec(head)?.[1] ?? ''
      const answer = answers.to(operation, () => unread.slice(headEnd + 4, bodyEnd))
      unread = unread.slice(bodyEnd)
      if (answer === undefined) socket.destroy()
      else socket.write(Buffer.concat([responseHead(answer), answer.body]))
    }
  })
}

/** @param {Answer} answer */
function responseHead({ headEnd }) {
  return Buffer.from(`${headStart()}x-amzn-RequestId: ${requestId()}${headEnd}`, 'latin1')
}

let headSecond = 0
let headText = ''

/** The date is that of now, as a client that checks its clock by it must find it. */
function headStart() {
  const nowMs = Date.now()
  if (nowMs - headSecond >= 1000) {
    headSecond = nowMs - (nowMs % 1000)
    headText =
      `HTTP/1.1 200 OK\r\nServer: Server\r\nDate: ${new Date(nowMs).toUTCString()}\r\n` +
      'Content-Type: application/x-amz-json-1.0\r\nConnection: keep-alive\r\n'
  }
  return headText
}

/** An ID that no other response has, of DynamoDB's length and letters. */
function requestId() {
  if (idOffset === idRandomness.length) {
    randomFillSync(idRandomness)
    idOffset = 0
  }
  let id = ''
  for (const end = idOffset + 26; idOffset < end; idOffset++) {
    id += alphabet[(idRandomness[idOffset] ?? 0) % alphabet.length]
  }
  return id + idEnd
}

async function createCertificates() {
  // RSA, as AWS has it: verifying an RSA signature is part of every contender's first read.
  const rsa = /** @type {const} */ ({ keyType: 'rsa', keySize: 2048, algorithm: 'sha256' })
  const { private: caKey, cert: caCert } = await generate([{ name: 'commonName', value: 'Bench CA' }], {
    ...rsa,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  })
  const names = /** @type {const} */ ([
    { type: 2, value: 'localhost' },
    { type: 7, ip: '127.0.0.1' },
  ])
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...rsa,
    ca: { key: caKey, cert: caCert },
    extensions: [{ name: 'subjectAltName', altNames: [...names] }],
  })
  return { authority: caCert, server: { key, cert } }
}
