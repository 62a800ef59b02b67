import { describe, expect, test } from 'vitest'

import { markedResponse } from '../../../../src/adapters/web/web-session.ts'

const setCookie = '__Host-session=x; Path=/'

describe('a response that sets the cookie', () => {
  test.each([
    [undefined, 'no-store'],
    ['public, max-age=3600', 'no-store'],
    ['max-age=3600', 'no-store'],
    ['private, max-age=60', 'private, max-age=60'],
    ['no-store', 'no-store'],
    ['No-Store', 'No-Store'],
    ['s-maxage=60, x-private-thing', 'no-store'],
  ])('with Cache-Control %j gets %j', (before, after) => {
    const headers = new Headers(before === undefined ? {} : { 'cache-control': before })
    const response = markedResponse(new Response('', { headers }), { setCookie, isUsed: true })
    expect(response.headers.get('cache-control')).toBe(after)
    expect(response.headers.getSetCookie()).toEqual([setCookie])
  })

  test('keeps the cookies of others, and has its own once', () => {
    const headers = new Headers([
      ['set-cookie', 'a=b'],
      ['set-cookie', setCookie],
    ])
    const response = markedResponse(new Response('', { headers }), { setCookie, isUsed: true })
    expect(response.headers.getSetCookie()).toEqual(['a=b', setCookie])
  })
})

describe('Vary', () => {
  test.each([
    [undefined, 'Cookie'],
    ['Accept-Encoding', 'Accept-Encoding, Cookie'],
    ['accept, COOKIE', 'accept, COOKIE'],
    ['*', '*'],
    ['X-Cookie', 'X-Cookie, Cookie'],
  ])('%j becomes %j where the session was used', (before, after) => {
    const headers = new Headers(before === undefined ? {} : { vary: before })
    const response = markedResponse(new Response('', { headers }), { setCookie: undefined, isUsed: true })
    expect(response.headers.get('vary')).toBe(after)
    expect(response.headers.has('cache-control')).toBe(false)
  })

  test('stays away where it was not', () => {
    const response = markedResponse(new Response(''), { setCookie: undefined, isUsed: false })
    expect([...response.headers.keys()]).not.toContain('vary')
  })
})

test('a response whose headers can be changed is kept, one whose cannot is copied', async () => {
  const open = new Response('text', { status: 201 })
  expect(markedResponse(open, { setCookie, isUsed: true })).toBe(open)
  const closed = Response.redirect('https://example.org/', 303)
  const copy = markedResponse(closed, { setCookie, isUsed: true })
  expect(copy).not.toBe(closed)
  expect([copy.status, copy.headers.get('location')]).toEqual([303, 'https://example.org/'])
  expect(copy.headers.getSetCookie()).toEqual([setCookie])
  expect(closed.headers.getSetCookie()).toEqual([])
})
