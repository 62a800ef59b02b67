import type { CallOptions } from '../../options/call-options.ts'
import type { SessionData } from '../../types.ts'
import { type OpenedSession, type SessionContext, WebSession } from '../web/web-session.ts'
import type { CookieSink } from './cookie-sink.ts'

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
