import type { CookieJar, SetCookie } from '../../../src/adapters/next.ts'

type Values = ReadonlyMap<string, string>

/** The cookies of a Server Component: `set` is there, and throws. */
export class RenderJar implements CookieJar {
  readonly values: Values

  constructor(values: Values = new Map()) {
    this.values = values
  }

  get(name: string): { readonly value: string } | undefined {
    const value = this.values.get(name)
    return value === undefined ? undefined : { value }
  }

  set(): never {
    throw new Error('Cookies can only be modified in a Server Action or Route Handler.')
  }
}

/** The cookies of a server action or a route handler. */
export class ActionJar implements CookieJar {
  readonly values: Map<string, string>
  /** What was set, in order. */
  readonly changes: SetCookie[] = []
  /** Whether the response has begun. */
  isOver = false

  constructor(values: Values = new Map()) {
    this.values = new Map(values)
  }

  get(name: string): { readonly value: string } | undefined {
    return new RenderJar(this.values).get(name)
  }

  /** As in Next.js, the name can also be in an object with everything. */
  set(nameOrCookie: string | SetCookie, value = '', options?: SetCookie['options']): this {
    if (this.isOver) throw new Error('Cookies can only be modified in a Server Action or Route Handler.')
    const name = typeof nameOrCookie === 'string' ? nameOrCookie : nameOrCookie.name
    if (options === undefined) throw new Error('a session cookie has options')
    this.changes.push({ name, value, options })
    this.values.set(name, value)
    return this
  }

  /** The jar of the next request of the same browser. */
  nextRequest(): ActionJar {
    return new ActionJar(new Map([...this.values].filter(([, value]) => value !== '')))
  }
}

/** What `redirect()` of Next.js throws. */
export function redirectError(url: string, status: number): Error {
  return Object.assign(new Error('NEXT_REDIRECT'), { digest: `NEXT_REDIRECT;replace;${url};${status};` })
}
