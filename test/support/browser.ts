/** What a {@link Browser} was answered. */
export interface BrowserAnswer {
  readonly status: number
  readonly text: string
  /** The `Set-Cookie` header of the session cookie, or `undefined`. */
  readonly setCookie: string | undefined
}

const COOKIE_NAME = 'connect.sid'

/** A visitor: `fetch` with a jar for the session cookie. */
export class Browser {
  #cookie: string | undefined

  /** @param cookie value of the session cookie to begin with. */
  constructor(cookie?: string) {
    this.#cookie = cookie
  }

  /** Value of the session cookie. */
  get cookie(): string | undefined {
    return this.#cookie
  }

  /** The session ID in the cookie. */
  get sessionId(): string {
    const id = /^s:(?<id>.+)\.[^.]+$/.exec(decodeURIComponent(this.#cookie ?? ''))?.groups?.['id']
    if (id === undefined) throw new Error('the browser has no session cookie')
    return id
  }

  /** Opens a page and keeps the cookie that it sets. */
  async open(url: string): Promise<BrowserAnswer> {
    const headers: Record<string, string> = {}
    if (this.#cookie !== undefined) headers['cookie'] = `${COOKIE_NAME}=${this.#cookie}`
    const response = await fetch(url, { headers, redirect: 'manual' })
    const text = await response.text()
    const setCookie = response.headers.getSetCookie().find(header => header.startsWith(`${COOKIE_NAME}=`))
    if (setCookie !== undefined) this.#cookie = setCookie.slice(COOKIE_NAME.length + 1).replace(/;.*$/s, '')
    return { status: response.status, text, setCookie }
  }

  /** Another window of the same browser: it has the cookie of now. */
  anotherWindow(): Browser {
    return new Browser(this.#cookie)
  }
}
