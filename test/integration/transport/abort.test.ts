import { beforeAll, describe, expect, it, vi } from 'vitest'

import { ConnectTimeoutError } from '../../../src/errors.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import { createCertificate, type KeyPair } from '../../support/certificates.ts'
import { rejectionOf } from '../../support/failure.ts'
import { httpResponse } from '../../support/raw-server.ts'
import {
  abortListeners,
  answerWithIndex,
  bodyOf,
  controlTime,
  forbidUnhandledRejections,
  requestTo,
  serve,
  settleDown,
} from './harness.ts'

forbidUnhandledRejections()

const reason = new Error('the caller gave up')
let tls: KeyPair

beforeAll(async () => {
  tls = await createCertificate()
})

function onLocalhost({ port }: { readonly port: number }): { readonly url: string } {
  return { url: `https://localhost:${port}` }
}

describe('an abort', () => {
  it('that came before the request leaves nothing to do', async () => {
    const server = await serve(answerWithIndex)
    const transport = new SocketTransport({ maxSockets: 1 })
    const signal = AbortSignal.abort(reason)
    expect(await rejectionOf(transport.request(requestTo(server, { signal })))).toBe(reason)
    expect(abortListeners(signal)).toBe(0)
    await settleDown()
    expect(server.connections).toHaveLength(0)
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('0')
  })

  it('in the queue leaves it', async () => {
    const server = await serve()
    const transport = new SocketTransport({ maxSockets: 1, maxQueued: 1 })
    const first = bodyOf(transport.request(requestTo(server, { body: 'first' })))
    const connection = await server.accept()
    await connection.request()
    const controller = new AbortController()
    const { signal } = controller
    const aborted = rejectionOf(transport.request(requestTo(server, { body: 'aborted', signal })))
    expect(abortListeners(signal)).toBe(1)
    controller.abort(reason)
    expect(await aborted).toBe(reason)
    expect(abortListeners(signal)).toBe(0)

    const next = bodyOf(transport.request(requestTo(server, { body: 'next' })))
    connection.send(httpResponse())
    await first
    expect((await connection.request()).body).toBe('next')
    connection.send(httpResponse())
    await next
  })

  it.each([
    ['a connection becomes free', httpResponse()],
    ['there is room for another connection', httpResponse('{}', { headers: { connection: 'close' } })],
  ])('around the moment in which %s loses neither the request nor the place', async (_, firstAnswer) => {
    const server = await serve(async connection =>
      connection.answerAll(({ body }) => (body === 'first' ? firstAnswer : httpResponse())),
    )
    for (let delay = 0; delay < 12; delay++) {
      const transport = new SocketTransport({ maxSockets: 1 })
      const controller = new AbortController()
      const { signal } = controller
      const abortLater = async (): Promise<void> => {
        for (let turn = 0; turn < delay; turn++) await Promise.resolve()
        controller.abort(reason)
      }
      const first = transport.request(requestTo(server, { body: 'first' })).then(abortLater)
      const aborted = rejectionOf(transport.request(requestTo(server, { signal })))
      const next = bodyOf(transport.request(requestTo(server)))
      await first
      expect(await aborted).toBe(reason)
      expect(await next).toBe('{}')
      expect(abortListeners(signal)).toBe(0)
      await transport.close()
    }
  })

  it('while connecting closes the socket and gives the place back', async () => {
    const server = await serve(answerWithIndex, { tls, silentConnections: 1 })
    const transport = new SocketTransport({ maxSockets: 1, ca: tls.cert })
    const controller = new AbortController()
    const { signal } = controller
    const aborted = rejectionOf(transport.request(requestTo(onLocalhost(server), { signal })))
    const next = bodyOf(transport.request(requestTo(onLocalhost(server))))
    await server.untilConnected(1)
    expect(abortListeners(signal)).toBe(1)
    controller.abort(reason)
    expect(await aborted).toBe(reason)
    expect(abortListeners(signal)).toBe(0)
    expect(await next).toBe('0')
    await server.silentClosed()
  })

  it('while waiting for the answer closes the connection and gives the place back', async () => {
    const server = await serve()
    const transport = new SocketTransport({ maxSockets: 1 })
    const controller = new AbortController()
    const { signal } = controller
    const aborted = rejectionOf(transport.request(requestTo(server, { signal })))
    const next = bodyOf(transport.request(requestTo(server)))
    const connection = await server.accept()
    await connection.request()
    expect(abortListeners(signal)).toBe(1)
    controller.abort(reason)
    expect(await aborted).toBe(reason)
    expect(abortListeners(signal)).toBe(0)
    await connection.closed
    const second = await server.accept()
    await second.request()
    second.send(httpResponse('second'))
    expect(await next).toBe('second')
  })

  it('within the body closes the connection, and the rest of the body reaches nobody', async () => {
    const server = await serve()
    const transport = new SocketTransport({ maxSockets: 1 })
    const controller = new AbortController()
    const { signal } = controller
    const aborted = rejectionOf(transport.request(requestTo(server, { signal })))
    const connection = await server.accept()
    await connection.request()
    connection.send('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc')
    await settleDown()
    controller.abort(reason)
    const next = bodyOf(transport.request(requestTo(server)))
    connection.send('x'.repeat(97))
    expect(await aborted).toBe(reason)
    expect(abortListeners(signal)).toBe(0)
    await connection.closed
    const second = await server.accept()
    await second.request()
    second.send(httpResponse('second'))
    expect(await next).toBe('second')
  })

  it('after the answer changes nothing', async () => {
    const server = await serve(answerWithIndex)
    const transport = new SocketTransport()
    const controller = new AbortController()
    const response = transport.request(requestTo(server, { signal: controller.signal }))
    expect(await bodyOf(response)).toBe('0')
    expect(abortListeners(controller.signal)).toBe(0)
    controller.abort(reason)
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('0')
  })

  it('has the default reason of the signal where none is given', async () => {
    const server = await serve()
    const controller = new AbortController()
    const aborted = rejectionOf(
      new SocketTransport().request(requestTo(server, { signal: controller.signal })),
    )
    await (await server.accept()).request()
    controller.abort()
    expect(await aborted).toMatchObject({ name: 'AbortError' })
  })
})

describe('connectTimeoutMs', () => {
  it('bounds a TLS handshake that never comes, and gives the place back', async () => {
    const server = await serve(answerWithIndex, { tls, silentConnections: 1 })
    const transport = new SocketTransport({ maxSockets: 1, ca: tls.cert })
    const { signal } = new AbortController()
    controlTime()
    const failed = rejectionOf(
      transport.request(requestTo(onLocalhost(server), { connectTimeoutMs: 30, signal })),
    )
    await server.untilConnected(1)
    // On this side it is connected when it is on that one; the handshake begins then.
    await settleDown()
    vi.advanceTimersByTime(30)
    const error = await failed
    expect(error).toBeInstanceOf(ConnectTimeoutError)
    expect(error).toMatchObject({
      code: 'CONNECT_TIMEOUT',
      retryable: true,
      message: `no connection to https://localhost:${server.port} within 30 ms`,
    })
    expect(abortListeners(signal)).toBe(0)
    await server.silentClosed()
    expect(await bodyOf(transport.request(requestTo(onLocalhost(server))))).toBe('0')
  })

  it('gives way to a deadline that is nearer', async () => {
    const server = await serve(undefined, { tls, silentConnections: 1 })
    const request = requestTo(onLocalhost(server), { deadlineAtMs: performance.now() + 30 })
    expect(await rejectionOf(new SocketTransport().request(request))).toBeInstanceOf(ConnectTimeoutError)
  })

  it('does not touch a connection that was made in time', async () => {
    const server = await serve(answerWithIndex)
    controlTime()
    const transport = new SocketTransport()
    await transport.request(requestTo(server, { connectTimeoutMs: 200 }))
    vi.advanceTimersByTime(250)
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('0')
  })

  it('is not negative in the message when the deadline has passed', async () => {
    const server = await serve(undefined, { tls, silentConnections: 1 })
    const request = requestTo(onLocalhost(server), { deadlineAtMs: performance.now() - 1000 })
    expect(await rejectionOf(new SocketTransport().request(request))).toMatchObject({
      name: 'ConnectTimeoutError',
      // What it waited for, if only for the name of the host, is behind that.
      message: expect.stringMatching(/^no connection to \S+ within 0 ms\b/) as unknown,
    })
  })
})
