import { onTestFinished } from 'vitest'
import type { ProviderContext } from '../../src/aws/credentials/provider.ts'
import { SocketTransport } from '../../src/aws/http/socket-transport.ts'
import { PendingSteps } from '../../src/internal/deadline.ts'
import { signRequest } from '../../src/aws/sigv4/sign.ts'
import type { Credentials } from '../../src/types.ts'
import {
  FakeService,
  type FakeServiceAnswer,
  type FakeServiceRequest,
  type FakeServiceScript,
} from './fake-sso.ts'
import { ManualClock } from './manual-clock.ts'

/** How the answer of STS differs from the usual one; `undefined` leaves an element out. */
export interface AssumedRoleChanges {
  readonly AccessKeyId?: string | undefined
  readonly SecretAccessKey?: string | undefined
  readonly SessionToken?: string | undefined
  readonly Expiration?: string | undefined
  readonly Arn?: string | undefined
}

/** A server that plays STS, and what a provider needs to find it. */
export interface FakeSts {
  readonly service: FakeService
  readonly clock: ManualClock
  /** A world in which STS is this server, the region is eu-west-1, and retries need not wait. */
  readonly context: ProviderContext
  /** The forms that were sent, in order. */
  readonly forms: () => readonly Readonly<Record<string, string>>[]
  /** Replaces the script. */
  readonly answers: (...script: readonly FakeServiceScript[]) => void
}

/**
 * Starts a server that plays STS; it stops when the running test ends.
 *
 * Without a script it hands out the credentials of {@link assumedRole}.
 *
 * @param environment variables besides those with which it is found.
 */
export async function fakeSts(environment: Readonly<Record<string, string>> = {}): Promise<FakeSts> {
  const service = await FakeService.start()
  const clock = new ManualClock()
  const transport = new SocketTransport()
  onTestFinished(() => transport.close())
  service.answers(assumedRoleOf)
  return {
    service,
    clock,
    context: {
      environment: {
        HOME: '/nonexistent',
        AWS_REGION: 'eu-west-1',
        AWS_ENDPOINT_URL_STS: service.url,
        ...environment,
      },
      clock,
      random: () => 0,
      transport,
      serviceTransport: transport,
      deadlineMs: 7000,
      pending: new PendingSteps(),
    },
    forms: () => service.requests.map(formOf),
    answers: (...script) => {
      service.answers(...script)
    },
  }
}

/** The credentials that {@link assumedRole} hands out. */
export const roleCredentials: Credentials = {
  accessKeyId: 'ASIAROLE',
  secretAccessKey: 's3cret-role-key/+=',
  sessionToken: 's3cret-role-token<&>"\'e',
  expiration: new Date('2031-05-06T08:08:09Z'),
  accountId: '123456789012',
}

/** The answer of STS to `AssumeRole` or `AssumeRoleWithWebIdentity`. */
export function assumedRole(
  changes: AssumedRoleChanges = {},
  operation = 'AssumeRole',
): FakeServiceAnswer & { readonly body: string } {
  const {
    AccessKeyId,
    SecretAccessKey,
    SessionToken,
    Expiration,
    Arn,
  }: Readonly<Record<keyof AssumedRoleChanges, string | undefined>> = {
    AccessKeyId: 'ASIAROLE',
    SecretAccessKey: 's3cret-role-key/+=',
    SessionToken: 's3cret-role-token&lt;&#38;&gt;&quot;&apos;&#x65;',
    Expiration: '2031-05-06T08:08:09Z',
    Arn: 'arn:aws:sts::123456789012:assumed-role/sessions/name',
    ...changes,
  }
  return xml(
    `<${operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n  <${operation}Result>\n` +
      `    <AssumedRoleUser>\n      <AssumedRoleId>AROA:name</AssumedRoleId>\n      ${element('Arn', Arn)}\n` +
      '    </AssumedRoleUser>\n    <Credentials>\n' +
      `${element('AccessKeyId', AccessKeyId)}${element('SecretAccessKey', SecretAccessKey)}` +
      `${element('SessionToken', SessionToken)}${element('Expiration', Expiration)}\n` +
      `    </Credentials>\n  </${operation}Result>\n` +
      `  <ResponseMetadata>\n    <RequestId>a-request</RequestId>\n  </ResponseMetadata>\n</${operation}Response>\n`,
  )
}

/** A refusal of STS. `message` is XML text. */
export function stsError(code: string, message = 'as scripted', statusCode = 400): FakeServiceAnswer {
  return xml(
    '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n  <Error>\n    <Type>Sender</Type>\n' +
      `    <Code>${code}</Code>\n    <Message>${message}</Message>\n  </Error>\n` +
      '  <RequestId>a-request</RequestId>\n</ErrorResponse>\n',
    statusCode,
  )
}

/** What the `Authorization` header of a request has to be, computed anew from what arrived. */
export function authorizationFor(
  { line, headers, body }: FakeServiceRequest,
  credentials: Credentials,
  region: string,
  date: Date,
): string | undefined {
  const [method = '', path = ''] = line.split(' ')
  const signed = signRequest(
    {
      method,
      path,
      query: '',
      headers: [
        ['host', headers.host ?? ''],
        ['content-type', headers['content-type'] ?? ''],
      ],
      body,
    },
    { credentials, region, service: 'sts', date },
  )
  return signed.find(([name]) => name === 'authorization')?.[1]
}

/** The fields of a request's form. */
function formOf({ body }: FakeServiceRequest): Readonly<Record<string, string>> {
  return Object.fromEntries(new URLSearchParams(body))
}

function assumedRoleOf(request: FakeServiceRequest): FakeServiceAnswer {
  return assumedRole({}, formOf(request)['Action'])
}

function element(name: string, text: string | undefined): string {
  return text === undefined ? '' : `<${name}>${text}</${name}>`
}

function xml(body: string, statusCode = 200): FakeServiceAnswer & { readonly body: string } {
  return { statusCode, headers: { 'content-type': 'text/xml' }, body }
}
