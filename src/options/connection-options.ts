import { isCredentials, isHeaderText } from '../aws/sigv4/sign.ts'
import { regionOption } from './region-option.ts'
import { isEndpointUrl } from '../aws/http/endpoint.ts'
import type { Transport } from '../aws/http/transport.ts'
import type { Clock, CredentialProvider, Credentials } from '../types.ts'
import {
  type FailoverOptions,
  failoverRow,
  type HedgedReadsOptions,
  hedgedReadsRow,
} from './availability-options.ts'
import { isJsonObject, isObject } from '../internal/core-objects.ts'
import { atMost, integerOption, notWith, type OptionRows, textOption } from '../internal/option.ts'

/** How DynamoDB is reached. */
export interface ConnectionOptions {
  /**
   * AWS region of the table, for example `eu-west-1`.
   *
   * @default the environment variables `DYNAMODB_SESSIONS_REGION`, `AWS_REGION`, `AWS_DEFAULT_REGION`, else the profile's
   *   `region`, else the region of the instance; without any, the first call fails with `ConfigurationError`
   */
  readonly region?: string | undefined

  /**
   * URL to send requests to instead of the region's own, for example that of DynamoDB Local or of a VPC
   * endpoint. Plain `http:` sends session data unencrypted: it is for loopback addresses, and a
   * process warning with any other.
   *
   * @default the environment variables `DYNAMODB_SESSIONS_ENDPOINT`, `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL`, else
   *   the profile's, else the region's own
   */
  readonly endpoint?: string | undefined

  /**
   * Other Regions in which the table has replicas (a global table), and calls go on when the Region fails:
   * `{ regions: ['us-west-2'] }`. Requests are sent there within the deadline of the call, and return by themselves. See
   * docs/multi-region.md for what holds between Regions.
   *
   * @default none
   */
  readonly failover?: FailoverOptions | undefined

  /**
   * Sends the slowest reads a second time, over another connection, and uses the response that comes first: `true`, or an
   * object that says when. It costs at most 2 % more reads. Writes are never sent twice. See docs/multi-region.md.
   *
   * @default false
   */
  readonly hedgedReads?: boolean | HedgedReadsOptions | undefined

  /**
   * AWS credentials, or a function that finds them (a provider of the AWS SDK works as it is). A function is
   * called once for all requests and again before its credentials expire.
   *
   * @default found where the AWS SDK finds them: environment, profile, web identity, container, instance metadata
   */
  readonly credentials?: Credentials | CredentialProvider | undefined

  /**
   * Profile of the shared AWS configuration files (`~/.aws/config`, `~/.aws/credentials`) to take credentials, region
   * and endpoint from.
   *
   * @default the environment variable `AWS_PROFILE`, else `default`
   */
  readonly profile?: string | undefined

  /**
   * Most times a call is sent, the first included. Only network failures, server errors and throttling are
   * tried again.
   *
   * @default the environment variables `DYNAMODB_SESSIONS_MAX_ATTEMPTS`, `AWS_MAX_ATTEMPTS`, else the profile's
   *   `max_attempts`, else 4
   */
  readonly maxAttempts?: number | undefined

  /**
   * Longest time to make a connection, TLS handshake included. Milliseconds.
   *
   * @default 2000
   */
  readonly connectTimeoutMs?: number | undefined

  /**
   * Longest time for one attempt, from having a connection to the last byte of the answer. Milliseconds.
   *
   * @default 3000
   */
  readonly attemptTimeoutMs?: number | undefined

  /**
   * Longest time for a whole call: finding credentials, waiting for a connection, all attempts and the pauses
   * between them. Milliseconds. A call that waits for a connection is given up (`POOL_TIMEOUT`) while there is still time
   * for an attempt: `attemptTimeoutMs`, at most half of what is left.
   *
   * @default 7000, or `connectTimeoutMs` or `attemptTimeoutMs` where that is more
   */
  readonly deadlineMs?: number | undefined

  /**
   * Most connections open at a time; further calls wait for one, first come, first served.
   *
   * @default 64
   */
  readonly maxSockets?: number | undefined

  /**
   * Certificates of the authorities to trust, in PEM, instead of those that Node trusts. Certificates are always
   * verified. Calls of STS, SSO and sign-in that find credentials use them, too.
   *
   * @default the environment variables `DYNAMODB_SESSIONS_CA` (certificates), `AWS_CA_BUNDLE` (a file), else the profile's
   *   `ca_bundle` (a file), else the certificate authorities that Node trusts
   */
  readonly ca?: string | readonly string[] | undefined

  /**
   * URL of an HTTP proxy to make connections through, by `CONNECT`; `false` for none, whatever the environment says.
   * `http://proxy.example.com:3128`, for example, with `user:password@` where it asks for them. Loopback and link-local
   * addresses are never reached through a proxy. See docs/credentials.md.
   *
   * @default the environment variables `DYNAMODB_SESSIONS_PROXY`, `HTTPS_PROXY` (`HTTP_PROXY` for an endpoint without TLS),
   *   in capitals or not, except for the hosts in `NO_PROXY`
   */
  readonly proxy?: string | false | undefined

  /**
   * What carries requests: `fetchTransport()` of `dynamodb-sessions/transport` where there are no raw sockets. It decides about
   * connections, certificates and proxies itself, so that `maxSockets`, `ca` and `proxy` cannot be given with it. Closing the store
   * leaves it open.
   *
   * @default keep-alive connections over `node:net` and `node:tls`; in Cloudflare Workers `fetchTransport()`
   */
  readonly transport?: Transport | undefined

  /**
   * What the time is, for signatures and expiry. For tests.
   *
   * @default the system's clock
   */
  readonly clock?: Clock | undefined
}

const MAX_TIMEOUT_MS = 600_000

const withinDeadline = atMost({ deadlineMs: 'the call would be given up before that time is over' })

const withoutTransport = notWith(
  'transport',
  'a transport decides about its connections, certificates and proxies itself',
)

/**
 * The rows of {@link ConnectionOptions}.
 *
 * @internal
 */
export const connectionRows: OptionRows<
  ConnectionOptions,
  'maxAttempts' | 'connectTimeoutMs' | 'attemptTimeoutMs' | 'deadlineMs' | 'maxSockets'
> = {
  region: {
    ...regionOption(),
    flag: 'region',
  },
  endpoint: {
    ...textOption(
      'a URL such as https://dynamodb.eu-west-1.amazonaws.com or http://127.0.0.1:8000, without user name, query or ' +
        'fragment',
      isEndpointUrl,
    ),
    // A host without its scheme, which is the usual mistake.
    shown: /^[\w.-]{1,64}:\d{1,5}\/?$/,
    meant: value =>
      typeof value === 'string' && isEndpointUrl(`http://${value}`) ? `http://${value}` : undefined,
    flag: 'url',
  },
  failover: failoverRow,
  hedgedReads: hedgedReadsRow,
  credentials: {
    takes:
      'an object { accessKeyId, secretAccessKey, sessionToken? } of non-empty strings without blanks, or a function ' +
      'that returns one',
    accepts: value => typeof value === 'function' || isCredentials(value),
    problem: credentialsProblem,
    doubt: value => (isCredentials(value) ? expiryProblem(value, Date.now()) : undefined),
  },
  profile: {
    ...textOption('the name of a profile of the shared AWS configuration files', text => text !== ''),
    flag: 'name',
  },
  maxAttempts: { ...integerOption('attempts', 1, 20), default: 4 },
  connectTimeoutMs: {
    ...integerOption('milliseconds', 1, MAX_TIMEOUT_MS),
    default: 2000,
    conflict: withinDeadline,
  },
  attemptTimeoutMs: {
    ...integerOption('milliseconds', 1, MAX_TIMEOUT_MS),
    default: 3000,
    conflict: withinDeadline,
  },
  deadlineMs: { ...integerOption('milliseconds', 1, MAX_TIMEOUT_MS), default: 7000 },
  maxSockets: { ...integerOption('connections', 1, 10_000), default: 64, conflict: withoutTransport },
  ca: {
    takes: 'certificates in PEM: a string or an array of strings',
    accepts: isPem,
    fromText: text => text,
    conflict: withoutTransport,
  },
  proxy: {
    takes: 'the URL of an HTTP proxy, such as http://proxy.example.com:3128, or false',
    accepts: value => value === false || isProxyUrl(value),
    fromText: text => (text === 'false' ? false : text),
    conflict: withoutTransport,
  },
  transport: {
    takes: 'a transport, such as fetchTransport() returns',
    accepts: value => hasMethod(value, 'request') && hasMethod(value, 'close'),
  },
  clock: {
    takes: 'an object with a method now() that returns epoch milliseconds',
    accepts: value => hasMethod(value, 'now'),
  },
}

/** Longest time for a whole call. The default gives way to a limit of one attempt that is above it. */
export function deadlineMsOf({
  deadlineMs,
  connectTimeoutMs = 0,
  attemptTimeoutMs = 0,
}: ConnectionOptions): number {
  return deadlineMs ?? Math.max(connectionRows.deadlineMs.default, connectTimeoutMs, attemptTimeoutMs)
}

/** Which key of an object of credentials is missing or unusable; the usual reason is a variable that is not set. */
function credentialsProblem(value: unknown): string | undefined {
  if (!isJsonObject(value)) return undefined
  for (const name of ['accessKeyId', 'secretAccessKey', 'sessionToken']) {
    const part = value[name]
    if (part === undefined) {
      if (name === 'sessionToken') continue
      return `"${name}" is ${name in value ? 'undefined: the variable that it comes from is not set' : 'missing'}`
    }
    if (!isHeaderText(part)) return `"${name}" is ${part === '' ? 'empty' : 'no string without blanks'}`
  }
  return '"expiration" is no Date'
}

function expiryProblem({ expiration }: Credentials, nowMs: number): string | undefined {
  if (expiration === undefined || expiration.getTime() > nowMs) return undefined
  const at = expiration.toISOString()
  return `expired at ${at}, and nothing renews them: pass a function that finds credentials, or leave the option out`
}

function isProxyUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  return ['http:', 'https:'].includes(new URL(value).protocol)
}

function isPem(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every(isPem)
  return typeof value === 'string' && /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/.test(value)
}

function hasMethod(value: unknown, name: string): boolean {
  return isObject(value) && typeof Reflect.get(value, name) === 'function'
}
