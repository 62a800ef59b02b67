import { TLSSocket } from 'node:tls'

import { beforeAll, describe, expect, it } from 'vitest'

import { ConnectionError } from '../../../src/errors.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import { createAuthority, createCertificate, type KeyPair } from '../../support/certificates.ts'
import { rejectionOf } from '../../support/failure.ts'
import { httpResponse, type RawConnection } from '../../support/raw-server.ts'
import { answerWithIndex, bodyOf, forbidUnhandledRejections, requestTo, serve } from './harness.ts'

forbidUnhandledRejections()

let authority: KeyPair
let otherAuthority: KeyPair
let trusted: KeyPair

beforeAll(async () => {
  ;[authority, otherAuthority] = await Promise.all([createAuthority('Test CA'), createAuthority('Other CA')])
  trusted = await createCertificate({ authority, addresses: ['127.0.0.1'] })
})

function onLocalhost({ port }: { readonly port: number }): { readonly url: string } {
  return { url: `https://localhost:${port}` }
}

function tlsSocketOf({ socket }: RawConnection): TLSSocket {
  if (socket instanceof TLSSocket) return socket
  throw new Error('the connection does not speak TLS')
}

describe('a certificate', () => {
  it('of an authority passed as "ca" is accepted, alone and among others', async () => {
    const server = await serve(answerWithIndex, { tls: trusted })
    for (const ca of [authority.cert, [otherAuthority.cert, authority.cert]]) {
      const transport = new SocketTransport({ ca })
      expect(await bodyOf(transport.request(requestTo(onLocalhost(server))))).toMatch(/^[01]$/)
    }
  })

  it('for an IP address is accepted where the endpoint is one', async () => {
    const server = await serve(answerWithIndex, { tls: trusted })
    expect(await bodyOf(new SocketTransport({ ca: authority.cert }).request(requestTo(server)))).toBe('0')
  })

  it.each([
    [
      'that is signed by itself',
      {},
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      [
        'was rejected',
        'if it is signed by a certificate authority of your own, pass that as the option "ca"',
      ],
    ],
    [
      'of an unknown authority',
      { signed: true },
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      [
        'was rejected',
        'if it is signed by a certificate authority of your own, pass that as the option "ca"',
      ],
    ],
    [
      'for another host',
      { signed: true, hostnames: ['other.example'], ca: true },
      'ERR_TLS_CERT_ALTNAME_INVALID',
      ['is for another host', 'check the host name in the endpoint'],
    ],
    [
      'that has expired',
      { signed: true, expired: true, ca: true },
      'CERT_HAS_EXPIRED',
      ['has expired', 'have it renewed, or set the clock of this machine right'],
    ],
  ])(
    '%s is refused before anything is sent',
    async (_, { signed, ca, ...options }: CertificateCase, code, [problem, remedy]) => {
      const certificate = await createCertificate({ ...options, ...(signed === true && { authority }) })
      const server = await serve(answerWithIndex, { tls: certificate })
      const transport = new SocketTransport({ maxSockets: 1, ca: ca === true ? authority.cert : undefined })
      const request = requestTo(onLocalhost(server))
      const error = await rejectionOf(transport.request(request))
      expect(error).toBeInstanceOf(ConnectionError)
      expect(error).toMatchObject({
        code: 'CERTIFICATE_REJECTED',
        retryable: false,
        message: `the TLS certificate of ${request.endpoint.origin} ${problem} (${code}); ${remedy}`,
        cause: { code },
      })
      await transport.close()
    },
  )

  it('for a host name is refused where the endpoint is an IP address it does not name', async () => {
    const certificate = await createCertificate({ authority })
    const server = await serve(answerWithIndex, { tls: certificate })
    const transport = new SocketTransport({ ca: authority.cert })
    expect(await rejectionOf(transport.request(requestTo(server)))).toMatchObject({
      code: 'CERTIFICATE_REJECTED',
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    })
  })

  it('that Node would trust is not trusted beside "ca"', async () => {
    const server = await serve(answerWithIndex, { tls: trusted })
    const transport = new SocketTransport({ ca: otherAuthority.cert })
    expect(await rejectionOf(transport.request(requestTo(onLocalhost(server))))).toMatchObject({
      code: 'CERTIFICATE_REJECTED',
    })
  })
})

interface CertificateCase {
  readonly signed?: boolean
  readonly ca?: boolean
  readonly hostnames?: readonly string[]
  readonly expired?: boolean
}

describe('a TLS connection', () => {
  it('names the host it wants, and HTTP/1.1', async () => {
    const server = await serve(answerWithIndex, { tls: { ...trusted, ALPNProtocols: ['h2', 'http/1.1'] } })
    const transport = new SocketTransport({ ca: authority.cert })
    await transport.request(requestTo(onLocalhost(server)))
    await transport.request(requestTo(server))
    const sockets = server.connections.map(tlsSocketOf)
    expect(sockets.map(({ servername }) => servername)).toEqual(['localhost', false])
    expect(sockets.map(({ alpnProtocol }) => alpnProtocol)).toEqual(['http/1.1', 'http/1.1'])
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s resumes the session of an earlier one', async version => {
    const sessions: { protocol: string | null; resumed: boolean }[] = []
    const server = await serve(
      async connection => {
        const socket = tlsSocketOf(connection)
        sessions.push({ protocol: socket.getProtocol(), resumed: socket.isSessionReused() })
        await connection.answerAll(() =>
          httpResponse(`${connection.index}`, { headers: { connection: 'close' } }),
        )
      },
      { tls: { ...trusted, minVersion: version, maxVersion: version } },
    )
    const transport = new SocketTransport({ ca: authority.cert })
    for (let index = 0; index < 3; index++) {
      expect(await bodyOf(transport.request(requestTo(onLocalhost(server))))).toBe(`${index}`)
    }
    expect(sessions).toEqual([
      { protocol: version, resumed: false },
      { protocol: version, resumed: true },
      { protocol: version, resumed: true },
    ])
  })

  it('to an address shows its certificate each time', async () => {
    const resumed: boolean[] = []
    const server = await serve(
      async connection => {
        resumed.push(tlsSocketOf(connection).isSessionReused())
        await connection.answerAll(() =>
          httpResponse(`${connection.index}`, { headers: { connection: 'close' } }),
        )
      },
      { tls: trusted },
    )
    const transport = new SocketTransport({ ca: authority.cert })
    for (let index = 0; index < 3; index++) {
      expect(await bodyOf(transport.request(requestTo(server)))).toBe(`${index}`)
    }
    expect(resumed).toEqual([false, false, false])
  })

  it('is kept and reused like any other', async () => {
    const server = await serve(answerWithIndex, { tls: trusted })
    const transport = new SocketTransport({ ca: authority.cert })
    for (let count = 0; count < 3; count++) {
      expect(await bodyOf(transport.request(requestTo(onLocalhost(server))))).toBe('0')
    }
    await transport.close()
    await server.connections[0]?.closed
  })

  it('that dies idle has the next request sent on a new one', async () => {
    const server = await serve(
      async connection => {
        await connection.request()
        connection.send(httpResponse(`${connection.index}`))
        await connection.request()
        connection.end()
      },
      { tls: trusted },
    )
    const transport = new SocketTransport({ ca: authority.cert })
    expect(await bodyOf(transport.request(requestTo(onLocalhost(server))))).toBe('0')
    expect(await bodyOf(transport.request(requestTo(onLocalhost(server))))).toBe('1')
  })

  it('that is closed within the handshake may be tried again', async () => {
    const server = await serve(connection => {
      connection.end()
    })
    const transport = new SocketTransport({ maxSockets: 1 })
    const error = await rejectionOf(transport.request(requestTo(onLocalhost(server))))
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable: true })
    await transport.close()
  })

  it('that is broken within the handshake may be tried again', async () => {
    const server = await serve(connection => {
      connection.reset()
    })
    const error = await rejectionOf(new SocketTransport().request(requestTo(onLocalhost(server))))
    expect(error).toMatchObject({
      code: 'CONNECTION_FAILED',
      retryable: true,
      cause: { code: 'ECONNRESET' },
    })
  })
})

describe('the wrong protocol', () => {
  it('https to a port that speaks HTTP fails for good', async () => {
    const server = await serve(connection => {
      connection.send('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
    })
    const request = requestTo(onLocalhost(server))
    const error = await rejectionOf(new SocketTransport().request(request))
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable: false })
    expect(error).toHaveProperty(
      'message',
      expect.stringMatching(
        /^there is no TLS at https:\/\/localhost:\d+ \(ERR_SSL_\w+\); check the port, or write http:\/\/ /,
      ),
    )
  })

  it('http to a port that speaks TLS is an unusable answer or a lost connection', async () => {
    const { port } = await serve(answerWithIndex, { tls: trusted })
    const error = await rejectionOf(
      new SocketTransport().request(requestTo({ url: `http://localhost:${port}` })),
    )
    expect(error).toBeInstanceOf(ConnectionError)
    expect(error).toHaveProperty('code', expect.stringMatching(/^(INVALID_RESPONSE|CONNECTION_LOST)$/))
  })
})
