import { ConnectionError } from '../../errors.ts'
import { connectFailed, isTlsCode } from './connect-failure.ts'
import type { Endpoint } from './endpoint.ts'

/** How long a chain of causes is followed: `fetch` gives its reason in the first or second cause. */
const MAX_DEPTH = 5
/** What a code looks like; anything else is a text of somebody. */
const CODE = /^[A-Za-z][A-Za-z0-9_]{1,63}$/
/** The beginning of what the `fetch` of Node reports of a proxy that does not connect through. */
const PROXY_ANSWER = /^Proxy response \((\d{3})\)/

/**
 * The error for a request that `fetch` has failed.
 *
 * A `fetch` of the caller's may put anything into the texts of its errors, headers and bodies included (G9): of them,
 * only codes are passed on. The error itself is the `cause`.
 */
export function fetchFailed(endpoint: Endpoint, error: unknown): ConnectionError {
  const chain = [...causesOf(error)]
  const proxyStatus = chain.map(proxyStatusOf).find(status => status !== undefined)
  if (proxyStatus !== undefined) return proxyRefused(endpoint, proxyStatus, error)
  const code = chain.map(codeOf).find(found => found !== undefined)
  return connectFailed({
    endpoint,
    code,
    cause: error,
    otherwise:
      `the request to ${endpoint.origin} failed` +
      // The fetch of Node says nothing at all of the status 407.
      (code === undefined
        ? ', and fetch gave no error code, as where a proxy asks for a user name and password; see the cause'
        : ` (${code})`),
    // Each runtime has codes of its own for what may be different the next time.
    retryable: code === undefined || !isTlsCode(code),
    trustAdvice: 'name its file in NODE_EXTRA_CA_CERTS, or pass fetchTransport a fetch that trusts it',
  })
}

/** The error for a proxy that does not let a request through. */
export function proxyRefused(endpoint: Endpoint, statusCode: number, cause?: unknown): ConnectionError {
  const remedy =
    statusCode === 407
      ? 'pass fetchTransport a fetch that gives the proxy the user name and password that it asks for'
      : 'ask whoever runs the proxy to let the endpoint through'
  return new ConnectionError(
    'CONNECTION_FAILED',
    `the proxy on the way to ${endpoint.origin} refused with HTTP status ${statusCode}; ${remedy}`,
    { cause, retryable: statusCode >= 500 },
  )
}

function* causesOf(error: unknown): Generator<object> {
  let current = error
  for (let depth = 0; depth < MAX_DEPTH && typeof current === 'object' && current !== null; depth++) {
    yield current
    // Where both address families were tried and failed, the first says as much as the other.
    const errors: unknown = Reflect.get(current, 'errors')
    current = Reflect.get(current, 'cause') ?? (Array.isArray(errors) ? errors[0] : undefined)
  }
}

function codeOf(error: object): string | undefined {
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' && CODE.test(code) ? code : undefined
}

function proxyStatusOf(error: object): number | undefined {
  const message: unknown = Reflect.get(error, 'message')
  const status = typeof message === 'string' ? PROXY_ANSWER.exec(message)?.[1] : undefined
  return status === undefined ? undefined : Number(status)
}
