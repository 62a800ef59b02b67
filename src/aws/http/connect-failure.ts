import { isIP, type Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'

import { ConnectionError } from '../../errors.ts'
import { codeOf, isError } from '../../internal/core-objects.ts'
import { foreignText } from '../../internal/message-text.ts'
import type { Endpoint } from './endpoint.ts'

/** What is known about a connection that could not be made. */
interface ConnectFailure {
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

const CERTIFICATE_CODE =
  /^(?:CERT_|ERR_TLS_CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|INVALID_CA$|HOSTNAME_MISMATCH$)/
const TLS_CODE = /^(?:EPROTO$|ERR_SSL_|ERR_TLS_)/

/** What is wrong, and what can be done about it: the code goes in between. */
type Explanation = (endpoint: Endpoint) => readonly [problem: string, remedy: string]

const unreachable: Explanation = ({ origin }) => [
  `could not connect to ${origin}`,
  'check the network, its firewalls, and the endpoint',
]
const noTls: Explanation = ({ origin }) => [
  `there is no TLS at ${origin}`,
  'check the port, or write http:// in the endpoint if that is meant',
]
const otherHost: Explanation = ({ origin }) => [
  `the TLS certificate of ${origin} is for another host`,
  'check the host name in the endpoint',
]
const handshakeFailed: Explanation = ({ origin }) => [
  `the TLS handshake with ${origin} failed`,
  'check which port of the server speaks TLS, and which versions of it',
]

const unresolved: Explanation = ({ hostname }) => [
  `the host name ${hostname} could not be resolved`,
  'check that a name server can be reached, and the spelling of the region and the endpoint',
]

const EXPLANATIONS: ReadonlyMap<string, Explanation> = new Map(
  Object.entries<Explanation>({
    ECONNREFUSED: ({ origin }) => [
      `could not connect to ${origin}`,
      'check that the server is running, and host and port of the endpoint',
    ],
    ENOTFOUND: ({ hostname }) => [
      `the host name ${hostname} could not be resolved`,
      'check whether the name server has addresses for it, and the spelling of the region and the endpoint',
    ],
    EAI_AGAIN: unresolved,
    EAI_FAIL: unresolved,
    ENODATA: unresolved,
    ESERVFAIL: unresolved,
    ETIMEOUT: unresolved,
    EHOSTUNREACH: unreachable,
    ENETUNREACH: unreachable,
    ETIMEDOUT: unreachable,
    ERR_SSL_WRONG_VERSION_NUMBER: noTls,
    ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
    ERR_TLS_CERT_ALTNAME_INVALID: otherHost,
    HOSTNAME_MISMATCH: otherHost,
    CERT_HAS_EXPIRED: ({ origin }) => [
      `the TLS certificate of ${origin} has expired`,
      'have it renewed, or set the clock of this machine right',
    ],
    CERT_NOT_YET_VALID: ({ origin }) => [
      `the TLS certificate of ${origin} is not valid yet`,
      'set the clock of this machine right, or have it replaced',
    ],
  }),
)

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

/** The error for a socket that could not connect, or whose server hung up before it did. */
export function socketFailed(
  socket: Socket,
  endpoint: Endpoint,
  cause: Error | undefined,
  trustAdvice: string,
): ConnectionError {
  const code = errorCode(cause)
  const isRejected = 'authorizationError' in socket && typeof socket.authorizationError === 'string'
  const fail = isRejected ? certificateRejected : connectFailed
  return fail({
    endpoint,
    code,
    cause,
    otherwise: `could not connect to ${endpoint.origin}${cause === undefined ? ' (it closed the connection)' : because(cause)}`,
    // Without a code the server hung up in the middle of the handshake.
    retryable: code === undefined || TRANSIENT_CODES.has(code),
    trustAdvice,
  })
}

/** What a TLS connection to a host is made with: its name is verified, and its certificate by `ca` where that is given. */
export function tlsOptions(hostname: string, ca: string | readonly string[] | undefined): ConnectionOptions {
  return {
    ALPNProtocols: ['http/1.1'],
    ...(isIP(hostname) === 0 && { servername: hostname }),
    ...(ca !== undefined && { ca: typeof ca === 'string' ? ca : [...ca] }),
  }
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

/** Codes of system errors that may not happen again: the ones that the AWS SDKs retry. */
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
  'EAI_FAIL',
  'ENODATA',
  'ESERVFAIL',
  'ETIMEOUT',
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

function explained(code: string, endpoint: Endpoint): string | undefined {
  const explain = EXPLANATIONS.get(code) ?? (TLS_CODE.test(code) ? handshakeFailed : undefined)
  if (explain === undefined) return undefined
  const [problem, remedy] = explain(endpoint)
  return `${problem} (${code}); ${remedy}`
}
