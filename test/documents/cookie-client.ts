/** Sends a request of a {@link CookieClient}. */
type Send = (request: Request) => Response | Promise<Response>

/**
 * What a page is visited with: it keeps cookies as the standard says, `Secure` ones over HTTPS only, and follows no redirects. Without
 * the exception that some browsers make for `http://localhost`, it is like curl, and like Safari.
 */
export class CookieClient {
  readonly #origin: string
  readonly #send: Send
  readonly #cookies = new Map<string, string>()

  constructor(origin: string, send: Send = fetch) {
    this.#origin = origin
    this.#send = send
  }

  /** The header `Cookie` of its requests. */
  get cookie(): string {
    return Array.from(this.#cookies, ([name, value]) => `${name}=${value}`).join('; ')
  }

  /** The text of the response. */
  async open(path: string, init: RequestInit = {}): Promise<string> {
    const headers = new Headers(init.headers)
    if (this.cookie !== '') headers.set('cookie', this.cookie)
    const request = new Request(this.#origin + path, { redirect: 'manual', ...init, headers })
    const response = await this.#send(request)
    for (const setCookie of response.headers.getSetCookie()) this.#take(setCookie)
    return response.text()
  }

  #take(setCookie: string): void {
    const [pair = '', ...attributes] = setCookie.split(/; */)
    const [name = '', value = ''] = pair.split(/=(.*)/s)
    const settings = new Map(
      attributes.map(attribute => {
        const [key = '', setting = ''] = attribute.split('=')
        return [key.toLowerCase(), setting]
      }),
    )
    if (settings.has('secure') && !this.#origin.startsWith('https:')) return
    const isOver = settings.get('max-age') === '0' || Date.parse(settings.get('expires') ?? '') < Date.now()
    if (isOver) this.#cookies.delete(name)
    else this.#cookies.set(name, value)
  }
}
