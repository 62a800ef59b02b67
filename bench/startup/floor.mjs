import { createHmac, hash } from 'node:crypto'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'

import { nativeKey, table } from '../lib/session-names.mjs'

/**
 * Reads one item with what Node brings along and nothing else: what no client over TLS can fall below, since it has to
 * load `node:tls` and `node:crypto`, shake hands and compute a signature, too.
 *
 * @param {string} endpoint
 */
export async function firstRead(endpoint) {
  const body = JSON.stringify({ TableName: table, Key: { id: { S: nativeKey } }, ConsistentRead: true })
  const signature = createHmac('sha256', 'key').update(hash('sha256', body)).digest('hex')
  const { protocol, hostname: host, port } = new URL(endpoint)
  const secure = protocol === 'https:'
  const target = { host, port: Number(port) }
  const socket = secure ? connectTls(target) : connectTcp(target)
  socket.setNoDelay(true)
  try {
    /** @type {unknown} */
    const answer = await new Promise((resolve, reject) => {
      let text = ''
      socket.once('error', reject)
      socket.once('close', () => {
        reject(new Error('the server closed the connection'))
      })
      socket.on('data', (/** @type {Buffer} */ chunk) => {
        text += chunk.toString('latin1')
        const [, bodyBytes, start] = /content-length: *(\d+)[^]*?\r\n\r\n([^]*)/i.exec(text) ?? []
        if (start !== undefined && start.length >= Number(bodyBytes)) resolve(JSON.parse(start))
      })
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        socket.write(
          `POST / HTTP/1.1\r\nhost: ${host}:${port}\r\ncontent-type: application/x-amz-json-1.0\r\n` +
            `x-amz-target: DynamoDB_20120810.GetItem\r\nauthorization: ${signature}\r\n` +
            `content-length: ${body.length}\r\n\r\n${body}`,
        )
      })
    })
    if (typeof answer !== 'object' || answer === null || !('Item' in answer)) throw new Error('no item')
  } finally {
    socket.destroy()
  }
}
