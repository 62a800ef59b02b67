import { describe, expect, it } from 'vitest'
import {
  canonicalPath,
  canonicalRequest,
  isSignableHeader,
  sha256Hex,
  type Header,
} from '../../../../src/aws/sigv4/sign.ts'

const payloadHash = sha256Hex('')

function headerLinesOf(headers: readonly Header[]): string[] {
  const { text, signedHeaders } = canonicalRequest(
    { method: 'GET', path: '/', query: '', headers },
    payloadHash,
  )
  const lines = text.split('\n')
  expect(lines.at(-2)).toBe(signedHeaders)
  expect(lines.at(-3)).toBe('')
  return lines.slice(3, -3)
}

function queryOf(query: string): string | undefined {
  const { text } = canonicalRequest({ method: 'GET', path: '/', query, headers: [] }, payloadHash)
  return text.split('\n')[2]
}

describe('canonicalRequest', () => {
  it('puts method, path, query, headers, names and body hash in this order, without a final line feed', () => {
    const canonical = canonicalRequest(
      {
        method: 'PUT',
        path: '/a b',
        query: 'x=1',
        headers: [
          ['X-B', '2'],
          ['host', 'h:8000'],
        ],
      },
      'body-hash',
    )
    expect(canonical).toEqual({
      text: 'PUT\n/a%20b\nx=1\nhost:h:8000\nx-b:2\n\nhost;x-b\nbody-hash',
      signedHeaders: 'host;x-b',
    })
  })
})

describe('headers', () => {
  it('become lower-case and sorted by code unit', () => {
    expect(
      headerLinesOf([
        ['X-Amz-Target', 'T'],
        ['x-amz-Date', 'D'],
        ['HOST', 'H'],
        ['X_A', 'u'],
        ['X-A2', '2'],
        ['X-A', '1'],
      ]),
    ).toEqual(['host:H', 'x-a:1', 'x-a2:2', 'x-amz-date:D', 'x-amz-target:T', 'x_a:u'])
  })

  it.each<[string, string, string]>([
    ['blanks at both ends', '  a ', 'a'],
    ['tabs at both ends', '\ta\t', 'a'],
    ['runs of blanks, also between quotes', ' "a   b \t c" ', '"a b c"'],
    ['a value folded over lines', 'a\n  b\r\n\tc\nd', 'a b c d'],
    ['nothing but blanks', ' \t ', ''],
    ['an empty value', '', ''],
    ['a no-break space, which is not a blank', '\u00A0a\u00A0\u00A0b', '\u00A0a\u00A0\u00A0b'],
  ])('shrink %s', (_case, value, canonicalValue) => {
    expect(headerLinesOf([['x', value]])).toEqual([`x:${canonicalValue}`])
  })

  it('of the same name are joined in the order they came, whatever their case', () => {
    expect(
      headerLinesOf([
        ['X', ' b '],
        ['y', '1'],
        ['x', 'a'],
        ['X', ''],
        ['x', 'a'],
      ]),
    ).toEqual(['x:b,a,,a', 'y:1'])
  })

  it.each([
    'Authorization',
    'Cache-Control',
    'Connection',
    'Expect',
    'From',
    'Keep-Alive',
    'Max-Forwards',
    'Pragma',
    'Referer',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'User-Agent',
    'X-Amzn-Trace-Id',
    'Proxy-Authorization',
    'Proxy-Anything',
    'Sec-Fetch-Mode',
  ])('never cover %s', name => {
    expect(
      headerLinesOf([
        [name, 'v'],
        ['host', 'h'],
      ]),
    ).toEqual(['host:h'])
    expect(isSignableHeader(name.toLowerCase())).toBe(false)
  })

  it.each(['accept', 'content-length', 'content-type', 'date', 'host', 'proxy', 'sec', 'x-amz-user-agent'])(
    'cover %s',
    name => {
      expect(headerLinesOf([[name, 'v']])).toEqual([`${name}:v`])
      expect(isSignableHeader(name)).toBe(true)
    },
  )
})

describe('path', () => {
  it.each<[string, string]>([
    ['', '/'],
    ['/', '/'],
    ['//', '/'],
    ['/./', '/'],
    ['/a', '/a'],
    ['/a/', '/a/'],
    ['a/b', '/a/b'],
    ['//a//b//', '/a/b/'],
    ['/./a/./b', '/a/b'],
    ['/a/..', '/'],
    ['/a/../', '/'],
    ['/a/b/..', '/a'],
    ['/a/b/../', '/a/'],
    ['/a/b/../../..', '/'],
    ['/../../a', '/a'],
    ['/a/...', '/a/...'],
    ['/a/.b/..c', '/a/.b/..c'],
    ['/%2E%2E/a', '/%252E%252E/a'],
  ])('%j is normalised to %j', (path, canonical) => {
    expect(canonicalPath(path)).toBe(canonical)
  })

  it.each<[string, string]>([
    ['/AZaz09-._~', '/AZaz09-._~'],
    ['/a b', '/a%20b'],
    ['/a%20b', '/a%2520b'],
    ['/ሴ', '/%E1%88%B4'],
    ['/%E1%88%B4', '/%25E1%2588%25B4'],
    ["/!'()*", '/%21%27%28%29%2A'],
    ['/a:b@c+d,e;f=g&h$', '/a%3Ab%40c%2Bd%2Ce%3Bf%3Dg%26h%24'],
    ['/😀\t\u0001', '/%F0%9F%98%80%09%01'],
    ['/\uD800', '/%EF%BF%BD'],
  ])('%j is encoded once more, to %j', (path, canonical) => {
    expect(canonicalPath(path)).toBe(canonical)
  })
})

describe('query', () => {
  it.each<[string, string, string]>([
    ['nothing', '', ''],
    ['separators alone', '&&', ''],
    ['a key without a value', 'a', 'a='],
    ['an empty value', 'a=', 'a='],
    ['an empty key', '=v', '=v'],
    ['an equals sign in the value', 'a=b=c', 'a=b%3Dc'],
    ['keys out of order', 'b=1&a=2&B=3', 'B=3&a=2&b=1'],
    ['a key that begins with another', 'a-b=1&a=2', 'a=2&a-b=1'],
    ['equal keys by value', 'a=2&a=10&a=1&a=1', 'a=1&a=1&a=10&a=2'],
    ['keys by their encoded form', 'Z=1&ሴ=2&%E1=3', '%E1=3&%E1%88%B4=2&Z=1'],
    ['raw and encoded characters alike', 'a=x y&b=x%20y', 'a=x%20y&b=x%20y'],
    ['escapes in lower case', 'a=%e1%88%b4', 'a=%E1%88%B4'],
    ['escapes that need not be', 'a=%41%7e%2D', 'a=A~-'],
    ['an escaped separator', 'a=1%262%3D3', 'a=1%262%3D3'],
    ['a plus sign', 'a=1+2', 'a=1%2B2'],
    ['a percent sign that escapes nothing', 'a=100%&b=%zz', 'a=100%25&b=%25zz'],
    ['an escape that is not UTF-8', 'a=%ff', 'a=%FF'],
    ['what encodeURIComponent would leave', "a=!'()*", 'a=%21%27%28%29%2A'],
    ['a lone surrogate', 'a=\uDC00', 'a=%EF%BF%BD'],
  ])('canonicalises %s', (_case, query, canonical) => {
    expect(queryOf(query)).toBe(canonical)
  })
})

describe('sha256Hex', () => {
  it('hashes text as UTF-8, and bytes as they are', () => {
    expect(sha256Hex('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(sha256Hex(new TextEncoder().encode('café 😀'))).toBe(sha256Hex('café 😀'))
  })

  it('hashes a lone surrogate as the bytes that Node.js sends for it', () => {
    expect(sha256Hex('a\uD800b')).toBe(sha256Hex(Buffer.from('a\uD800b')))
  })
})
