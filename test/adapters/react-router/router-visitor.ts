import { createStaticHandler, type RouteObject } from 'react-router'

const ORIGIN = 'https://app.example'

/** Somebody with a browser at an app of React Router's: keeps the cookie that its routes set. */
export class RouterVisitor {
  readonly #routes: RouteObject[]
  readonly #handler: ReturnType<typeof createStaticHandler>
  #cookie: string | undefined

  constructor(routes: RouteObject[], cookie?: string) {
    this.#routes = routes
    this.#handler = createStaticHandler(routes)
    this.#cookie = cookie
  }

  /** The `Cookie` header that the browser sends. */
  get cookie(): string | undefined {
    return this.#cookie
  }

  /** Another window of the same browser: it has the cookie of now. */
  anotherWindow(): RouterVisitor {
    return new RouterVisitor(this.#routes, this.#cookie)
  }

  /** What the loader of a page answers. */
  async text(path: string): Promise<string> {
    return (await this.#send(path, {})).text()
  }

  async post(path: string, fields: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.#send(path, { method: 'POST', body: new URLSearchParams(fields) })
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers)
    if (this.#cookie !== undefined) headers.set('cookie', this.#cookie)
    const response: unknown = await this.#handler.queryRoute(new Request(ORIGIN + path, { ...init, headers }))
    if (!(response instanceof Response)) throw new Error('the route did not answer with a response')
    const header = response.headers.get('set-cookie')
    if (header !== null)
      this.#cookie = header.includes('Expires=Thu, 01 Jan 1970') ? undefined : cookieOf(header)
    return response
  }
}

/** The `Cookie` header that answers a `Set-Cookie` header. */
export function cookieOf(setCookie: string): string {
  return setCookie.replace(/;.*$/s, '')
}
