import { beforeAll, describe, expect, it } from 'vitest'

import { fromTemporaryCredentials } from '../../../src/aws/credentials/sts.ts'
import { CredentialsError } from '../../../src/errors.ts'
import { openClient } from '../../../src/store/open-client.ts'
import type { ConnectionOptions } from '../../../src/options/connection-options.ts'
import type { CredentialProvider } from '../../../src/types.ts'
import { createAuthority, createCertificate, type KeyPair } from '../../support/certificates.ts'
import { rejectionOf } from '../../support/failure.ts'
import { startFakeProxy } from '../../support/fake-proxy.ts'
import { assumedRole, fakeSts, type FakeSts, stsError } from '../../support/fake-sts.ts'
import { httpResponse, type RawServer } from '../../support/raw-server.ts'
import { RecordingTransport } from '../../support/recording-transport.ts'
import { temporaryHome } from '../../support/temporary-home.ts'
import { someKey, useStub } from '../client/test-client.ts'
import { serve } from '../transport/harness.ts'
import { failureOf } from './failure.ts'

const ROLE = 'arn:aws:iam::123456789012:role/sessions'
const keys = { accessKeyId: 'AKIABASE', secretAccessKey: 's3cret-base' }
const HOUR_MS = 3_600_000

function providerAt({ context }: FakeSts): CredentialProvider {
  return fromTemporaryCredentials({ params: { RoleArn: ROLE }, masterCredentials: keys, context })
}

function amzDates({ service }: FakeSts): (string | undefined)[] {
  return service.requests.map(({ headers }) => headers['x-amz-date']?.toString())
}

/** A refusal by a server whose clock is so far ahead. */
function refusal(sts: FakeSts, code: string, aheadMs: number): ReturnType<typeof stsError> {
  const date = new Date(sts.clock.now() + aheadMs).toUTCString()
  return { ...stsError(code, 'Signature expired', 403), headers: { 'content-type': 'text/xml', date } }
}

describe('a wrong clock', () => {
  it.each(['RequestExpired', 'SignatureDoesNotMatch', 'InvalidSignatureException', 'RequestInTheFuture'])(
    'is put right when STS answers %s, and stays so',
    async code => {
      const sts = await fakeSts()
      sts.answers(refusal(sts, code, HOUR_MS), assumedRole())
      const provider = providerAt(sts)
      await provider()
      await provider()
      const hour = new Date(sts.clock.now() + HOUR_MS).toISOString().slice(0, 13).replaceAll('-', '')
      expect(amzDates(sts).map(date => date?.slice(0, 11) === hour)).toEqual([false, true, true])
    },
  )

  it('is put right once for a call', async () => {
    const sts = await fakeSts()
    sts.answers(refusal(sts, 'RequestExpired', HOUR_MS), refusal(sts, 'RequestExpired', 3 * HOUR_MS))
    expect((await failureOf(providerAt(sts))).message).toContain('RequestExpired')
    expect(sts.service.requests).toHaveLength(2)
  })

  it.each<[string, number, string, Readonly<Record<string, string>>]>([
    ['right enough', 239_000, 'RequestExpired', {}],
    ['not what is refused', HOUR_MS, 'AccessDenied', {}],
    ['not to be corrected', HOUR_MS, 'RequestExpired', { AWS_DISABLE_CLOCK_SKEW_CORRECTION: 'true' }],
  ])('is left alone where it is %s', async (_, aheadMs, code, environment) => {
    const sts = await fakeSts(environment)
    sts.answers(refusal(sts, code, aheadMs))
    await failureOf(providerAt(sts))
    expect(sts.service.requests).toHaveLength(1)
  })
})

describe('the number of attempts', () => {
  it.each<[string, Readonly<Record<string, string>>, string, number]>([
    ['nothing', {}, '', 3],
    ['AWS_MAX_ATTEMPTS', { AWS_MAX_ATTEMPTS: '1' }, '[default]\nmax_attempts = 5\n', 1],
    ['max_attempts', {}, '[default]\nmax_attempts = 5\n', 5],
    ['a variable that is no number, which does not count,', { AWS_MAX_ATTEMPTS: 'many' }, '', 3],
  ])('follows from %s', async (_, variables, config, expected) => {
    const { environment } = await temporaryHome({ config })
    const sts = await fakeSts({ ...environment, ...variables })
    sts.answers(stsError('InternalFailure', 'as scripted', 500))
    await failureOf(providerAt(sts))
    expect(sts.service.requests).toHaveLength(expected)
  })
})

describe('the credentials of a store', () => {
  const stub = useStub()
  const config = `[default]\nregion = eu-west-1\nrole_arn = ${ROLE}\ncredential_source = Environment\n`
  let authority: KeyPair
  let certificate: KeyPair

  beforeAll(async () => {
    authority = await createAuthority('Test CA')
    certificate = await createCertificate({ authority, hostnames: ['localhost', 'sts.example.test'] })
  })

  async function startSts(): Promise<RawServer> {
    return serve(async connection => connection.answerAll(() => httpResponse(assumedRole().body)), {
      tls: certificate,
    })
  }

  async function read(
    options: ConnectionOptions,
    variables: Readonly<Record<string, string>>,
  ): Promise<unknown> {
    const { environment } = await temporaryHome({ config })
    const client = openClient(
      { profile: 'default', endpoint: stub().endpoint, ...options },
      { AWS_ACCESS_KEY_ID: 'AKIABASE', AWS_SECRET_ACCESS_KEY: 's3cret', ...environment, ...variables },
    )
    try {
      return await client.send('GetItem', someKey)
    } finally {
      await client.close()
    }
  }

  it('come from an STS that the option "ca" makes trusted', async () => {
    const sts = await startSts()
    const url = { AWS_ENDPOINT_URL_STS: `https://localhost:${sts.port}` }
    expect(await read({ ca: authority.cert }, url)).toEqual({})
    const error = await rejectionOf(read({}, url), CredentialsError)
    expect(error.message).toMatch(
      /through STS .* pass that as the option "ca", or name its file in AWS_CA_BUNDLE/,
    )
  })

  it('come through the transport of the store', async () => {
    const transport = new RecordingTransport({ body: assumedRole().body }, { body: '{}' })
    const url = { AWS_ENDPOINT_URL_STS: 'https://sts.example.test' }
    expect(await read({ transport, endpoint: 'https://dynamodb.example.test' }, url)).toEqual({})
    expect(transport.lines).toEqual(['POST https://sts.example.test/', 'POST https://dynamodb.example.test/'])
  })

  it.each(['HTTPS_PROXY', 'the option "proxy"'])('come through the proxy of %s', async source => {
    const sts = await startSts()
    const proxy = await startFakeProxy(sts)
    const url = { AWS_ENDPOINT_URL_STS: 'https://sts.example.test' }
    const ca = authority.cert
    expect(
      source === 'HTTPS_PROXY'
        ? await read({ ca }, { ...url, HTTPS_PROXY: proxy.url })
        : await read({ ca, proxy: proxy.url }, url),
    ).toEqual({})
    expect(proxy.requests.map(([line]) => line)).toEqual(['CONNECT sts.example.test:443 HTTP/1.1'])
  })
})
