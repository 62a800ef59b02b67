import { beforeEach, describe, expect, test } from 'vitest'

import { defaultProvider } from '../../../../src/aws/credentials/default-provider.ts'
import { fromTemporaryCredentials } from '../../../../src/aws/credentials/sts.ts'
import type { ProviderContext } from '../../../../src/aws/credentials/provider.ts'
import type { Transport, TransportRequest, TransportResponse } from '../../../../src/aws/http/transport.ts'
import { ConnectionError } from '../../../../src/errors.ts'
import { PendingSteps } from '../../../../src/internal/deadline.ts'
import { rejectionOf } from '../../../support/failure.ts'
import { temporaryHome } from '../../../support/temporary-home.ts'

type Behaviour = 'refuses' | 'fails' | 'denies' | 'throttles' | 'well'

const params = { RoleArn: 'arn:aws:iam::123456789012:role/sessions', RoleSessionName: 'test' }
const source = { accessKeyId: 'AKID', secretAccessKey: 'secret' }

let behaviours: Record<string, Behaviour>
let seen: TransportRequest[]

beforeEach(() => {
  behaviours = { 'eu-west-1': 'well', 'us-west-2': 'well' }
  seen = []
})

/** STS in several Regions. */
const sts: Transport = {
  async request(request: TransportRequest): Promise<TransportResponse> {
    seen.push(request)
    const region = request.endpoint.hostname.split('.')[1] ?? ''
    switch (behaviours[region] ?? 'well') {
      case 'refuses':
        throw new ConnectionError('CONNECTION_FAILED', 'connection refused', { retryable: true })
      case 'fails':
        return refusal(500, 'InternalFailure')
      case 'denies':
        return refusal(403, 'AccessDenied')
      case 'throttles':
        return refusal(503, 'Throttling')
      case 'well':
        return xml(200, credentialsFrom(region))
    }
  },
  close: async () => undefined,
}

function xml(statusCode: number, body: string): TransportResponse {
  return { statusCode, headers: new Map([['content-type', 'text/xml']]), body }
}

function refusal(statusCode: number, code: string): TransportResponse {
  return xml(
    statusCode,
    `<ErrorResponse><Error><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`,
  )
}

function credentialsFrom(region: string): string {
  const result = (operation: string): string =>
    `<${operation}Response><${operation}Result><Credentials><AccessKeyId>OF-${region}</AccessKeyId>` +
    '<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>' +
    `<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></${operation}Result></${operation}Response>`
  const [request] = seen.slice(-1)
  return result(/Action=(\w+)/.exec(request?.body ?? '')?.[1] ?? '')
}

function contextWith(environment: Readonly<Record<string, string>> = {}): Partial<ProviderContext> {
  return {
    environment: {
      HOME: '/nonexistent',
      AWS_REGION: 'eu-west-1',
      AWS_EC2_METADATA_DISABLED: 'true',
      ...environment,
    },
    clock: { now: () => Date.now() },
    random: () => 0,
    transport: sts,
    serviceTransport: sts,
    deadlineMs: 60_000,
    pending: new PendingSteps(),
    failoverRegions: ['us-west-2'],
  }
}

function regionsSeen(): string[] {
  return [...new Set(seen.map(({ endpoint }) => endpoint.hostname))]
}

describe('a role is assumed through the STS of the next Region', () => {
  test.each(['refuses', 'fails'] as const)('when that of the own one %s', async behaviour => {
    behaviours['eu-west-1'] = behaviour
    const provider = fromTemporaryCredentials({ params, masterCredentials: source, context: contextWith() })
    expect(await provider()).toMatchObject({ accessKeyId: 'OF-us-west-2' })
    expect(regionsSeen()).toEqual(['sts.eu-west-1.amazonaws.com', 'sts.us-west-2.amazonaws.com'])
    expect(new Map(seen.at(-1)?.headers).get('authorization')).toContain('/us-west-2/sts/')
  })

  test('with the token of a web identity, too', async () => {
    behaviours['eu-west-1'] = 'refuses'
    const { directory } = await temporaryHome({ credentials: 'token' })
    const provider = defaultProvider({
      context: contextWith({
        AWS_WEB_IDENTITY_TOKEN_FILE: `${directory}/.aws/credentials`,
        AWS_ROLE_ARN: params.RoleArn,
      }),
    })
    expect(await provider()).toMatchObject({ accessKeyId: 'OF-us-west-2' })
  })

  test.each(['denies', 'throttles'] as const)('but not when that of the own one %s', async behaviour => {
    behaviours['eu-west-1'] = behaviour
    const provider = fromTemporaryCredentials({ params, masterCredentials: source, context: contextWith() })
    await rejectionOf(Promise.resolve(provider()))
    expect(regionsSeen()).toEqual(['sts.eu-west-1.amazonaws.com'])
  })

  test('but not when an endpoint is configured, which is for all Regions', async () => {
    behaviours['127'] = 'refuses'
    const context = contextWith({ AWS_ENDPOINT_URL_STS: 'https://sts.127.example' })
    const provider = fromTemporaryCredentials({ params, masterCredentials: source, context })
    await rejectionOf(Promise.resolve(provider()))
    expect(regionsSeen()).toEqual(['sts.127.example'])
  })
})
