import { isTypeError } from '../../internal/core-objects.ts'

/** What a session asks of the response to its request. */
export interface ResponseMarks {
  /** The `Set-Cookie` value, if there is one to send. */
  readonly setCookie: string | undefined
  /** Whether what the handler did depended on the session. */
  readonly isUsed: boolean
}

const NOT_FOR_SHARED_CACHES = /(?:^|[\s,])(?:private|no-store)(?:$|[\s,])/i

/**
 * Writes the cookie of a session into the headers of a response, and keeps caches from handing one visitor's response to
 * another: `Vary: Cookie` where the session was used, and `Cache-Control: no-store` with the cookie unless the
 * application has said `private` or `no-store` itself.
 *
 * @throws {TypeError} when the headers cannot be changed; nothing has been changed then.
 */
export function markResponse(headers: Headers, { setCookie, isUsed }: ResponseMarks): void {
  if (setCookie !== undefined) {
    if (!headers.getSetCookie().includes(setCookie)) headers.append('set-cookie', setCookie)
    if (!NOT_FOR_SHARED_CACHES.test(headers.get('cache-control') ?? '')) {
      headers.set('cache-control', 'no-store')
    }
  }
  if (isUsed && !variesByCookie(headers)) headers.append('vary', 'Cookie')
}

/** The response with the marks of {@link markResponse}: itself, or a copy where its headers cannot be changed. */
export function markedResponse(response: Response, marks: ResponseMarks): Response {
  try {
    markResponse(response.headers, marks)
    return response
  } catch (error) {
    if (!isTypeError(error)) throw error
    const copy = new Response(response.body, response)
    markResponse(copy.headers, marks)
    return copy
  }
}

function variesByCookie(headers: Headers): boolean {
  const names = (headers.get('vary') ?? '').split(',').map(name => name.trim().toLowerCase())
  return names.some(name => name === 'cookie' || name === '*')
}
