/*
 * The stub server where nginx is not installed: reads no more of a request than where it ends and which operation
 * it is, and answers with bytes that were put together beforehand.
 */
import { readFile } from 'node:fs/promises'
import { createServer as createTcpServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { crc32 } from 'node:zlib'

/** @typedef {import('../lib/stub-server.mjs').Listener} Listener */

/** @type {unknown} */
const parsed = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8'))
const plan = /** @type {{ host: string, server: { key: string, cert: string }, listeners: Listener[] }} */ (
  parsed
)

for (const { protocol, port, answers } of plan.listeners) {
  const responses = new Map(Object.entries(answers).map(([name, text]) => [name, encodeResponse(text)]))
  /** @param {import('node:net').Socket} socket */
  const onConnection = socket => serve(socket, responses)
  const server =
    protocol === 'http'
      ? createTcpServer({ noDelay: true }, onConnection)
      : createTlsServer({ ...plan.server, noDelay: true, ciphers: 'TLS_AES_128_GCM_SHA256' }, onConnection)
  server.listen(port, plan.host, 1024)
}
process.once('disconnect', () => process.exit())

/** @param {string} text */
function encodeResponse(text) {
  return Buffer.from(
    `HTTP/1.1 200 OK\r\nServer: Server\r\nDate: ${new Date().toUTCString()}\r\n` +
      `Content-Type: application/x-amz-json-1.0\r\nContent-Length: ${Buffer.byteLength(text)}\r\n` +
      'Connection: keep-alive\r\nx-amzn-RequestId: 4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n' +
      `x-amz-crc32: ${crc32(text)}\r\n\r\n${text}`,
  )
}

/**
 * @param {import('node:net').Socket} socket
 * @param {Map<string, Buffer>} responses
 */
function serve(socket, responses) {
  let unread = ''
  let bodyBytesLeft = 0
  /** @type {Buffer | undefined} */
  let response
  socket.setEncoding('latin1')
  socket.on('error', () => socket.destroy())
  socket.on('data', (/** @type {string} */ text) => {
    unread += text
    for (;;) {
      if (response === undefined) {
        const end = unread.indexOf('\r\n\r\n')
        if (end === -1) return
        const head = unread.slice(0, end)
        unread = unread.slice(end + 4)
        bodyBytesLeft = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
        response = responses.get(/\r\nx-amz-target: *DynamoDB_20120810\.(\w+)/i.exec(head)?.[1] ?? '')
        if (response === undefined) {
          socket.destroy()
          return
        }
      }
      if (unread.length < bodyBytesLeft) return
      unread = unread.slice(bodyBytesLeft)
      socket.write(response)
      response = undefined
    }
  })
}
