import { describe, expect, test } from 'vitest'

import {
  SessionCookie,
  type SessionCookieOptions,
  setCookieHeader,
} from '../../../../src/adapters/web/cookie.ts'
import { newSessionId } from '../../../../src/adapters/shared/session-cookie.ts'

const secrets = ['a long enough secret']
const id = newSessionId()

function attributesOf(setCookie: string): string[] {
  return setCookie.split('; ').slice(1).toSorted()
}

describe('what is set', () => {
  test('by default: __Host-, Secure, HttpOnly, SameSite=Lax, Path=/ and the lifetime', () => {
    const setCookie = setCookieHeader(new SessionCookie({}, secrets).issue(id, 86_400_000))
    expect(setCookie).toMatch(new RegExp(`^__Host-session=${id}\\.[\\w-]{43}; `))
    expect(attributesOf(setCookie)).toEqual(['HttpOnly', 'Max-Age=86400', 'Path=/', 'SameSite=Lax', 'Secure'])
  })

  test.each<[SessionCookieOptions, string, string[]]>([
    [{ persistent: false }, '__Host-session', ['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure']],
    [{ name: 'sid' }, '__Host-sid', ['HttpOnly', 'Max-Age=60', 'Path=/', 'SameSite=Lax', 'Secure']],
    [{ allowHttp: true }, 'session', ['HttpOnly', 'Max-Age=60', 'Path=/', 'SameSite=Lax']],
    [
      { prefix: 'secure', domain: 'example.org', path: '/shop', sameSite: 'strict' },
      '__Secure-session',
      ['Domain=example.org', 'HttpOnly', 'Max-Age=60', 'Path=/shop', 'SameSite=Strict', 'Secure'],
    ],
    [
      { sameSite: 'none', partitioned: true },
      '__Host-session',
      ['HttpOnly', 'Max-Age=60', 'Partitioned', 'Path=/', 'SameSite=None', 'Secure'],
    ],
    [{ prefix: 'none' }, 'session', ['HttpOnly', 'Max-Age=60', 'Path=/', 'SameSite=Lax', 'Secure']],
  ])('with %j', (options, name, attributes) => {
    const setCookie = setCookieHeader(new SessionCookie(options, secrets).issue(id, 60_000))
    expect(setCookie.slice(0, setCookie.indexOf('='))).toBe(name)
    expect(attributesOf(setCookie)).toEqual(attributes)
  })

  test.each([
    [1, 1],
    [999, 1],
    [1000, 1],
    [1001, 2],
    [-5, 1],
  ])('%i ms are Max-Age=%i, never a cookie that ends before its session', (remainingMs, maxAge) => {
    const issued = new SessionCookie({}, secrets).issue(id, remainingMs)
    expect(attributesOf(setCookieHeader(issued))).toContain(`Max-Age=${maxAge}`)
  })

  test('in parts, as cookies.set(name, value, options) of frameworks takes them', () => {
    const issued = new SessionCookie({ sameSite: 'none', partitioned: true }, secrets).issue(id, 60_000)
    expect(issued).toEqual({
      name: '__Host-session',
      value: expect.stringMatching(new RegExp(`^${id}\\.[\\w-]{43}$`)) as string,
      options: { maxAge: 60, path: '/', httpOnly: true, secure: true, sameSite: 'none', partitioned: true },
    })
    const plain = new SessionCookie({ allowHttp: true, domain: 'localhost', persistent: false }, secrets)
    const attributes = { path: '/', domain: 'localhost', httpOnly: true, secure: false, sameSite: 'lax' }
    expect(plain.issue(id, 60_000).options).toEqual(attributes)
    expect(plain.clear()).toEqual({ name: 'session', value: '', options: { maxAge: 0, ...attributes } })
  })

  test('clearing has the same name, path, domain and partition', () => {
    const options = { prefix: 'secure', domain: 'example.org', path: '/a', partitioned: true } as const
    const cleared = setCookieHeader(new SessionCookie(options, secrets).clear())
    expect(cleared).toMatch(/^__Secure-session=; /)
    expect(attributesOf(cleared)).toEqual(
      expect.arrayContaining(['Domain=example.org', 'Max-Age=0', 'Partitioned', 'Path=/a', 'Secure']),
    )
  })
})

describe('what is read', () => {
  const cookie = new SessionCookie({}, secrets)
  const pair = setCookieHeader(cookie.issue(id, 1)).replace(/;.*/, '')
  const none = {}

  test.each([
    pair,
    `a=b; ${pair}`,
    `${pair};a=b`,
    `a=b;${pair} ; c`,
    `__Host-session=forged.forged; ${pair}`,
    `${pair}; ${pair}`,
  ])('the ID is found in %j', header => {
    expect(cookie.read(header)).toEqual({ isThere: true, id, isOutdated: false })
  })

  test.each([null, '', ';', 'a=b', 'session=x', `x${pair}`, pair.replace('__Host-', '__host-')])(
    'no cookie is found in %j',
    header => {
      expect(cookie.read(header)).toEqual({ isThere: false, ...none })
    },
  )

  test.each(['__Host-session=', '__Host-session=x', `${pair}x`, `"${pair}"`.replace('"__', '__')])(
    'no ID is found in %j',
    header => {
      expect(cookie.read(header)).toEqual({ isThere: true, ...none })
    },
  )

  test('a cookie that an old secret has signed is due for a new signature', () => {
    const rotated = new SessionCookie({}, ['a new long enough secret', ...secrets])
    expect(rotated.read(pair)).toEqual({ isThere: true, id, isOutdated: true })
    expect(new SessionCookie({}, ['a new long enough secret']).read(pair)).toEqual({ isThere: true, ...none })
  })
})

describe('options', () => {
  test.each<[object, RegExp]>([
    [
      { domain: 'example.org' },
      /"domain" does not go with the prefix "__Host-", which needs Secure, Path=\/ and no Domain/,
    ],
    [{ path: '/shop' }, /"path" does not go with the prefix "__Host-"/],
    [{ prefix: 'host', domain: 'example.org', path: '/a' }, /"domain" does not go with the prefix "__Host-"/],
    [{ allowHttp: true, prefix: 'host' }, /"prefix: 'host'" and "allowHttp" exclude each other/],
    [{ allowHttp: true, prefix: 'secure' }, /"prefix: 'secure'" and "allowHttp" exclude each other/],
    [{ allowHttp: true, sameSite: 'none' }, /do not go with "allowHttp": they need Secure/],
    [{ allowHttp: true, partitioned: true }, /do not go with "allowHttp": they need Secure/],
    [{ name: '__Host-sid' }, /"name" must be a cookie name .* without the prefixes/],
    [{ name: '__secure-sid' }, /"name" must be/],
    [{ name: 'a b' }, /"name" must be/],
    [{ name: '' }, /"name" must be/],
    [{ prefix: 'secure', path: 'shop' }, /"path" must be/],
    [{ prefix: 'secure', path: '/a; Domain=evil.example' }, /"path" must be/],
    [{ prefix: 'secure', domain: '.example.org' }, /"domain" must be/],
    [{ prefix: 'secure', domain: 'example.org; Path=/' }, /"domain" must be/],
    [{ sameSite: 'Lax' }, /"sameSite" must be one of 'lax', 'strict', 'none'/],
    [{ prefix: '__Host-' }, /"prefix" must be one of 'host', 'secure', 'none'/],
    [{ prefix: 'toString' }, /"prefix" must be/],
    [{ maxAge: 1 }, /there is no cookie option "maxAge"/],
  ])('%j are refused', (options, message) => {
    const make = (): unknown => new SessionCookie(options, secrets)
    expect(make).toThrow(message)
    expect(make).toThrow(expect.objectContaining({ name: 'TypeError', code: 'INVALID_OPTION' }))
  })

  test('a domain and a path go together with allowHttp, which has no prefix', () => {
    const cookie = new SessionCookie({ allowHttp: true, domain: 'localhost', path: '/a' }, secrets)
    expect(attributesOf(setCookieHeader(cookie.issue(id, 1000)))).toContain('Domain=localhost')
  })
})

describe('without a signature, as PHP has it', () => {
  const cookie = new SessionCookie({ signed: false, name: 'PHPSESSID', prefix: 'none' }, [])

  test('IDs are such that PHP and Laravel take them, with 238 random bits', () => {
    expect(cookie.newId()).toMatch(/^[A-Za-z0-9]{40}$/)
    expect(cookie.newId()).not.toBe(cookie.newId())
    expect(setCookieHeader(cookie.issue('a'.repeat(26), 1000))).toMatch(/^PHPSESSID=a{26}; /)
  })

  test.each([
    ['k6v3qj4d2m9t1s8r7p0n5b4c3x', true],
    ['ABCdef0123456789,-ABCdef', true],
    ['short', false],
    ['with_underscore_that_php_refuses', false],
    ['x'.repeat(257), false],
    ['../../etc/passwd-and-more-text', false],
    ['..%2F..%2Fetc%2Fpasswd-and-more-text', false],
    ['k6v3qj4d2m9t1s8r7p0n5b4c%', false],
    ['k6v3qj4d2m9t1s8r7p0n5b4c%FF', false],
    ['k6v3qj4d2m9t1s8r7p0n5b4c+x', false],
    ['', false],
  ])('of the value %s', (value, isId) => {
    const presented = cookie.read(`other=1; PHPSESSID=${value}`)
    expect(presented).toEqual({ isThere: true, ...(isId && { id: value, isOutdated: false }) })
  })

  test('commas are percent-encoded, as PHP does with 6 bits a character, and read either way', () => {
    const withCommas = ',tLx0-8e,9wYbQ2mZ4nK7uPq,'
    expect(setCookieHeader(cookie.issue(withCommas, 1000))).toMatch(
      /^PHPSESSID=%2CtLx0-8e%2C9wYbQ2mZ4nK7uPq%2C; /,
    )
    const encoded = withCommas.replaceAll(',', '%2C')
    for (const value of [withCommas, encoded, encoded.replaceAll('%2C', '%2c')]) {
      expect(cookie.read(`PHPSESSID=${value}`)).toEqual({ isThere: true, id: withCommas, isOutdated: false })
    }
  })

  test('the cookie has no lifetime, because PHP would never renew it; unless it is asked for', () => {
    expect(setCookieHeader(cookie.issue(id, 1000))).not.toContain('Max-Age')
    const persistent = new SessionCookie({ signed: false, prefix: 'none', persistent: true }, [])
    expect(setCookieHeader(persistent.issue(id, 1500))).toContain('; Max-Age=2;')
  })
})
