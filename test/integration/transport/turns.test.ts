import { beforeAll, describe, expect, it, vi } from 'vitest'

import { AttemptTimeoutError } from '../../../src/errors.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import { createCertificate, type KeyPair } from '../../support/certificates.ts'
import { blockEventLoop } from '../../support/event-loop.ts'
import { rejectionOf } from '../../support/failure.ts'
import { httpResponse, type RawConnection, type RawServer } from '../../support/raw-server.ts'
import { bodyOf, controlTime, forbidUnhandledRejections, requestTo, serve, settleDown } from './harness.ts'

forbidUnhandledRejections()

const MS_AFTER_TIMEOUT = 50

let tls: KeyPair

beforeAll(async () => {
  tls = await createCertificate()
})

function urlOf({ url, port }: RawServer, isTls: boolean): { readonly url: string } {
  return { url: isTls ? `https://localhost:${port}` : url }
}

async function answerWithBody(connection: RawConnection): Promise<void> {
  await connection.answerAll(({ body }) => httpResponse(body))
}

describe.each([
  ['over TCP', false],
  ['over TLS', true],
])('an event loop that was blocked beyond attemptTimeoutMs, %s', (_, isTls) => {
  it('does not cost the answer that has arrived meanwhile', async () => {
    const server = await serve(undefined, isTls ? { tls } : {})
    const transport = new SocketTransport({ ca: tls.cert })
    const request = requestTo(urlOf(server, isTls), { attemptTimeoutMs: 100 })
    const response = bodyOf(transport.request(request))
    const connection = await server.accept()
    await connection.request()
    connection.send(httpResponse('in time'))
    blockEventLoop(100 + MS_AFTER_TIMEOUT)
    expect(await response).toBe('in time')
  })

  it('is no reason to wait for an answer that has not arrived', async () => {
    const server = await serve(undefined, isTls ? { tls } : {})
    const transport = new SocketTransport({ ca: tls.cert })
    const request = requestTo(urlOf(server, isTls), { attemptTimeoutMs: 100 })
    const error = rejectionOf(transport.request(request))
    const connection = await server.accept()
    await connection.request()
    connection.send('HTTP/1.1 200 OK\r\n')
    blockEventLoop(100 + MS_AFTER_TIMEOUT)
    expect(await error).toBeInstanceOf(AttemptTimeoutError)
  })
})

describe.each([
  ['over TCP', false],
  ['over TLS', true],
])('an event loop that was blocked beyond connectTimeoutMs, %s', (_, isTls) => {
  it('does not cost the connections that are being made', async () => {
    const server = await serve(answerWithBody, isTls ? { tls } : {})
    const transport = new SocketTransport({ ca: tls.cert })
    const bodies = Array.from({ length: 8 }, (__, index) => String(index))
    const responses = bodies.map(async body =>
      bodyOf(transport.request(requestTo(urlOf(server, isTls), { body, connectTimeoutMs: 1000 }))),
    )
    blockEventLoop(1500)
    expect(await Promise.all(responses)).toEqual(bodies)
  })

  it('gives back no time beyond the deadline', async () => {
    const server = await serve(answerWithBody, isTls ? { tls } : {})
    const transport = new SocketTransport({ ca: tls.cert })
    const limits = { connectTimeoutMs: 50, deadlineAtMs: performance.now() + 100 }
    const error = rejectionOf(transport.request(requestTo(urlOf(server, isTls), limits)))
    blockEventLoop(100 + MS_AFTER_TIMEOUT)
    expect(await error).toMatchObject({
      name: expect.stringMatching(/^(?:Connect|Attempt)TimeoutError$/) as string,
    })
  })
})

describe('exchanges with different time limits', () => {
  it('each have their own, whichever began first', async () => {
    const server = await serve()
    controlTime()
    const transport = new SocketTransport()
    const send = async (attemptTimeoutMs: number): Promise<unknown> => {
      const error = rejectionOf(transport.request(requestTo(server, { attemptTimeoutMs })))
      await (await server.accept()).request()
      return error.then(found => ended.push(found))
    }
    const ended: unknown[] = []
    const [third, first, second] = [send(9000), send(3000), send(6000)]
    await Promise.all([0, 1, 2].map(async count => server.untilConnected(count + 1)))
    await settleDown()
    for (const [count, next] of [first, second, third].entries()) {
      vi.advanceTimersByTime(3000)
      await next
      expect(ended).toHaveLength(count + 1)
      expect(ended.at(-1)).toBeInstanceOf(AttemptTimeoutError)
    }
    await settleDown()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('requests of one turn of the event loop', () => {
  it('leave together, and every answer reaches its own, over TCP and TLS', async () => {
    for (const isTls of [false, true]) {
      const server = await serve(answerWithBody, isTls ? { tls } : {})
      const transport = new SocketTransport({ maxSockets: 8, ca: tls.cert })
      for (let round = 0; round < 5; round++) {
        const bodies = Array.from({ length: 20 }, (_, index) => `${round}-${index}`)
        const responses = bodies.map(async body =>
          bodyOf(transport.request(requestTo(urlOf(server, isTls), { body }))),
        )
        expect(await Promise.all(responses)).toEqual(bodies)
      }
      expect(server.connections).toHaveLength(8)
    }
  })

  it('are sent on a new connection when bytes come before that nobody asked for', async () => {
    const server = await serve(answerWithBody)
    const transport = new SocketTransport()
    const send = async (body: string): Promise<string> =>
      bodyOf(transport.request(requestTo(server, { body })))
    await Promise.all(['a', 'b', 'c'].map(send))
    expect(server.connections).toHaveLength(3)
    const outcome = await new Promise<string[]>(resolve => {
      setTimeout(() => {
        for (const connection of server.connections) connection.send(httpResponse('stray'))
        resolve(Promise.all(['x', 'y', 'z'].map(send)))
      })
    })
    expect(outcome).toEqual(['x', 'y', 'z'])
    expect(server.connections).toHaveLength(6)
  })
})
