import { DynamoDBSessionsError } from '../../errors.ts'
import type { CallOptions } from '../../options/call-options.ts'
import type { SessionData } from '../../types.ts'
import { type SetCookie, setCookieHeader } from '../web/cookie.ts'
import { type OpenedSession, type SessionContext, WebSession } from '../web/web-session.ts'

/**
 * The session of one request to Next.js: that of `dynamodb-sessions/web`, and it sets its cookie itself.
 *
 * @typeParam Data what the session holds, by key. It is the application's word: what is read is not checked.
 */
export class NextSession<Data extends object = SessionData> extends WebSession<Data> {
  readonly #sink: CookieSink | undefined

  /**
   * @param sink absent where what opens the session sends its cookie, too.
   * @internal
   */
  constructor(context: SessionContext<Data>, opened: OpenedSession<Data>, sink?: CookieSink) {
    super(context, opened)
    this.#sink = sink
  }

  /**
   * Stores what has changed, and sets the cookie. Without changes it extends the session.
   *
   * @throws {DynamoDBSessionsError} `COOKIES_READ_ONLY` where no cookie can be set, such as in a Server Component;
   *   nothing was stored.
   * @throws whatever `WebSession.commit` may fail with.
   */
  save(options?: CallOptions): Promise<void> {
    return this.#withCookie(() => this.commit(options))
  }

  /**
   * Destroys the session now, and makes the browser forget it.
   *
   * @throws {DynamoDBSessionsError} `COOKIES_READ_ONLY` where no cookie can be set, such as in a Server Component;
   *   the session is as it was.
   */
  override destroy(options?: CallOptions): Promise<void> {
    return this.#withCookie(() => super.destroy(options))
  }

  /** Does something that may need a cookie to be set, if one can be set. */
  async #withCookie(work: () => Promise<unknown>): Promise<void> {
    this.#sink?.requireWritable()
    await work()
    if (this.setCookie !== undefined) this.#sink?.set(this.setCookie)
  }
}

/** What `await cookies()` of `next/headers` gives. Only server actions and route handlers can set cookies in it. */
export interface CookieJar {
  get(name: string): { readonly value: string } | undefined
  set?(name: string, value: string, options: SetCookie['options']): unknown
}

/** The response of the Pages Router: `res` of `getServerSideProps` and of API routes. */
export interface PagesResponse {
  readonly headersSent: boolean
  getHeader(name: string): number | string | string[] | undefined
  setHeader(name: string, value: string | string[]): unknown
}

/** Where the cookie of a session goes. */
export interface CookieSink {
  /** @throws {DynamoDBSessionsError} `COOKIES_READ_ONLY` */
  readonly requireWritable: () => void
  readonly set: (cookie: SetCookie) => void
}

const WRITABLE = new Error('the jar takes cookies')

/** Sets cookies in a jar, unless it is read-only. */
export function sinkOfJar(jar: CookieJar): CookieSink {
  // What can set a cookie asks for its name first, and gets no further; others throw without asking.
  const probe = {
    get name(): string {
      throw WRITABLE
    },
  }
  return {
    requireWritable: () => {
      try {
        ;(jar as unknown as { set: (cookie: object) => unknown }).set(probe)
      } catch (error) {
        if (error !== WRITABLE) throw cookiesReadOnly(error)
      }
    },
    set: ({ name, value, options }) => {
      jar.set?.(name, value, options)
    },
  }
}

/** Sets cookies in a response of the Pages Router, unless its headers have been sent. */
export function sinkOfResponse(response: PagesResponse): CookieSink {
  return {
    requireWritable: () => {
      if (response.headersSent) throw cookiesReadOnly()
    },
    set: cookie => {
      const others = [response.getHeader('set-cookie') ?? []].flat().map(String)
      const kept = others.filter(other => !other.startsWith(`${cookie.name}=`))
      response.setHeader('set-cookie', [...kept, setCookieHeader(cookie)])
      if (!response.getHeader('cache-control')) response.setHeader('cache-control', 'private, no-store')
    },
  }
}

function cookiesReadOnly(cause?: unknown): DynamoDBSessionsError {
  return new DynamoDBSessionsError(
    'COOKIES_READ_ONLY',
    'the session cookie cannot be set here; call save() and destroy() in a server action or a route handler, not in a ' +
      'Server Component or after the response',
    { cause },
  )
}
