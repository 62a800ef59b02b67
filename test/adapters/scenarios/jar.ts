/** What a {@link Jar} was answered. */
export interface JarAnswer {
  readonly status: number
  readonly text: string
  /** Every `Set-Cookie` header. */
  readonly setCookies: readonly string[]
}

/** A visitor of a server: `fetch` that keeps the cookies that it is given. */
export class Jar {
  readonly #origin: string
  readonly #cookies: Map<string, string>

  /** @param cookies name and value of the cookies to begin with. */
  constructor(origin: string, cookies: Iterable<readonly [string, string]> = []) {
    this.#origin = origin
    this.#cookies = new Map(cookies)
  }

  /** Value of a cookie; `undefined` when there is none. */
  cookie(name: string): string | undefined {
    return this.#cookies.get(name)
  }

  /** Opens a page, and keeps or forgets the cookies as the answer says. */
  async open(path: string, init: RequestInit = {}): Promise<JarAnswer> {
    const cookie = Array.from(this.#cookies, ([name, value]) => `${name}=${value}`).join('; ')
    const headers = cookie === '' ? {} : { cookie }
    const response = await fetch(this.#origin + path, { redirect: 'manual', ...init, headers })
    const text = await response.text()
    const setCookies = response.headers.getSetCookie()
    for (const setCookie of setCookies) this.#keep(setCookie)
    return { status: response.status, text, setCookies }
  }

  /** Another window of the same browser: it has the cookies of now. */
  anotherWindow(origin: string = this.#origin): Jar {
    return new Jar(origin, this.#cookies)
  }

  #keep(setCookie: string): void {
    const { name = '', value = '' } = /^(?<name>[^=]+)=(?<value>[^;]*)/.exec(setCookie)?.groups ?? {}
    const expires = /; expires=(?<expires>[^;]+)/i.exec(setCookie)?.groups?.['expires']
    if (expires !== undefined && Date.parse(expires) <= Date.now()) this.#cookies.delete(name)
    else this.#cookies.set(name, value)
  }
}

/** A visitor who has opened `/login` of an app. */
export async function signedIn({ origin }: { readonly origin: string }): Promise<Jar> {
  const visitor = new Jar(origin)
  await visitor.open('/login')
  return visitor
}

/** What `/session` of an app tells about the session of a visitor. */
export async function contentOf(visitor: Jar): Promise<unknown> {
  return JSON.parse((await visitor.open('/session')).text)
}
