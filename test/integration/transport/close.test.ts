import { describe, expect, it, vi } from 'vitest'

import { DynamoDBSessionsError } from '../../../src/errors.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import { rejectionOf } from '../../support/failure.ts'
import { httpResponse } from '../../support/raw-server.ts'
import { bodyOf, controlTime, forbidUnhandledRejections, requestTo, serve, settleDown } from './harness.ts'

forbidUnhandledRejections()

/** Whether a promise has settled by now. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  await settleDown()
  return Promise.race([promise.then(() => true), settleDown().then(() => false)])
}

describe('close', () => {
  it('has nothing to do on a transport that was never used', async () => {
    const transport = new SocketTransport()
    await expect(transport.close()).resolves.toBeUndefined()
    await expect(transport.close()).resolves.toBeUndefined()
  })

  it('refuses requests from then on', async () => {
    const server = await serve()
    const transport = new SocketTransport()
    await transport.close()
    const error = await rejectionOf(transport.request(requestTo(server)))
    expect(error).toBeInstanceOf(DynamoDBSessionsError)
    expect(error).toMatchObject({ code: 'STORE_CLOSED' })
    await settleDown()
    expect(server.connections).toHaveLength(0)
  })

  it('closes idle connections and leaves no timer', async () => {
    const server = await serve(async connection => connection.answerAll(() => httpResponse()))
    controlTime()
    const transport = new SocketTransport()
    await Promise.all([1, 2, 3].map(async () => transport.request(requestTo(server))))
    expect(server.connections).toHaveLength(3)
    await transport.close()
    expect(vi.getTimerCount()).toBe(0)
    await Promise.all(server.connections.map(async ({ closed }) => closed))
  })

  it('lets requests under way and waiting finish, refuses new ones meanwhile, and then resolves', async () => {
    const server = await serve()
    const transport = new SocketTransport({ maxSockets: 1 })
    const running = bodyOf(transport.request(requestTo(server, { body: 'running' })))
    const waiting = bodyOf(transport.request(requestTo(server, { body: 'waiting' })))
    const connection = await server.accept()
    expect((await connection.request()).body).toBe('running')
    const closing = transport.close()
    const again = transport.close()
    expect(await rejectionOf(transport.request(requestTo(server)))).toMatchObject({ code: 'STORE_CLOSED' })
    expect(await isDone(closing)).toBe(false)

    connection.send(httpResponse('first'))
    expect(await running).toBe('first')
    expect((await connection.request()).body).toBe('waiting')
    expect(await isDone(closing)).toBe(false)

    connection.send(httpResponse('second'))
    expect(await waiting).toBe('second')
    await closing
    await again
    await connection.closed
    expect(server.connections).toHaveLength(1)
  })

  it('waits for a connection that is being made, and for its answer', async () => {
    const server = await serve()
    const transport = new SocketTransport()
    const response = bodyOf(transport.request(requestTo(server)))
    const closing = transport.close()
    const connection = await server.accept()
    await connection.request()
    expect(await isDone(closing)).toBe(false)
    connection.send(httpResponse('late'))
    expect(await response).toBe('late')
    await closing
    await connection.closed
  })

  it('resolves when the last request fails', async () => {
    const server = await serve()
    const transport = new SocketTransport({ maxSockets: 2 })
    const failing = rejectionOf(transport.request(requestTo(server)))
    const connection = await server.accept()
    await connection.request()
    const closing = transport.close()
    connection.reset()
    expect(await failing).toMatchObject({ code: 'CONNECTION_LOST' })
    await closing
  })

  it('waits for every endpoint', async () => {
    const servers = await Promise.all([serve(), serve()])
    const transport = new SocketTransport()
    const responses = servers.map(async server => transport.request(requestTo(server)))
    const connections = await Promise.all(servers.map(async server => server.accept()))
    for (const connection of connections) await connection.request()
    const closing = transport.close()
    const [first, second] = connections
    first?.send(httpResponse())
    await responses[0]
    expect(await isDone(closing)).toBe(false)
    second?.send(httpResponse())
    await responses[1]
    await closing
  })

  it('waits for a request that is sent again on a new connection', async () => {
    const server = await serve()
    const transport = new SocketTransport({ maxSockets: 1 })
    const first = transport.request(requestTo(server))
    const stale = await server.accept()
    await stale.request()
    stale.send(httpResponse())
    await first
    const second = bodyOf(transport.request(requestTo(server)))
    await stale.request()
    const closing = transport.close()
    stale.end()
    const fresh = await server.accept()
    await fresh.request()
    expect(await isDone(closing)).toBe(false)
    fresh.send(httpResponse('again'))
    expect(await second).toBe('again')
    await closing
  })
})
