import { invalidArgument } from '../errors.ts'
import { isObject } from '../internal/core-objects.ts'
import { unlessAborted } from '../internal/timers.ts'
import type { CallOptions } from '../options/call-options.ts'
import type { SessionStore } from '../store/session-store.ts'
import type { SessionData } from '../types.ts'
import { inTimeLeft } from './lambda/time-left.ts'
import { type RequestWithCookies, WebSessions, type WebSessionsOptions } from './web.ts'
import type { WebSession } from './web/web-session.ts'

export type { SessionCookieOptions, WebSession, WebSessionsOptions, WebSessionStatus } from './web.ts'

/**
 * What has to be known of an event that stands for an HTTP request. Those of API Gateway (both payload formats), of
 * function URLs and of an Application Load Balancer have it.
 */
export interface LambdaHttpEvent {
  /** `'2.0'` for HTTP APIs and function URLs. */
  readonly version?: string | undefined
  readonly cookies?: readonly string[] | undefined
  readonly headers?: Readonly<Record<string, string | undefined>> | null | undefined
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[] | undefined>> | null | undefined
}

/** What a function returns for such an event. */
export interface LambdaHttpResult {
  statusCode: number
  headers?: Record<string, string | number | boolean> | undefined
  multiValueHeaders?: Record<string, (string | number | boolean)[]> | undefined
  /** Each the value of a `Set-Cookie` header; for events of version 2.0. */
  cookies?: string[] | undefined
}

/** What `handler` makes: what a module of a function exports. */
export type LambdaHandler<Event, Result, Context> = (event: Event, context: Context) => Promise<Result>

/**
 * Sessions for AWS Lambda functions that answer HTTP requests without a framework.
 *
 * - The cookie is found where the kind of event has it, and set where the sender of the event looks for it.
 * - What is changed is stored before the function returns: nothing is left for a process that is frozen then.
 * - What `webSessions` guarantees holds.
 *
 * @example
 * ```ts
 * import { lambdaSessions } from 'dynamodb-sessions/lambda'
 *
 * const sessions = lambdaSessions<{ visits?: number }>({
 *   table: 'sessions',
 *   secrets: process.env['SESSION_SECRET'],
 * })
 *
 * export const handler = sessions.handler(async (event, session) => {
 *   const visits = (session.get('visits') ?? 0) + 1
 *   session.set('visits', visits)
 *   return { statusCode: 200, body: `Visit ${visits}` }
 * })
 * ```
 *
 * @param options those of `webSessions`. The option `isFailure` sees a response without a body, with the status and the headers
 *   `Set-Cookie`, `Cache-Control` and `Vary`.
 * @typeParam Data what a session holds, by key.
 * @throws {TypeError} `INVALID_OPTION` as `webSessions` does.
 */
export function lambdaSessions<Data extends object = SessionData>(
  options: WebSessionsOptions<Data> = {},
): LambdaSessions<Data> {
  return new LambdaSessions<Data>(options)
}

/** What {@link lambdaSessions} makes. */
export class LambdaSessions<Data extends object = SessionData> {
  readonly #web: WebSessions<Data>

  /** @internal */
  constructor(options: WebSessionsOptions<Data>) {
    this.#web = new WebSessions(options, { name: 'lambda' })
  }

  /** Where the sessions are kept; for `destroyByUser`, for example. */
  get store(): SessionStore<Data> {
    return this.#web.store
  }

  /** Name of the cookie, with prefix. */
  get cookieName(): string {
    return this.#web.cookieName
  }

  /**
   * Makes a handler of a function that is also given the session, which is committed when the function returns. When it fails,
   * nothing is stored, a lock is given back, and the failure is passed on.
   *
   * Reading and storing the session ends ahead of the function's timeout, with an error.
   *
   * The result is kept out of caches as by `WebSession.commitTo`. For an event with `multiValueHeaders`, all of its headers
   * are moved there: a load balancer reads nothing else then.
   *
   * @throws {TypeError} the handler, `INVALID_ARGUMENT`, for a result without `statusCode`, before anything is stored; and for a second
   *   cookie towards a load balancer whose target group has no multi-value headers, which cannot carry two.
   */
  handler<
    Event extends LambdaHttpEvent = LambdaHttpEvent,
    Result extends LambdaHttpResult = LambdaHttpResult & { body?: string },
    Context = unknown,
  >(
    work: (event: Event, session: WebSession<Data>, context: Context) => Result | Promise<Result>,
  ): LambdaHandler<Event, Result, Context> {
    return async (event, context) => {
      const session = await inTimeLeft(context, options => this.openSession(event, options))
      try {
        const result = await work(event, session, context)
        const response = responseOf(result)
        const { headers: marked } = await inTimeLeft(context, options => session.commitTo(response, options))
        const headers = headersOf(result).filter(([name]) => !MARKED.has(name))
        for (const [name, value] of marked) if (name !== SET_COOKIE) headers.push([name, [value]])
        return withHeaders(event, result, headers, marked.getSetCookie()) as Result
      } catch (error) {
        // A lock that cannot be given back ends with its lease; what failed first is what the caller has to know.
        await Promise.allSettled([
          inTimeLeft(context, ({ signal }) => unlessAborted(session.release(), signal)),
        ])
        throw error
      }
    }
  }

  /**
   * Opens the session of an event, for functions that stream their response. End it with `commit`, before the first byte is
   * written, and pass the cookie that it returns on: `HttpResponseStream.from(stream, { statusCode, cookies: [cookie] })`.
   * With `locking`, a function that fails has to call `release`.
   */
  async openSession(event: LambdaHttpEvent, options: CallOptions = {}): Promise<WebSession<Data>> {
    return this.#web.openSession(requestOf(event), options)
  }

  /**
   * Checks that sessions can be kept: {@link SessionStore.ready}. Awaited outside of the handler, it fails the start of each
   * execution environment when they cannot; not with SnapStart, where the connection would be part of the snapshot.
   */
  ready(options?: CallOptions): Promise<void> {
    return this.#web.ready(options)
  }

  /** Lets calls under way finish and closes the connections of the store, unless that is somebody else's. */
  close(): Promise<void> {
    return this.#web.close()
  }
}

const SET_COOKIE = 'set-cookie'

/** The headers that a session has a say in. */
const MARKED: ReadonlySet<string> = new Set([SET_COOKIE, 'cache-control', 'vary'])

type Headed = Pick<LambdaHttpResult, 'headers' | 'multiValueHeaders'>
type HeaderValues = readonly [name: string, values: string[]]

/** What stands for the event's request. Events that are written by hand, or by emulators, may have other types. */
function requestOf(event: LambdaHttpEvent): RequestWithCookies {
  if (!isObject(event)) throw invalidArgument('the event of a handler with a session must be an object')
  const { cookies, headers, multiValueHeaders } = event
  const places = [cookies, cookieHeaderOf(multiValueHeaders), cookieHeaderOf(headers)].map(place =>
    [place].flat().filter(value => typeof value === 'string'),
  )
  const values = places.find(({ length }) => length > 0)
  return { headers: { get: () => values?.join('; ') ?? null } }
}

/** The values of the header `Cookie`, whose name may be written as the client has written it. */
function cookieHeaderOf(headers: object | null | undefined): unknown {
  return Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'cookie')?.[1]
}

/** A response with what a session has a say in: other headers may be none that a `Response` takes. */
function responseOf(result: LambdaHttpResult): Response {
  if (!isObject(result) || !isStatus(result.statusCode)) {
    throw invalidArgument(
      'a handler with a session must return an object with a "statusCode" from 200 to 599',
    )
  }
  const headers = new Headers()
  for (const [name, values] of headersOf(result)) {
    if (MARKED.has(name)) for (const value of values) headers.append(name, value)
  }
  for (const cookie of result.cookies ?? []) headers.append(SET_COOKIE, cookie)
  return new Response(null, { status: result.statusCode, headers })
}

function isStatus(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 599
}

/**
 * The headers of a result by name in lower case; one without a value is none. Where both fields have one,
 * `multiValueHeaders` count, as for API Gateway.
 */
function headersOf({ headers, multiValueHeaders }: Headed): HeaderValues[] {
  const byName = new Map<string, string[]>()
  for (const [name, value] of [
    ...Object.entries(headers ?? {}),
    ...Object.entries(multiValueHeaders ?? {}),
  ]) {
    const values = [value].flat().filter(item => item !== undefined && item !== null)
    if (values.length > 0) byName.set(name.toLowerCase(), values.map(String))
  }
  return [...byName]
}

/** The result with the headers of the session's response, in the form that the sender of the event reads. */
function withHeaders(
  { version, multiValueHeaders }: LambdaHttpEvent,
  result: LambdaHttpResult,
  headers: readonly HeaderValues[],
  cookies: string[],
): LambdaHttpResult {
  const rest = { ...result }
  delete rest.headers
  delete rest.multiValueHeaders
  delete rest.cookies
  if (version === '2.0') return { ...rest, headers: singleValues(headers), cookies }
  const all = cookies.length === 0 ? headers : [...headers, [SET_COOKIE, cookies] as const]
  // A REST API has the field without headers, too: `null` then. A load balancer without multi-value headers has none.
  if (multiValueHeaders !== undefined) return { ...rest, multiValueHeaders: Object.fromEntries(all) }
  if (cookies.length > 1) {
    throw invalidArgument(
      'a response cannot carry a second cookie to this load balancer; switch on the multi-value headers of its target group: ' +
        'lambda.multi_value_headers.enabled=true',
    )
  }
  return { ...rest, headers: singleValues(all) }
}

function singleValues(headers: readonly HeaderValues[]): Record<string, string> {
  return Object.fromEntries(headers.map(([name, values]) => [name, values.join(', ')]))
}
