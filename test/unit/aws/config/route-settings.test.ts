import { describe, expect, it } from 'vitest'

import { proxyFor } from '../../../../src/aws/config/route-settings.ts'
import { parseEndpoint } from '../../../../src/aws/http/endpoint.ts'

const PROXY = 'http://proxy.test:3128'

function isProxied(url: string, environment: Readonly<Record<string, string>>): boolean {
  return (
    proxyFor(parseEndpoint(url), { HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY, ...environment }, undefined) !==
    undefined
  )
}

describe('proxyFor', () => {
  it.each([
    [
      'the variable in lower case first',
      { https_proxy: 'http://lower.test', HTTPS_PROXY: PROXY },
      'http://lower.test',
    ],
    ['a URL without a scheme', { HTTPS_PROXY: 'proxy.test:3128' }, PROXY],
    ['an empty variable for none', { https_proxy: '', HTTPS_PROXY: PROXY }, PROXY],
    ['no variable of other schemes', { HTTP_PROXY: PROXY, ALL_PROXY: PROXY }, undefined],
  ])('takes %s', (_, environment, origin) => {
    expect(proxyFor(parseEndpoint('https://x.test'), environment, undefined)?.endpoint.origin).toBe(origin)
  })

  it('does not take a header for a variable under CGI', () => {
    expect(isProxied('http://x.test', { REQUEST_METHOD: 'GET' })).toBe(false)
    expect(isProxied('http://x.test', { REQUEST_METHOD: 'GET', http_proxy: PROXY })).toBe(true)
    expect(isProxied('https://x.test', { REQUEST_METHOD: 'GET' })).toBe(true)
  })

  it.each([
    'http://localhost:8000',
    'http://dynamodb.localhost:8000',
    'http://127.0.0.1:8000',
    'http://127.8.8.8',
    'http://[::1]:8000',
    'http://169.254.169.254',
    'http://169.254.170.2',
    'http://[fd00:ec2::254]',
    'http://[fe80::1]',
  ])('never leads to %s', url => {
    expect(isProxied(url, {})).toBe(false)
    expect(proxyFor(parseEndpoint(url), {}, PROXY)).toBeUndefined()
  })

  it.each<[string, string, boolean]>([
    ['*', 'https://x.test', false],
    ['x.test', 'https://x.test', false],
    ['X.Test', 'https://x.TEST', false],
    ['x.test', 'https://a.x.test', false],
    ['.x.test', 'https://a.x.test', false],
    ['.x.test', 'https://x.test', false],
    ['*.x.test', 'https://a.x.test', false],
    ['x.test.', 'https://a.x.test.', false],
    ['x.test', 'https://ax.test', true],
    ['test', 'https://x.test', false],
    ['other, x.test', 'https://x.test', false],
    ['other x.test', 'https://x.test', false],
    ['x.test:443', 'https://x.test', false],
    ['x.test:8443', 'https://x.test', true],
    ['x.test:8443', 'https://x.test:8443', false],
    ['10.0.0.1', 'https://10.0.0.1', false],
    ['10.0.0.1:443', 'https://10.0.0.1', false],
    ['10.0.0.0/8', 'https://10.9.9.9', false],
    ['10.0.0.0/8', 'https://11.0.0.1', true],
    ['10.0.0.0/99', 'https://10.0.0.1', true],
    ['10.0.0.0/x', 'https://10.0.0.1', true],
    ['0.0.0.1', 'https://10.0.0.1', true],
    ['2001:db8::1', 'https://[2001:db8::1]', false],
    ['[2001:db8::1]', 'https://[2001:db8::1]', false],
    ['[2001:db8::1]:443', 'https://[2001:db8::1]', false],
    ['[2001:db8::1]:444', 'https://[2001:db8::1]', true],
    ['2001:db8::/32', 'https://[2001:db8:1::2]', false],
    ['2001:db8::/32', 'https://[2001:db9::2]', true],
    ['10.0.0.0/8', 'https://x.test', true],
    ['', 'https://x.test', true],
    ['.', 'https://x.test', true],
    [',', 'https://x.test', true],
  ])('with NO_PROXY %j leads to %s: %s', (list, url, expected) => {
    expect(isProxied(url, { NO_PROXY: list })).toBe(expected)
    expect(isProxied(url, { no_proxy: list, NO_PROXY: list === '' ? '' : 'other.test' })).toBe(expected)
  })

  it('leads everywhere else when it is given in code, whatever NO_PROXY says', () => {
    expect(proxyFor(parseEndpoint('https://x.test'), { NO_PROXY: '*' }, PROXY)).toMatchObject({
      endpoint: { origin: PROXY },
      source: 'the option "proxy"',
    })
  })
})
