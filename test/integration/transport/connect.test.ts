import { Socket } from 'node:net'
import { networkInterfaces } from 'node:os'

import { describe, expect, it, onTestFinished, vi } from 'vitest'

import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import { rejectionOf } from '../../support/failure.ts'
import { answerWithIndex, bodyOf, forbidUnhandledRejections, requestTo, serve } from './harness.ts'

forbidUnhandledRejections()

const hasIPv6 = Object.values(networkInterfaces()).some(addresses =>
  addresses?.some(({ address }) => address === '::1'),
)

/** A port on which nobody listens. */
async function unusedPort(): Promise<number> {
  const server = await serve()
  await server.stopListening()
  return server.port
}

describe('connecting', () => {
  it('takes host names', async () => {
    const { port } = await serve(answerWithIndex)
    const transport = new SocketTransport()
    expect(await bodyOf(transport.request(requestTo({ url: `http://localhost:${port}` })))).toBe('0')
  })

  it('turns off the delay that waits for more to send', async () => {
    const setNoDelay = vi.spyOn(Socket.prototype, 'setNoDelay')
    onTestFinished(() => {
      setNoDelay.mockRestore()
    })
    await new SocketTransport().request(requestTo(await serve(answerWithIndex)))
    expect(setNoDelay.mock.calls).toEqual([[true]])
  })

  it.runIf(hasIPv6)('takes IPv6 addresses', async () => {
    const server = await serve(answerWithIndex, { host: '::1' })
    expect(server.url).toContain('[::1]')
    expect(await bodyOf(new SocketTransport().request(requestTo(server)))).toBe('0')
  })

  it.each(['127.0.0.1', 'localhost'])('to %s is refused where nobody listens, each time', async host => {
    const url = `http://${host}:${await unusedPort()}`
    const transport = new SocketTransport({ maxSockets: 1 })
    for (let count = 0; count < 2; count++) {
      expect(await rejectionOf(transport.request(requestTo({ url })))).toMatchObject({
        name: 'ConnectionError',
        code: 'CONNECTION_FAILED',
        retryable: true,
        message:
          `could not connect to ${url} (ECONNREFUSED); ` +
          'check that the server is running, and host and port of the endpoint',
        cause: { code: 'ECONNREFUSED' },
      })
    }
    await transport.close()
  })

  it('to a name that cannot be resolved says so', async () => {
    // A label of more than 63 characters cannot be asked for: no name server hears of it.
    const hostname = `${'a'.repeat(64)}.invalid`
    const error = await rejectionOf(new SocketTransport().request(requestTo({ url: `http://${hostname}` })))
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'CONNECTION_FAILED', retryable: true })
    expect(error).toHaveProperty(
      'message',
      expect.stringMatching(
        /^the host name a{64}\.invalid could not be resolved \(E\w+\); check .*the spelling of the region and the endpoint$/,
      ),
    )
  })
})
