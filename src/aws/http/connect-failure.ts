import { ConnectionError } from '../../errors.ts'
import { codeOf, isError } from '../../internal/core-objects.ts'
import { foreignText } from '../../internal/foreign-text.ts'
import type { Endpoint } from './endpoint.ts'

/** What is known about a connection that could not be made. */
export interface ConnectFailure {
  readonly endpoint: Endpoint
  /** Code of the system error, where there was one. */
  readonly code: string | undefined
  readonly cause: unknown
  /** The message for what the code does not explain. */
  readonly otherwise: string
  /** Whether it may be different the next time, unless the code says that the certificate was rejected. */
  readonly retryable: boolean
  /** How the caller can have a certificate authority of its own trusted. */
  readonly trustAdvice: string
}

/** What is wrong, and what can be done about it. */
type Explanation = readonly [problem: string, remedy: string]

const CERTIFICATE_CODE =
  /^(?:CERT_|ERR_TLS_CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|INVALID_CA$|HOSTNAME_MISMATCH$)/
const TLS_CODE = /^(?:EPROTO$|ERR_SSL_|ERR_TLS_)/

const EXPLANATIONS: ReadonlyMap<string, (endpoint: Endpoint) => Explanation> = new Map([
  ['ECONNREFUSED', refused],
  ['ENOTFOUND', notFound],
  ['EAI_AGAIN', noNameServer],
  ['EHOSTUNREACH', unreachable],
  ['ENETUNREACH', unreachable],
  ['ETIMEDOUT', unreachable],
  ['ERR_SSL_WRONG_VERSION_NUMBER', noTls],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', noTls],
  ['ERR_TLS_CERT_ALTNAME_INVALID', otherHost],
  ['HOSTNAME_MISMATCH', otherHost],
  ['CERT_HAS_EXPIRED', expired],
  ['CERT_NOT_YET_VALID', notYetValid],
])

/** Whether a code tells of a failed TLS handshake, which fails the same way the next time. */
export function isTlsCode(code: string): boolean {
  return CERTIFICATE_CODE.test(code) || TLS_CODE.test(code)
}

/** The error for a connection that could not be made: what is wrong, the code, and what can be done about it. */
export function connectFailed(failure: ConnectFailure): ConnectionError {
  const { endpoint, code, cause, otherwise, retryable } = failure
  if (code !== undefined && CERTIFICATE_CODE.test(code)) return certificateRejected(failure)
  const message = code === undefined ? undefined : explained(code, endpoint)
  return new ConnectionError('CONNECTION_FAILED', message ?? otherwise, { cause, retryable })
}

/** The error for a server whose certificate is not trusted, whatever the code is. */
export function certificateRejected({ endpoint, code, cause, trustAdvice }: ConnectFailure): ConnectionError {
  const message =
    (code === undefined ? undefined : explained(code, endpoint)) ??
    `the TLS certificate of ${endpoint.origin} was rejected${code === undefined ? '' : ` (${code})`}; ` +
      `if it is signed by a certificate authority of your own, ${trustAdvice}`
  return new ConnectionError('CERTIFICATE_REJECTED', message, { cause, retryable: false })
}

/** The texts of TLS errors quote certificates. */
const MAX_REASON_LENGTH = 300

const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** The reason to put behind a message: the code of a system error, or its text. */
export function because(cause: Error | undefined): string {
  if (cause === undefined) return ''
  return ` (${foreignText(errorCode(cause) ?? cause.message, MAX_REASON_LENGTH)})`
}

/** Code of a system error; where both address families were tried, the code of the first failure. */
export function errorCode(error: unknown): string | undefined {
  const errors: unknown = isError(error) ? Reflect.get(error, 'errors') : undefined
  return codeOf(error) ?? (Array.isArray(errors) ? codeOf(errors[0]) : undefined)
}

/** Whether a system error with this code may not happen again: the ones that the AWS SDKs retry. */
export function isTransientCode(code: string): boolean {
  return TRANSIENT_CODES.has(code)
}

function explained(code: string, endpoint: Endpoint): string | undefined {
  const explain = EXPLANATIONS.get(code) ?? (TLS_CODE.test(code) ? handshakeFailed : undefined)
  if (explain === undefined) return undefined
  const [problem, remedy] = explain(endpoint)
  return `${problem} (${code}); ${remedy}`
}

function refused({ origin }: Endpoint): Explanation {
  return [
    `could not connect to ${origin}`,
    'check that the server is running, and host and port of the endpoint',
  ]
}

function notFound({ hostname }: Endpoint): Explanation {
  return [
    `the host name ${hostname} could not be resolved`,
    'check the spelling of the region and the endpoint',
  ]
}

function noNameServer({ hostname }: Endpoint): Explanation {
  return [
    `the host name ${hostname} could not be resolved`,
    'check that a name server can be reached, and the spelling of the region and the endpoint',
  ]
}

function unreachable({ origin }: Endpoint): Explanation {
  return [`could not connect to ${origin}`, 'check the network, its firewalls, and the endpoint']
}

function noTls({ origin }: Endpoint): Explanation {
  return [`there is no TLS at ${origin}`, 'check the port, or write http:// in the endpoint if that is meant']
}

function handshakeFailed({ origin }: Endpoint): Explanation {
  return [
    `the TLS handshake with ${origin} failed`,
    'check which port of the server speaks TLS, and which versions of it',
  ]
}

function otherHost({ origin }: Endpoint): Explanation {
  return [`the TLS certificate of ${origin} is for another host`, 'check the host name in the endpoint']
}

function expired({ origin }: Endpoint): Explanation {
  return [
    `the TLS certificate of ${origin} has expired`,
    'have it renewed, or set the clock of this machine right',
  ]
}

function notYetValid({ origin }: Endpoint): Explanation {
  return [
    `the TLS certificate of ${origin} is not valid yet`,
    'set the clock of this machine right, or have it replaced',
  ]
}
