/** What answers requests: a handler, an app, or a server over HTTP. */
export type Answerer = (request: Request) => Response | Promise<Response>

/** What a {@link Visitor} was answered. */
export interface Answer {
  readonly status: number
  readonly text: string
  /** The `Set-Cookie` header of the session cookie, or `undefined`. */
  readonly setCookie: string | undefined
  readonly headers: Headers
}

/** A visitor: sends requests with the session cookie that it was given last. */
export class Visitor {
  readonly #answerer: Answerer
  readonly #cookieName: string
  #cookie: string | undefined

  constructor(answerer: Answerer, options: { cookie?: string | undefined; cookieName?: string } = {}) {
    this.#answerer = answerer
    this.#cookieName = options.cookieName ?? '__Host-session'
    this.#cookie = options.cookie
  }

  /** Value of the session cookie. */
  get cookie(): string | undefined {
    return this.#cookie
  }

  /** The session ID in the cookie. */
  get id(): string {
    const id = this.#cookie?.replace(/\..*/, '')
    if (id === undefined) throw new Error('the visitor has no session cookie')
    return id
  }

  /** Opens a page and keeps the cookie that it sets, or forgets the one that it clears. */
  async open(path: string, method = 'GET'): Promise<Answer> {
    const headers = this.#cookie === undefined ? {} : { cookie: `${this.#cookieName}=${this.#cookie}` }
    const request = new Request(`https://app.example${path}`, { method, headers })
    const response = await this.#answerer(request)
    const text = await response.text()
    const own = response.headers.getSetCookie().filter(header => header.startsWith(`${this.#cookieName}=`))
    if (own.length > 1) throw new Error(`the response sets the cookie ${own.length} times`)
    const [setCookie] = own
    if (setCookie?.includes('Max-Age=0;') === true) this.#cookie = undefined
    else if (setCookie !== undefined) {
      this.#cookie = setCookie.slice(this.#cookieName.length + 1).replace(/;.*$/s, '')
    }
    return { status: response.status, text, setCookie, headers: response.headers }
  }

  /** Another window of the same browser: it has the cookie of now. */
  anotherWindow(): Visitor {
    return new Visitor(this.#answerer, { cookie: this.#cookie, cookieName: this.#cookieName })
  }
}

/** Passes requests on to a server, `origin`, over HTTP. */
export function overHttp(origin: string): Answerer {
  return request => {
    const { pathname, search } = new URL(request.url)
    return fetch(origin + pathname + search, {
      method: request.method,
      headers: request.headers,
      redirect: 'manual',
    })
  }
}
