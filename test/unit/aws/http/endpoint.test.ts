import { describe, expect, it } from 'vitest'

import { type Endpoint, isLoopback, parseEndpoint } from '../../../../src/aws/http/endpoint.ts'

const examples: readonly (readonly [url: string, endpoint: Endpoint])[] = [
  [
    'https://dynamodb.eu-west-1.amazonaws.com',
    {
      protocol: 'https:',
      hostname: 'dynamodb.eu-west-1.amazonaws.com',
      port: 443,
      host: 'dynamodb.eu-west-1.amazonaws.com',
      origin: 'https://dynamodb.eu-west-1.amazonaws.com',
      path: '/',
    },
  ],
  [
    'http://127.0.0.1:8000/',
    {
      protocol: 'http:',
      hostname: '127.0.0.1',
      port: 8000,
      host: '127.0.0.1:8000',
      origin: 'http://127.0.0.1:8000',
      path: '/',
    },
  ],
  [
    'http://[::1]:8000',
    {
      protocol: 'http:',
      hostname: '::1',
      port: 8000,
      host: '[::1]:8000',
      origin: 'http://[::1]:8000',
      path: '/',
    },
  ],
  [
    'https://[2001:DB8:0::1]',
    {
      protocol: 'https:',
      hostname: '2001:db8::1',
      port: 443,
      host: '[2001:db8::1]',
      origin: 'https://[2001:db8::1]',
      path: '/',
    },
  ],
  [
    'HTTP://LocalHost/base',
    {
      protocol: 'http:',
      hostname: 'localhost',
      port: 80,
      host: 'localhost',
      origin: 'http://localhost',
      path: '/base/',
    },
  ],
  [
    'https://example.com:443/a/b/',
    {
      protocol: 'https:',
      hostname: 'example.com',
      port: 443,
      host: 'example.com',
      origin: 'https://example.com',
      path: '/a/b/',
    },
  ],
  [
    'https://example.com:80/a b\u{e9}',
    {
      protocol: 'https:',
      hostname: 'example.com',
      port: 80,
      host: 'example.com:80',
      origin: 'https://example.com:80',
      path: '/a%20b%C3%A9/',
    },
  ],
  [
    'http://example.com:443',
    {
      protocol: 'http:',
      hostname: 'example.com',
      port: 443,
      host: 'example.com:443',
      origin: 'http://example.com:443',
      path: '/',
    },
  ],
]

describe('parseEndpoint', () => {
  it.each(examples)('takes %s apart', (url, endpoint) => {
    expect(parseEndpoint(url)).toEqual(endpoint)
  })

  it.each([
    ['hunter2.example.com', /not a URL such as https:/],
    ['', /not a URL such as https:/],
    ['https://hunter2.example.com:65536', /not a URL such as https:/],
    ['https://[::hunter2]', /not a URL such as https:/],
    ['ftp://hunter2.example.com', /has to start with https:\/\/ or http:\/\//],
    ['hunter2:8000', /has to start with https:\/\/ or http:\/\//],
    ['https://user:hunter2@example.com', /must not contain a user name or password/],
    ['https://hunter2@example.com', /must not contain a user name or password/],
    ['https://:hunter2@example.com', /must not contain a user name or password/],
    ['https://example.com/?key=hunter2', /must not have a query or a fragment/],
    ['https://example.com/#hunter2', /must not have a query or a fragment/],
  ])('refuses %j without repeating it', (url, because) => {
    const parse = (): Endpoint => parseEndpoint(url)
    expect(parse).toThrow(TypeError)
    expect(parse).toThrow(because)
    expect(parse).not.toThrow(/hunter2/)
  })
})

describe('isLoopback', () => {
  it.each([
    ['http://localhost:8000', true],
    ['http://LOCALHOST./', true],
    ['http://dynamodb.localhost', true],
    ['http://127.0.0.1:8000', true],
    ['http://127.255.3.4', true],
    ['http://2130706433', true],
    ['http://[::1]:8000', true],
    ['http://[::ffff:127.0.0.1]', true],
    ['http://dynamodb:8000', false],
    ['http://host.docker.internal:8000', false],
    ['http://localhost.example.com', false],
    ['http://notlocalhost', false],
    ['http://127.0.0.1.example.com', false],
    ['http://169.254.170.2', false],
    ['http://172.17.0.2:8000', false],
    ['http://10.0.0.5', false],
    ['http://[fe80::1]', false],
    ['http://[::ffff:10.0.0.5]', false],
    ['http://0.0.0.0:8000', false],
    ['http://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com', false],
  ])('of %s is %s', (url, expected) => {
    expect(isLoopback(parseEndpoint(url).hostname)).toBe(expected)
  })
})
