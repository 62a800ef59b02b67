import { once } from 'node:events'
import type { LookupAddress } from 'node:dns'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import { isIP, Socket } from 'node:net'

import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'

import { messageOf } from '../../../src/internal/core-objects.ts'
import { ConnectionError, ConnectTimeoutError } from '../../../src/errors.ts'
import { type AddressLookup, ResolverCache } from '../../../src/aws/http/resolver-cache.ts'
import { SocketTransport, type SocketTransportOptions } from '../../../src/aws/http/socket-transport.ts'
import { createAuthority, createCertificate, type KeyPair } from '../../support/certificates.ts'
import { rejectionOf } from '../../support/failure.ts'
import { startFakeProxy } from '../../support/fake-proxy.ts'
import { stop } from '../../support/loopback.ts'
import { TraceRecorder } from '../observability/trace-recorder.ts'
import { bodyOf, forbidUnhandledRejections, requestTo } from './harness.ts'

forbidUnhandledRejections()

const HOST = 'dynamodb.eu-west-1.example.test'

/** Servers with one port on several addresses, which answer with the address. */
class Hosts {
  readonly #servers = new Map<string, Server>()
  readonly #tls: ServerOptions | undefined
  #port = 0

  constructor(tls?: ServerOptions) {
    this.#tls = tls
  }

  static async on(addresses: readonly string[], tls?: ServerOptions): Promise<Hosts> {
    const hosts = new Hosts(tls)
    for (const address of addresses) await hosts.start(address)
    return hosts
  }

  get url(): string {
    return `${this.#tls === undefined ? 'http' : 'https'}://${HOST}:${this.#port}`
  }

  async start(address: string): Promise<void> {
    const answer: Parameters<typeof createServer>[1] = (request, response) => {
      request.resume().on('end', () => response.end(address))
    }
    const server = this.#tls === undefined ? createServer(answer) : createTlsServer(this.#tls, answer)
    server.listen(this.#port, address)
    await once(server, 'listening')
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw new Error('the server has no port')
    this.#port = bound.port
    this.#servers.set(address, server)
    onTestFinished(() => stop(server))
  }

  async stop(address: string): Promise<void> {
    const server = this.#servers.get(address)
    if (server !== undefined) await stop(server)
  }

  cut(): void {
    for (const server of this.#servers.values()) server.closeAllConnections()
  }
}

/** A name server in miniature: addresses, an error, or no response. */
class Names {
  answer: readonly string[] | { readonly code: string } | 'hang'
  lookups = 0
  readonly #hanging: (() => void)[] = []

  constructor(answer: Names['answer']) {
    this.answer = answer
  }

  readonly lookup: AddressLookup = (_hostname, _options, callback) => {
    this.lookups++
    const respond = (): void => {
      if (this.answer === 'hang') {
        this.#hanging.push(respond)
      } else if ('code' in this.answer) {
        callback(Object.assign(new Error('look-up failed'), { code: this.answer.code }), [])
      } else {
        callback(
          null,
          this.answer.map((address): LookupAddress => ({ address, family: isIP(address) })),
        )
      }
    }
    setImmediate(respond)
  }

  /** Responds to everything that hangs. */
  wake(): void {
    for (const respond of this.#hanging.splice(0)) respond()
  }
}

function transportWith(names: Names, options: SocketTransportOptions = {}): SocketTransport {
  const transport = new SocketTransport({ resolver: new ResolverCache(names.lookup), ...options })
  onTestFinished(() => transport.close())
  return transport
}

/** Sends requests at the same time; returns the addresses that answered. */
async function send(transport: SocketTransport, { url }: Hosts, count = 1): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, async () => bodyOf(transport.request(requestTo({ url })))))
}

// Elsewhere only 127.0.0.1 belongs to the loopback interface.
describe.runIf(process.platform === 'linux')('the addresses of an endpoint', () => {
  let authority: KeyPair
  beforeAll(async () => {
    authority = await createAuthority('Test CA')
  })

  it('share the connections, of one look-up for all that are opened at the same time', async () => {
    const addresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
    const names = new Names(addresses)
    const served = await send(transportWith(names), await Hosts.on(addresses), 6)
    expect(served.toSorted()).toEqual([...addresses, ...addresses].toSorted())
    expect(names.lookups).toBe(1)
  })

  it('are others for a hedge, on an idle connection as on a new one', async () => {
    const addresses = ['127.0.0.1', '127.0.0.2']
    const hosts = await Hosts.on(addresses)
    const transport = transportWith(new Names(addresses))
    const hedge = async (avoided: string): Promise<[served: string, sentTo: string[]]> => {
      const sentTo = new Set([avoided])
      const served = await bodyOf(transport.request(requestTo(hosts, { sentTo, isHedge: true })))
      return [served, [...sentTo]]
    }
    expect(await hedge('127.0.0.1')).toEqual(['127.0.0.2', addresses])
    // What is idle goes to the address that is avoided.
    expect(await hedge('127.0.0.2')).toEqual(['127.0.0.2', ['127.0.0.2']])
    await send(transport, hosts, 4)
    for (const address of [...addresses, ...addresses]) {
      const [served] = await hedge(address)
      expect(served).not.toBe(address)
    }
  })

  it('are tried one after the other, and one that failed is left alone', async () => {
    const hosts = await Hosts.on(['127.0.0.1', '127.0.0.2'])
    await hosts.stop('127.0.0.1')
    const transport = transportWith(new Names(['127.0.0.1', '127.0.0.2']))
    const attempts = vi.spyOn(Socket.prototype, 'emit')
    onTestFinished(() => {
      attempts.mockRestore()
    })
    const failures = (): number =>
      attempts.mock.calls.filter((call: unknown[]) => call[0] === 'connectionAttemptFailed').length
    expect(await send(transport, hosts)).toEqual(['127.0.0.2'])
    expect(failures()).toBe(1)
    expect(await send(transport, hosts, 4)).toEqual(Array.from({ length: 4 }, () => '127.0.0.2'))
    expect(failures()).toBe(1)
  })

  it.each([{ code: 'ENOTFOUND' }, { code: 'EAI_AGAIN' }, { code: 'ESERVFAIL' }, []])(
    'that responded are used while a look-up brings %j, and new ones afterwards',
    async answer => {
      const hosts = await Hosts.on(['127.0.0.1', '127.0.0.2', '127.0.0.3'])
      const names = new Names(['127.0.0.1', '127.0.0.2'])
      const transport = transportWith(names)
      const recorder = new TraceRecorder('resolution')
      expect(new Set(await send(transport, hosts, 2))).toEqual(new Set(['127.0.0.1', '127.0.0.2']))
      names.answer = answer
      for (let count = 0; count < 3; count++) {
        hosts.cut()
        expect(new Set(await send(transport, hosts, 2))).toEqual(new Set(['127.0.0.1', '127.0.0.2']))
      }
      expect(recorder.order).toEqual(['resolution start', 'resolution end'])
      names.answer = ['127.0.0.3']
      hosts.cut()
      await send(transport, hosts)
      hosts.cut()
      expect(await send(transport, hosts)).toEqual(['127.0.0.3'])
      const reason = Array.isArray(answer) ? 'ENODATA' : Reflect.get(answer, 'code')
      expect(recorder.ended('resolution')).toMatchObject([
        { host: HOST, reason, connections: 7, outcome: 'resolved' },
      ])
    },
  )

  it('that responded are used when the name server is silent, without waiting for it twice', async () => {
    const hosts = await Hosts.on(['127.0.0.1', '127.0.0.2'])
    const names = new Names(['127.0.0.1'])
    const transport = transportWith(names)
    await send(transport, hosts)
    names.answer = 'hang'
    for (let count = 0; count < 3; count++) {
      hosts.cut()
      const request = requestTo(hosts, { connectTimeoutMs: count === 0 ? 400 : 60_000 })
      expect(await bodyOf(transport.request(request))).toBe('127.0.0.1')
    }
    expect(names.lookups).toBe(2)
    names.answer = ['127.0.0.2']
    names.wake()
    hosts.cut()
    expect(await send(transport, hosts)).toEqual(['127.0.0.2'])
  })

  it.each([
    [
      { code: 'ENOTFOUND' },
      /^the host name .* could not be resolved \(ENOTFOUND\); check whether the name server/,
    ],
    [[], /^the host name .* could not be resolved \(ENODATA\); check that a name server/],
    [
      'hang' as const,
      /^no connection to .*: the host name .* was not resolved by then; check that a name server/,
    ],
  ])('that nobody knows are an error that says so where a look-up brings %j', async (answer, message) => {
    const transport = transportWith(new Names(answer))
    const request = requestTo({ url: `https://${HOST}` }, { connectTimeoutMs: 100 })
    const error = await rejectionOf(transport.request(request))
    expect(error).toMatchObject({
      name: answer === 'hang' ? 'ConnectTimeoutError' : 'ConnectionError',
      retryable: true,
    })
    expect(messageOf(error)).toMatch(message)
  })

  it('that fail while the name cannot be resolved are an error that says so', async () => {
    const hosts = await Hosts.on(['127.0.0.1'])
    const names = new Names(['127.0.0.1'])
    const transport = transportWith(names)
    await send(transport, hosts)
    names.answer = { code: 'ENOTFOUND' }
    await hosts.stop('127.0.0.1')
    const error = await rejectionOf(transport.request(requestTo(hosts)), ConnectionError)
    expect(error.message).toMatch(
      /^could not connect to .*ECONNREFUSED.*; the host name .* cannot be resolved/,
    )
  })

  it('from before have to prove by their certificate that they are the host', async () => {
    const ours = await createCertificate({ authority, hostnames: [HOST] })
    const hosts = await Hosts.on(['127.0.0.1'], ours)
    const names = new Names(['127.0.0.1'])
    const transport = transportWith(names, { ca: authority.cert })
    expect(await send(transport, hosts)).toEqual(['127.0.0.1'])
    names.answer = { code: 'ENOTFOUND' }
    hosts.cut()
    expect(await send(transport, hosts)).toEqual(['127.0.0.1'])
    await hosts.stop('127.0.0.1')
    const others = await createCertificate({ authority, hostnames: ['other.example.test'] })
    const impostor = createTlsServer(others, (_request, response) => response.end('impostor'))
    impostor.listen(Number(new URL(hosts.url).port), '127.0.0.1')
    await once(impostor, 'listening')
    onTestFinished(() => stop(impostor))
    const error = await rejectionOf(transport.request(requestTo(hosts)), ConnectionError)
    expect(error.code).toBe('CERTIFICATE_REJECTED')
  })

  it('are those of a proxy where there is one', async () => {
    const hosts = await Hosts.on(['127.0.0.1'])
    const { port } = new URL(hosts.url)
    const proxy = await startFakeProxy({ port: Number(port) })
    const names = new Names(['127.0.0.1'])
    const proxyUrl = new URL(proxy.url)
    const transport = transportWith(names, {
      route: () => ({
        proxy: {
          endpoint: {
            ...requestTo({ url: `http://proxy.test:${proxyUrl.port}` }).endpoint,
          },
          authorization: 'Basic c2VjcmV0',
          source: 'the test',
        },
      }),
    })
    const recorder = new TraceRecorder('resolution')
    expect(await send(transport, hosts)).toEqual(['127.0.0.1'])
    names.answer = { code: 'ENOTFOUND' }
    hosts.cut()
    expect(await send(transport, hosts)).toEqual(['127.0.0.1'])
    expect(recorder.published[0]?.held).toMatchObject({ host: 'proxy.test', reason: 'ENOTFOUND' })
    expect(JSON.stringify(recorder.published)).not.toContain('c2VjcmV0')
    await transport.close()
    expect(recorder.ended('resolution')).toMatchObject([{ outcome: 'closed' }])
  })

  it('keep their idle connections while the name cannot be resolved', async () => {
    const hosts = await Hosts.on(['127.0.0.1'])
    const names = new Names(['127.0.0.1'])
    const transport = transportWith(names, { idleTimeoutMs: 50 })
    await send(transport, hosts)
    names.answer = { code: 'ENOTFOUND' }
    hosts.cut()
    const opened = vi.spyOn(Socket.prototype, 'connect')
    onTestFinished(() => {
      opened.mockRestore()
    })
    await send(transport, hosts)
    expect(opened).toHaveBeenCalledTimes(1)
    const { lookups } = names
    await expect.poll(() => names.lookups).toBeGreaterThan(lookups + 1)
    await send(transport, hosts)
    expect(opened).toHaveBeenCalledTimes(1)
    names.answer = ['127.0.0.1']
    await expect
      .poll(
        async () => {
          await send(transport, hosts)
          return opened.mock.calls.length
        },
        { interval: 200 },
      )
      .toBeGreaterThan(1)
  })

  it('are not given to a caller that has left', async () => {
    const names = new Names('hang')
    const error = await rejectionOf(
      transportWith(names).request(requestTo({ url: `http://${HOST}:9` }, { connectTimeoutMs: 20 })),
      ConnectTimeoutError,
    )
    names.answer = ['127.0.0.1']
    names.wake()
    expect(error.message).toContain('was not resolved by then')
  })
})
