import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'

import { routeFinder, type RouteSources } from '../../../src/aws/config/route-finder.ts'
import { ConfigurationError, ConnectionError, ConnectTimeoutError } from '../../../src/errors.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import { createAuthority, createCertificate, type KeyPair } from '../../support/certificates.ts'
import { rejectionOf } from '../../support/failure.ts'
import { type FakeProxy, startFakeProxy } from '../../support/fake-proxy.ts'
import { asOrdinaryUser } from '../../support/ordinary-user.ts'
import { temporaryHome } from '../../support/temporary-home.ts'
import { answerWithIndex, bodyOf, forbidUnhandledRejections, requestTo, serve } from './harness.ts'

forbidUnhandledRejections()

/** A host that only the proxy can reach. */
const HOST = 'dynamodb.eu-west-1.example.test'
const SECURE = { url: `https://${HOST}` }
const PLAIN = { url: `http://${HOST}:8000` }

let authority: KeyPair
let ofHost: KeyPair
let ofProxy: KeyPair

beforeAll(async () => {
  authority = await createAuthority('Test CA')
  ;[ofHost, ofProxy] = await Promise.all([
    createCertificate({ authority, hostnames: [HOST] }),
    createCertificate({ authority, addresses: ['127.0.0.1'] }),
  ])
})

function transportVia(sources: Partial<RouteSources>): SocketTransport {
  const route = routeFinder({ environment: {}, ca: authority.cert, hasOptions: true, ...sources })
  const transport = new SocketTransport({ route })
  onTestFinished(() => transport.close())
  return transport
}

function withoutCa(sources: Partial<RouteSources>): SocketTransport {
  return transportVia({ ca: undefined, ...sources })
}

const via = ({ url }: Pick<FakeProxy, 'url'>): Partial<RouteSources> => ({
  environment: { HTTPS_PROXY: url },
})

describe('a proxy', () => {
  it('carries connections with TLS inside, which are reused', async () => {
    const server = await serve(answerWithIndex, { tls: ofHost })
    const proxy = await startFakeProxy(server)
    const transport = transportVia(via(proxy))
    expect(await bodyOf(transport.request(requestTo(SECURE)))).toBe('0')
    expect(await bodyOf(transport.request(requestTo(SECURE)))).toBe('0')
    expect(proxy.requests).toEqual([[`CONNECT ${HOST}:443 HTTP/1.1`, `host: ${HOST}:443`]])
  })

  it('carries connections without TLS', async () => {
    const server = await serve(answerWithIndex)
    const proxy = await startFakeProxy(server)
    const transport = transportVia({
      environment: { http_proxy: proxy.url, HTTPS_PROXY: 'http://127.0.0.1:9' },
    })
    expect(await bodyOf(transport.request(requestTo(PLAIN)))).toBe('0')
    expect(await bodyOf(transport.request(requestTo(PLAIN)))).toBe('0')
    expect(proxy.requests).toEqual([[`CONNECT ${HOST}:8000 HTTP/1.1`, `host: ${HOST}:8000`]])
  })

  it('may itself speak TLS', async () => {
    const secure = await serve(answerWithIndex, { tls: ofHost })
    const proxy = await startFakeProxy(secure, ofProxy)
    const transport = transportVia(via(proxy))
    expect(await bodyOf(transport.request(requestTo(SECURE)))).toBe('0')
    expect(await bodyOf(transport.request(requestTo(SECURE)))).toBe('0')
    expect(proxy.connections()).toBe(1)
  })

  it('gets the user name and password of its URL', async () => {
    const server = await serve(answerWithIndex, { tls: ofHost })
    const proxy = await startFakeProxy(server)
    const url = proxy.url.replace('://', '://ada:p%40ss%3Aw%C3%B6rd@')
    await transportVia({ proxy: url }).request(requestTo(SECURE))
    expect(proxy.requests[0]?.[2]).toBe(
      `proxy-authorization: Basic ${Buffer.from('ada:p@ss:wörd').toString('base64')}`,
    )
  })

  it.each([
    [
      'asks for a user name',
      'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n',
      /407; put the user name and password/,
      false,
    ],
    [
      'forbids',
      'HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno',
      /HTTP status 403; have whoever runs/,
      false,
    ],
    ['cannot reach the host', 'HTTP/1.1 503 Service Unavailable\r\n\r\n', /HTTP status 503/, true],
    [
      'is a web server',
      'HTTP/1.1 405 Method Not Allowed\r\n\r\n',
      /405; check that .*HTTPS_PROXY names an HTTP proxy/,
      false,
    ],
    [
      'is something else',
      '220 mail.example.test ESMTP\r\n',
      /did not respond as an HTTP proxy does; check that .*HTTPS_PROXY/,
      false,
    ],
    ['hangs up', '', /it closed the connection/, true],
    [
      'sends a head without an end',
      `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}`,
      /did not respond as an HTTP proxy/,
      false,
    ],
  ])('that %s is an error that names it', async (_, response, message, retryable) => {
    const proxy = await startFakeProxy(response)
    const url = proxy.url.replace('://', response.includes('407') ? '://' : '://ada:s3cret@')
    const transport = transportVia({ environment: { HTTPS_PROXY: url } })
    const error = await rejectionOf(transport.request(requestTo(SECURE)), ConnectionError)
    expect(error.message).toMatch(message)
    expect(error.message).toContain(`the proxy ${proxy.url} (the environment variable HTTPS_PROXY)`)
    expect(error.message).not.toContain('s3cret')
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable })
  })

  it('that is not there is an error that names it', async () => {
    const transport = transportVia({ environment: { HTTPS_PROXY: 'http://127.0.0.1:9' } })
    const error = await rejectionOf(transport.request(requestTo(SECURE)), ConnectionError)
    expect(error.message).toMatch(/^the proxy http:\/\/127\.0\.0\.1:9 .* cannot be used: .*ECONNREFUSED/)
    expect(error.retryable).toBe(true)
  })

  it.each([PLAIN, SECURE])(
    'that sends bytes behind its response carries nothing to %j (G8)',
    async target => {
      const server = await serve(answerWithIndex, target === SECURE ? { tls: ofHost } : {})
      const proxy = await startFakeProxy({
        port: server.port,
        behind: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno',
      })
      const transport = transportVia({ environment: { HTTPS_PROXY: proxy.url, http_proxy: proxy.url } })
      const error = await rejectionOf(transport.request(requestTo(target)), ConnectionError)
      expect(error.message).toContain('sent bytes behind its response to CONNECT')
      expect(await Promise.all(server.connections.map(({ closed }) => closed))).toHaveLength(
        server.connections.length,
      )
    },
  )

  it('is given no longer than a connection may take', async () => {
    const proxy = await startFakeProxy(undefined)
    const request = requestTo(SECURE, { connectTimeoutMs: 300 })
    const error = await rejectionOf(transportVia(via(proxy)).request(request), ConnectTimeoutError)
    expect(error.message).toMatch(
      /^no connection to https:.* within \d+ ms: the proxy http:.* \(.*HTTPS_PROXY\) did not respond to CONNECT$/,
    )
  })

  it('is left when the signal is aborted', async () => {
    const proxy = await startFakeProxy(undefined)
    const controller = new AbortController()
    const request = requestTo(SECURE, { signal: controller.signal })
    const failure = rejectionOf(transportVia(via(proxy)).request(request))
    const reason = new Error('the visitor has left')
    setImmediate(() => {
      controller.abort(reason)
    })
    expect(await failure).toBe(reason)
  })

  it('whose certificate is not trusted is an error that names it', async () => {
    const proxy = await startFakeProxy(undefined, await createCertificate({ addresses: ['127.0.0.1'] }))
    const error = await rejectionOf(transportVia(via(proxy)).request(requestTo(SECURE)), ConnectionError)
    expect(error.message).toMatch(/^the proxy https:.*certificate.*add that to the option "ca"$/)
    expect(error.code).toBe('CERTIFICATE_REJECTED')
  })

  it('does not make a host trusted that is none of its certificate', async () => {
    const server = await serve(answerWithIndex, { tls: ofProxy })
    const proxy = await startFakeProxy(server)
    const error = await rejectionOf(transportVia(via(proxy)).request(requestTo(SECURE)), ConnectionError)
    expect(error.message).toContain(`the TLS certificate of https://${HOST} is for another host`)
  })

  it('is not asked where NO_PROXY, a loopback address or the option says so', async () => {
    const server = await serve(answerWithIndex)
    const proxy = await startFakeProxy(undefined)
    const environment = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url }
    expect(await bodyOf(transportVia({ environment }).request(requestTo(server)))).toBe('0')
    for (const sources of [
      { environment: { ...environment, NO_PROXY: `other.test,${HOST}` } },
      { environment, proxy: false as const },
    ]) {
      const error = await rejectionOf(transportVia(sources).request(requestTo(SECURE)), ConnectionError)
      expect(error.message).toContain(`the host name ${HOST} could not be resolved`)
    }
    expect(proxy.connections()).toBe(0)
  })

  it.each(['socks5://127.0.0.1:1080', 'http://', '://', 'http://ada:s3cret%@127.0.0.1:3128'])(
    '%j is none, and an error that names the variable',
    async url => {
      const transport = transportVia({ environment: { HTTPS_PROXY: url } })
      const error = await rejectionOf(transport.request(requestTo(SECURE)), ConfigurationError)
      expect(error.message).toContain('the environment variable HTTPS_PROXY')
      expect(error.message).not.toContain('s3cret')
    },
  )
})

describe('the file of certificates to trust', () => {
  it.each(['AWS_CA_BUNDLE', 'ca_bundle of the profile'])('is that of %s', async source => {
    const { directory } = await temporaryHome()
    const path = join(directory, 'bundle.pem')
    await writeFile(path, `# a comment\n${authority.cert}\n${ofProxy.cert}\n`)
    const home = await temporaryHome({ config: `[profile corporate]\nca_bundle = ${path}\n` })
    const server = await serve(answerWithIndex, { tls: ofProxy })
    const transport =
      source === 'AWS_CA_BUNDLE'
        ? withoutCa({ environment: { ...home.environment, AWS_CA_BUNDLE: path } })
        : withoutCa({ environment: home.environment, profile: 'corporate' })
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('0')
  })

  it('is not looked for in files that this process may not read, unless their profile was named', async () => {
    const { directory, environment } = await temporaryHome({ config: '[default]\nca_bundle = /nowhere\n' })
    await chmod(directory, 0o755)
    await chmod(join(directory, '.aws', 'config'), 0)
    const server = await serve(answerWithIndex, { tls: ofProxy })
    const ask = (sources: Partial<RouteSources>) =>
      asOrdinaryUser(() =>
        rejectionOf(withoutCa({ environment, ...sources }).request(requestTo(server)), Error),
      )
    expect(await ask({})).toMatchObject({ code: 'CERTIFICATE_REJECTED' })
    expect(await ask({ profile: 'default' })).toMatchObject({ code: 'INVALID_SETTING' })
  })

  it('gives way to the option "ca", and is named in the advice', async () => {
    const { directory, environment } = await temporaryHome()
    const path = join(directory, 'bundle.pem')
    await writeFile(path, (await createAuthority('Other CA')).cert)
    const server = await serve(answerWithIndex, { tls: ofProxy })
    const withBundle = { environment: { ...environment, AWS_CA_BUNDLE: path } }
    const error = await rejectionOf(withoutCa(withBundle).request(requestTo(server)), ConnectionError)
    expect(error.message).toContain(
      `add that to the file ${path} that the environment variable AWS_CA_BUNDLE names`,
    )
    const trusting = withoutCa({ ...withBundle, ca: authority.cert })
    expect(await bodyOf(trusting.request(requestTo(server)))).toMatch(/^\d$/)
  })

  it.each([
    [true, /pass that as the option "ca", or name its file in AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS$/],
    [false, /authority of your own, name its file in AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS$/],
  ])('is advised where there is none (options: %s)', async (hasOptions, advice) => {
    const { environment } = await temporaryHome()
    const server = await serve(answerWithIndex, { tls: ofProxy })
    const transport = withoutCa({ environment, hasOptions })
    expect((await rejectionOf(transport.request(requestTo(server)), ConnectionError)).message).toMatch(advice)
  })

  it.each([
    ['is absent', undefined, /cannot be read \(ENOENT\)/],
    ['is empty', '', /holds no certificate/],
    ['is no PEM', 'certificates', /holds no certificate/],
    ['is a key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', /holds no certificate/],
    [
      'is broken',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      /certificate that is broken/,
    ],
  ])('that %s is an error that names it', async (_, text, message) => {
    const { directory, environment } = await temporaryHome()
    const path = join(directory, 'bundle.pem')
    if (text !== undefined) await writeFile(path, text)
    const transport = withoutCa({ environment: { ...environment, AWS_CA_BUNDLE: path } })
    const error = await rejectionOf(transport.request(requestTo(SECURE)), ConfigurationError)
    expect(error.message).toMatch(message)
    expect(error.message).toContain(`the file ${path} that the environment variable AWS_CA_BUNDLE names`)
    expect(error.code).toBe('INVALID_SETTING')
  })
})
