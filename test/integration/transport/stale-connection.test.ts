import { describe, expect, it } from 'vitest'

import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import type { TransportRequest } from '../../../src/aws/http/transport.ts'
import { rejectionOf } from '../../support/failure.ts'
import type { ConnectionScript, RawConnection, RawServer } from '../../support/raw-server.ts'
import { httpResponse } from '../../support/raw-server.ts'
import { abortListeners, bodyOf, forbidUnhandledRejections, requestTo, serve, settleDown } from './harness.ts'

forbidUnhandledRejections()

const connectionLost = { code: 'CONNECTION_LOST', retryable: true }

/** Answers the first request of each connection, and does something else upon the second. */
function uponSecond(
  seen: string[],
  { first, second }: { first?: ConnectionScript; second: ConnectionScript },
): ConnectionScript {
  return async connection => {
    const note = async (): Promise<void> => {
      seen.push(`${connection.index}: ${(await connection.request()).body}`)
    }
    await note()
    if (first !== undefined && connection.index > 0) return first(connection)
    connection.send(httpResponse(`${connection.index}`))
    await note()
    await second(connection)
  }
}

async function sendTwo(
  transport: SocketTransport,
  server: RawServer,
  overrides: Partial<TransportRequest> = {},
): Promise<unknown> {
  expect(await bodyOf(transport.request(requestTo(server, { body: 'a' })))).toBe('0')
  return transport.request(requestTo(server, { body: 'b', ...overrides })).then(
    ({ body }) => body.toString(),
    (error: unknown) => error,
  )
}

const breaks: readonly (readonly [string, (connection: RawConnection) => void])[] = [
  [
    'closes it',
    connection => {
      connection.end()
    },
  ],
  [
    'breaks it',
    connection => {
      connection.reset()
    },
  ],
]

describe.each(breaks)('a kept connection whose server %s upon the next request', (_, lose) => {
  it('has the request sent again on a new connection', async () => {
    const seen: string[] = []
    const server = await serve(uponSecond(seen, { second: lose }))
    const transport = new SocketTransport()
    expect(await sendTwo(transport, server)).toBe('1')
    expect(seen).toEqual(['0: a', '0: b', '1: b'])
    await server.connections[0]?.closed
  })

  it('has it sent again once and not twice', async () => {
    const seen: string[] = []
    const server = await serve(uponSecond(seen, { first: lose, second: lose }))
    const transport = new SocketTransport({ maxSockets: 1 })
    expect(await sendTwo(transport, server)).toMatchObject(connectionLost)
    expect(seen).toEqual(['0: a', '0: b', '1: b'])
    await transport.close()
  })
})

describe('a request', () => {
  it.each(breaks)('on a new connection is not sent again when the server %s', async (_, lose) => {
    const server = await serve(async connection => {
      await connection.request()
      lose(connection)
    })
    expect(await rejectionOf(new SocketTransport().request(requestTo(server)))).toMatchObject(connectionLost)
    expect(server.connections).toHaveLength(1)
  })

  it('is not sent again when the server closes a kept connection within the answer', async () => {
    const seen: string[] = []
    const server = await serve(
      uponSecond(seen, {
        second: connection => {
          connection.send('H')
          connection.end()
        },
      }),
    )
    expect(await sendTwo(new SocketTransport(), server)).toMatchObject({ code: 'INVALID_RESPONSE' })
    expect(seen).toEqual(['0: a', '0: b'])
  })

  it('is not sent again when a kept connection breaks after one byte of the answer', async () => {
    const seen: string[] = []
    const server = await serve(
      uponSecond(seen, {
        second: async connection => {
          connection.send('H')
          await settleDown()
          connection.reset()
        },
      }),
    )
    expect(await sendTwo(new SocketTransport(), server)).toMatchObject(connectionLost)
    expect(seen).toEqual(['0: a', '0: b'])
  })

  it('is not sent again after a timeout, an abort or an answer that is not HTTP', async () => {
    const seen: string[] = []
    const silent = await serve(uponSecond(seen, { second: () => {} }))
    expect(await sendTwo(new SocketTransport(), silent, { attemptTimeoutMs: 20 })).toMatchObject({
      code: 'ATTEMPT_TIMEOUT',
    })
    await silent.connections[0]?.closed
    expect(seen).toEqual(['0: a', '0: b'])

    const reason = new Error('enough')
    const controller = new AbortController()
    const aborting = await serve(
      uponSecond(seen, {
        second: () => {
          controller.abort(reason)
        },
      }),
    )
    expect(await sendTwo(new SocketTransport(), aborting, { signal: controller.signal })).toBe(reason)
    expect(seen).toEqual(['0: a', '0: b', '0: a', '0: b'])

    const garbage = await serve(
      uponSecond(seen, {
        second: connection => {
          connection.send('\r\n\r\n')
        },
      }),
    )
    expect(await sendTwo(new SocketTransport(), garbage)).toMatchObject({ code: 'INVALID_RESPONSE' })
    expect(seen).toEqual(['0: a', '0: b', '0: a', '0: b', '0: a', '0: b'])
  })

  it('that is sent again goes ahead of those that wait, in the same place', async () => {
    const seen: string[] = []
    const server = await serve(async connection => {
      for (let request = await connection.nextRequest(); request; request = await connection.nextRequest()) {
        seen.push(`${connection.index}: ${request.body}`)
        if (request.body === 'b' && connection.index === 0) connection.end()
        else connection.send(httpResponse())
      }
    })
    const transport = new SocketTransport({ maxSockets: 1 })
    await transport.request(requestTo(server, { body: 'a' }))
    await Promise.all(['b', 'c', 'd'].map(async body => transport.request(requestTo(server, { body }))))
    expect(seen).toEqual(['0: a', '0: b', '1: b', '1: c', '1: d'])
    expect(server.connections).toHaveLength(2)
  })

  it('that waited and was given a kept connection is sent again as well', async () => {
    const seen: string[] = []
    const server = await serve(
      uponSecond(seen, {
        second: connection => {
          connection.end()
        },
      }),
    )
    const transport = new SocketTransport({ maxSockets: 1 })
    const first = bodyOf(transport.request(requestTo(server, { body: 'a' })))
    const second = bodyOf(transport.request(requestTo(server, { body: 'b' })))
    expect(await Promise.all([first, second])).toEqual(['0', '1'])
    expect(seen).toEqual(['0: a', '0: b', '1: b'])
  })

  it('that is sent again has its answers and limits like any other', async () => {
    const seen: string[] = []
    const server = await serve(
      uponSecond(seen, {
        first: () => {},
        second: connection => {
          connection.end()
        },
      }),
    )
    const transport = new SocketTransport({ maxSockets: 1 })
    const { signal } = new AbortController()
    expect(await sendTwo(transport, server, { attemptTimeoutMs: 100, signal })).toMatchObject({
      code: 'ATTEMPT_TIMEOUT',
    })
    expect(abortListeners(signal)).toBe(0)
    await server.connections[1]?.closed
    await transport.close()
  })

  it('that cannot be sent again, because the server is gone, gives its place back', async () => {
    const server = await serve()
    const transport = new SocketTransport({ maxSockets: 1 })
    const first = bodyOf(transport.request(requestTo(server)))
    const connection = await server.accept()
    await connection.request()
    connection.send(httpResponse())
    await first
    const second = rejectionOf(transport.request(requestTo(server)))
    await connection.request()
    await server.stopListening()
    connection.end()
    expect(await second).toMatchObject({ code: 'CONNECTION_FAILED', cause: { code: 'ECONNREFUSED' } })
    expect(await rejectionOf(transport.request(requestTo(server)))).toMatchObject({
      code: 'CONNECTION_FAILED',
    })
    await transport.close()
  })
})
