import { describe, expect, it, vi } from 'vitest'

import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import { rejectionOf } from '../../support/failure.ts'
import type { RawConnection, RawServer } from '../../support/raw-server.ts'
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

/** Opens this many connections, all of which are idle afterwards, the latest used last. */
async function openIdle(
  transport: SocketTransport,
  server: RawServer,
  count: number,
): Promise<RawConnection[]> {
  const open: { connection: RawConnection; response: Promise<string> }[] = []
  for (let index = 0; index < count; index++) {
    const response = bodyOf(transport.request(requestTo(server)))
    const connection = await server.accept()
    await connection.request()
    open.push({ connection, response })
  }
  for (const { connection, response } of open) {
    connection.send(httpResponse('open'))
    await response
  }
  return open.map(({ connection }) => connection)
}

/** Answers the next request of a connection and waits for the response to arrive. */
async function answerOn(connection: RawConnection | undefined, response: Promise<unknown>): Promise<void> {
  await connection?.request()
  connection?.send(httpResponse())
  await response
}

describe('reuse', () => {
  it('keeps one connection for requests in a row', async () => {
    const server = await serve(answerWithIndex)
    const transport = new SocketTransport()
    for (let count = 0; count < 10; count++) {
      expect(await bodyOf(transport.request(requestTo(server)))).toBe('0')
    }
    expect(server.connections).toHaveLength(1)
  })

  it('takes the connection that was used last', async () => {
    const server = await serve()
    const transport = new SocketTransport()
    const [first, second, third] = await openIdle(transport, server, 3)
    const expected = [third, second, first]
    const responses = ['a', 'b', 'c'].map(async body =>
      bodyOf(transport.request(requestTo(server, { body }))),
    )
    const bodies: (string | undefined)[] = []
    for (const connection of expected) {
      bodies.push((await connection?.request())?.body)
      connection?.send(httpResponse())
    }
    await Promise.all(responses)
    expect(bodies).toEqual(['a', 'b', 'c'])
    expect(server.connections).toHaveLength(3)
  })

  it('keeps the connections of each endpoint apart', async () => {
    const servers = await Promise.all([serve(answerWithIndex), serve(answerWithIndex)])
    const transport = new SocketTransport({ maxSockets: 1 })
    for (let count = 0; count < 2; count++) {
      for (const server of servers) expect(await bodyOf(transport.request(requestTo(server)))).toBe('0')
    }
    for (const server of servers) expect(server.connections).toHaveLength(1)
  })

  it('shares the connections among the paths of an endpoint', async () => {
    const server = await serve(answerWithIndex)
    const transport = new SocketTransport()
    await transport.request(requestTo({ url: `${server.url}/one/` }))
    await transport.request(requestTo({ url: `${server.url}/two/` }))
    expect(server.connections).toHaveLength(1)
  })

  it('opens connections at the same time where requests come at the same time', async () => {
    const server = await serve()
    const transport = new SocketTransport()
    const responses = Array.from({ length: 64 }, async () => bodyOf(transport.request(requestTo(server))))
    for (const _ of responses) await (await server.accept()).request()
    for (const connection of server.connections) connection.send(httpResponse())
    await Promise.all(responses)
    expect(server.connections).toHaveLength(64)
  })

  it('delivers every answer to its own request when many are under way', async () => {
    const server = await serve(async connection => connection.answerAll(({ body }) => httpResponse(body)))
    const transport = new SocketTransport({ maxSockets: 4 })
    const bodies = Array.from({ length: 500 }, (_, index) => `request ${index}`)
    const answers = await Promise.all(
      bodies.map(async body => bodyOf(transport.request(requestTo(server, { body })))),
    )
    expect(answers).toEqual(bodies)
    expect(server.connections).toHaveLength(4)
  })
})

describe('maxSockets', () => {
  it('is never exceeded, and requests wait first in, first out', async () => {
    const server = await serve()
    const transport = new SocketTransport({ maxSockets: 2 })
    const bodies = ['a', 'b', 'c', 'd', 'e', 'f']
    const done: string[] = []
    const responses = bodies.map(async body => {
      await transport.request(requestTo(server, { body }))
      done.push(body)
    })
    const connections = [await server.accept(), await server.accept()]
    const arrived: string[] = []
    for (let turn = 0; turn < bodies.length; turn++) {
      const connection = connections[turn % 2]
      arrived.push((await connection?.request())?.body ?? '')
      connection?.send(httpResponse())
    }
    await Promise.all(responses)
    expect([...arrived].sort()).toEqual(bodies)
    expect(arrived.slice(2)).toEqual(['c', 'd', 'e', 'f'])
    expect(done).toEqual(arrived)
    expect(server.connections).toHaveLength(2)
  })

  it('is 64 by default', async () => {
    const server = await serve()
    const transport = new SocketTransport()
    const responses = Array.from({ length: 65 }, async () => transport.request(requestTo(server)))
    for (let count = 0; count < 64; count++) await (await server.accept()).request()
    await settleDown()
    expect(server.connections).toHaveLength(64)
    const [first] = server.connections
    first?.send(httpResponse())
    await first?.request()
    for (const connection of server.connections) connection.send(httpResponse())
    await Promise.all(responses)
    expect(server.connections).toHaveLength(64)
  })

  it('lets the next request open a connection in place of one that is lost', async () => {
    const server = await serve(async connection => {
      await connection.request()
      if (connection.index === 0) connection.reset()
      else connection.send(httpResponse(`${connection.index}`))
    })
    const transport = new SocketTransport({ maxSockets: 1 })
    const lost = rejectionOf(transport.request(requestTo(server)))
    const waiting = bodyOf(transport.request(requestTo(server)))
    expect(await lost).toMatchObject({ code: 'CONNECTION_LOST' })
    expect(await waiting).toBe('1')
  })

  it('lets the next request open a connection in place of one that the server wants closed', async () => {
    const server = await serve(async connection =>
      connection.answerAll(() => httpResponse(`${connection.index}`, { headers: { connection: 'close' } })),
    )
    const transport = new SocketTransport({ maxSockets: 1 })
    const answers = [1, 2, 3].map(async () => bodyOf(transport.request(requestTo(server))))
    expect(await Promise.all(answers)).toEqual(['0', '1', '2'])
  })
})

describe('the queue', () => {
  it('is refused to requests beyond maxQueued, and open again afterwards', async () => {
    const server = await serve()
    const transport = new SocketTransport({ maxSockets: 1, maxQueued: 2 })
    const responses = [1, 2, 3].map(async () => bodyOf(transport.request(requestTo(server))))
    const error = await rejectionOf(transport.request(requestTo(server)))
    expect(error).toMatchObject({
      name: 'ConnectionError',
      code: 'QUEUE_FULL',
      retryable: false,
      message: `1 connections to ${server.url} are busy and 2 requests are waiting for one`,
    })
    const connection = await server.accept()
    const answering = connection.answerAll(() => httpResponse())
    await Promise.all(responses)
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('{}')
    connection.socket.destroy()
    await answering
  })

  it('is left while there is time for an attempt, and the request is never sent', async () => {
    const server = await serve()
    const transport = new SocketTransport({ maxSockets: 1, maxQueued: 1 })
    const running = bodyOf(transport.request(requestTo(server, { body: 'running' })))
    const connection = await server.accept()
    await connection.request()
    const { signal } = new AbortController()
    const error = await rejectionOf(
      transport.request(requestTo(server, { signal, body: 'late', deadlineAtMs: performance.now() + 20 })),
    )
    expect(error).toMatchObject({
      name: 'ConnectionError',
      code: 'POOL_TIMEOUT',
      message: expect.stringMatching(
        `^none of 1 connections to ${server.url} became free within \\d+ ms$`,
      ) as string,
      retryable: false,
    })
    expect(abortListeners(signal)).toBe(0)

    const next = bodyOf(transport.request(requestTo(server, { body: 'next' })))
    connection.send(httpResponse())
    await running
    expect((await connection.request()).body).toBe('next')
    connection.send(httpResponse())
    await next
  })

  it('passes over who has too little time left for an attempt', async () => {
    const server = await serve()
    const transport = new SocketTransport({ maxSockets: 1 })
    const running = bodyOf(transport.request(requestTo(server, { body: 'running' })))
    const connection = await server.accept()
    await connection.request()
    const nowMs = performance.now()
    const late = rejectionOf(
      transport.request(requestTo(server, { body: 'late', deadlineAtMs: nowMs + 60_000 })),
    )
    const next = bodyOf(transport.request(requestTo(server, { body: 'next', deadlineAtMs: nowMs + 600_000 })))
    // As under load: time has gone by, and the timer of the one who is late has not run.
    vi.spyOn(performance, 'now').mockReturnValue(nowMs + 51_000)
    connection.send(httpResponse())
    await running
    expect(await late).toMatchObject({ code: 'POOL_TIMEOUT' })
    expect((await connection.request()).body).toBe('next')
    vi.restoreAllMocks()
    connection.send(httpResponse())
    await next
  })

  it('has its deadline forgotten once the request has a connection', async () => {
    const server = await serve()
    controlTime()
    const transport = new SocketTransport({ maxSockets: 1 })
    const { signal } = new AbortController()
    const first = bodyOf(transport.request(requestTo(server)))
    const second = bodyOf(transport.request(requestTo(server, { signal })))
    const connection = await server.accept()
    await connection.request()
    expect(abortListeners(signal)).toBe(1)
    connection.send(httpResponse('first'))
    expect(await first).toBe('first')
    await connection.request()
    expect(abortListeners(signal)).toBe(1)
    // The attempt's own.
    expect(vi.getTimerCount()).toBe(1)
    connection.send(httpResponse('second'))
    expect(await second).toBe('second')
    expect(abortListeners(signal)).toBe(0)
  })
})

describe('an idle connection', () => {
  it('is closed after idleTimeoutMs', async () => {
    const server = await serve(answerWithIndex)
    const transport = new SocketTransport({ idleTimeoutMs: 20 })
    await transport.request(requestTo(server))
    await server.connections[0]?.closed
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('1')
  })

  it('is closed when its own time is up, not when that of others is', async () => {
    const server = await serve()
    controlTime()
    const transport = new SocketTransport({ idleTimeoutMs: 1000 })
    const [first, second] = await openIdle(transport, server, 2)
    vi.advanceTimersByTime(600)
    await answerOn(second, transport.request(requestTo(server)))
    vi.advanceTimersByTime(600)
    await first?.closed
    await answerOn(second, transport.request(requestTo(server)))
    vi.advanceTimersByTime(999)
    await settleDown()
    expect(second?.socket.closed).toBe(false)
    vi.advanceTimersByTime(1)
    await second?.closed
    expect(server.connections).toHaveLength(2)
  })

  it('is closed together with all that have been idle for as long, and so are later ones', async () => {
    const server = await serve()
    controlTime()
    const transport = new SocketTransport({ idleTimeoutMs: 1000 })
    const connections = await openIdle(transport, server, 3)
    // The timer of the attempts goes at the end of the turn.
    await settleDown()
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(1000)
    await Promise.all(connections.map(async ({ closed }) => closed))
    expect(vi.getTimerCount()).toBe(0)
    const [later] = await openIdle(transport, server, 1)
    vi.advanceTimersByTime(1000)
    await later?.closed
    expect(server.connections).toHaveLength(4)
  })

  it('has 30 seconds by default', async () => {
    const server = await serve()
    controlTime()
    const [connection] = await openIdle(new SocketTransport(), server, 1)
    vi.advanceTimersByTime(29_999)
    await settleDown()
    expect(connection?.socket.closed).toBe(false)
    vi.advanceTimersByTime(1)
    await connection?.closed
    expect(server.connections).toHaveLength(1)
  })

  it('is not used when its time is up, even if no timer has run yet', async () => {
    const server = await serve(answerWithIndex)
    const transport = new SocketTransport({ idleTimeoutMs: 20 })
    await transport.request(requestTo(server))
    const until = performance.now() + 25
    while (performance.now() < until) {
      // Keeps the event loop busy.
    }
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('1')
    await server.connections[0]?.closed
  })

  it('is given up when the server closes it', async () => {
    const server = await serve()
    const transport = new SocketTransport({ maxSockets: 1 })
    const [first] = await openIdle(transport, server, 1)
    first?.end()
    await first?.closed
    const responses = ['a', 'b'].map(async body => bodyOf(transport.request(requestTo(server, { body }))))
    const second = await server.accept()
    const answering = second.answerAll(({ body }) => httpResponse(body))
    expect(await Promise.all(responses)).toEqual(['a', 'b'])
    expect(server.connections).toHaveLength(2)
    await transport.close()
    await answering
  })

  it('is given up when it breaks, and the others stay', async () => {
    const server = await serve()
    const transport = new SocketTransport({ maxSockets: 3 })
    const [first, second, third] = await openIdle(transport, server, 3)
    second?.reset()
    await second?.closed
    await settleDown()
    const responses = ['a', 'b'].map(async body => bodyOf(transport.request(requestTo(server, { body }))))
    expect((await third?.request())?.body).toBe('a')
    expect((await first?.request())?.body).toBe('b')
    first?.send(httpResponse())
    third?.send(httpResponse())
    await Promise.all(responses)
  })

  it('is given up when bytes come that nobody asked for, and they reach no request', async () => {
    const server = await serve()
    const transport = new SocketTransport({ maxSockets: 1 })
    const [first] = await openIdle(transport, server, 1)
    first?.send(httpResponse('stray'))
    await first?.closed
    const response = bodyOf(transport.request(requestTo(server)))
    const second = await server.accept()
    await second.request()
    second.send(httpResponse('asked for'))
    expect(await response).toBe('asked for')
  })
})
