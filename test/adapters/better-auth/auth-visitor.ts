/** Answers requests: the handler of a better-auth server. */
export type AuthHandler = (request: Request) => Promise<Response>

/** What better-auth tells of a session. */
export interface AuthSession {
  readonly session: { readonly token: string; readonly expiresAt: string }
  readonly user: { readonly email: string }
}

const ORIGIN = 'https://app.example'

/** Somebody with a browser: keeps the cookies that a better-auth server sets. */
export class AuthVisitor {
  readonly #handler: AuthHandler
  readonly #cookies: Map<string, string>

  constructor(handler: AuthHandler, cookies: ReadonlyMap<string, string> = new Map()) {
    this.#handler = handler
    this.#cookies = new Map(cookies)
  }

  /** The same browser at another server of the app. */
  at(handler: AuthHandler): AuthVisitor {
    return new AuthVisitor(handler, this.#cookies)
  }

  async signUp(name: string): Promise<Response> {
    return this.post('/sign-up/email', {
      name,
      email: `${name}@example.com`,
      password: `password of ${name}`,
    })
  }

  async signIn(name: string, password = `password of ${name}`): Promise<Response> {
    return this.post('/sign-in/email', { email: `${name}@example.com`, password })
  }

  /** The session as the server sees it; `null` when it sees none. */
  async session(): Promise<AuthSession | null> {
    const response = await this.get('/get-session')
    if (!response.ok) throw new Error(`the session was answered with ${response.status}`)
    return (await response.json()) as AuthSession | null
  }

  async listSessions(): Promise<readonly unknown[]> {
    return (await (await this.get('/list-sessions')).json()) as readonly unknown[]
  }

  get(path: string): Promise<Response> {
    return this.#send(path, { method: 'GET' })
  }

  post(path: string, body: object = {}): Promise<Response> {
    return this.#send(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers)
    headers.set('origin', ORIGIN)
    headers.set('x-client', '192.0.2.1')
    const cookie = Array.from(this.#cookies, ([name, value]) => `${name}=${value}`).join('; ')
    if (cookie !== '') headers.set('cookie', cookie)
    const response = await this.#handler(new Request(`${ORIGIN}/api/auth${path}`, { ...init, headers }))
    for (const header of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? []
      if (/Max-Age=0(?:;|$)/i.test(header)) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    return response
  }
}
