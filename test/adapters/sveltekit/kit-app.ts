import type { SvelteKitSessions } from '../../../src/adapters/sveltekit.ts'
import type { WebSession } from '../../../src/adapters/web.ts'
import type { SetCookie } from '../../../src/adapters/web/cookie.ts'
import { setCookieHeader } from '../../../src/adapters/web/cookie.ts'

/** What SvelteKit gives its hooks, as far as sessions and these tests are concerned. */
export interface KitEvent<Data extends object> {
  readonly request: Request
  readonly url: URL
  readonly locals: { session: WebSession<Data> }
  readonly isSubRequest: boolean
  readonly cookies: {
    get(name: string): string | undefined
    set(name: string, value: string, options: SetCookie['options']): void
  }
  fetch(path: string, init?: { readonly credentials?: 'omit' }): Promise<Response>
}

/** Answers requests as SvelteKit does: what a hook throws is a redirect, or fails the request. */
export class KitApp<Data extends object> {
  /** What requests that the app has made of itself were given as cookies. */
  readonly cookiesOfSubRequests: string[] = []
  readonly #handle: SvelteKitSessions<Data>['handle']
  readonly #resolve: (event: KitEvent<Data>) => Response | Promise<Response>

  constructor(
    handle: SvelteKitSessions<Data>['handle'],
    resolve: (event: KitEvent<Data>) => Response | Promise<Response>,
  ) {
    this.#handle = handle
    this.#resolve = resolve
  }

  readonly answer = (request: Request): Promise<Response> => this.#respond(request, false)

  async #respond(request: Request, isSubRequest: boolean): Promise<Response> {
    const cookieHeader = request.headers.get('cookie')
    const added = new Headers()
    const event: KitEvent<Data> = {
      request,
      url: new URL(request.url),
      locals: {} as KitEvent<Data>['locals'],
      isSubRequest,
      cookies: {
        get: name => new RegExp(`${name}=([^;]*)`).exec(cookieHeader ?? '')?.[1],
        set: (name, value, options) => {
          added.append('set-cookie', setCookieHeader({ name, value, options }))
        },
      },
      fetch: async (path, init) => {
        const isKnown = init?.credentials !== 'omit' && cookieHeader !== null
        const response = await this.#respond(
          new Request(new URL(path, request.url), isKnown ? { headers: { cookie: cookieHeader } } : {}),
          true,
        )
        this.cookiesOfSubRequests.push(...response.headers.getSetCookie())
        return response
      },
    }
    try {
      return await this.#handle({ event, resolve: async given => this.#resolve(given) })
    } catch (error) {
      const { status, location } = Object(error) as { readonly status?: number; readonly location?: string }
      if (status === undefined || location === undefined) throw error
      added.set('location', location)
      return new Response(null, { status, headers: added })
    }
  }
}
