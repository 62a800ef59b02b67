import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { containerEndpoint, type FromHttpOptions } from '../../../../src/aws/credentials/container.ts'
import { CredentialsError } from '../../../../src/errors.ts'
import { thrownBy } from '../../../support/failure.ts'

const RELATIVE = 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'
const FULL = 'AWS_CONTAINER_CREDENTIALS_FULL_URI'

function urlOf(environment: Record<string, string>, options: FromHttpOptions = {}): string {
  const { endpoint, path } = containerEndpoint(environment, options)
  return endpoint.origin + path
}

function refusal(environment: Record<string, string>, options: FromHttpOptions = {}): CredentialsError {
  return thrownBy(() => urlOf(environment, options), CredentialsError)
}

describe('containerEndpoint', () => {
  it.each([
    'http://169.254.170.2/credentials',
    'http://169.254.170.23/v1/credentials',
    'http://[fd00:ec2::23]/v1/credentials',
    'http://localhost/credentials',
    'http://localhost:8080/credentials?a=1',
    'http://127.0.0.1:51679/credentials',
    'http://127.255.0.9/credentials',
    'http://[::1]:8080/credentials',
    'https://credentials.example.com/path?query=1',
    'https://192.0.2.7:8443/',
    'https://[2001:db8::1]/',
  ])('takes the full URI %s', uri => {
    expect(urlOf({ [FULL]: uri })).toBe(uri)
  })

  it.each([
    ['http://[fd00:ec2:0:0:0:0:0:23]/c', 'http://[fd00:ec2::23]/c'],
    ['http://[FD00:EC2::23]/c', 'http://[fd00:ec2::23]/c'],
    ['http://[0:0:0:0:0:0:0:1]/c', 'http://[::1]/c'],
    ['HTTP://LOCALHOST:80/c', 'http://localhost/c'],
    ['http://127.1/c', 'http://127.0.0.1/c'],
    ['http://169.254.170.2', 'http://169.254.170.2/'],
  ])('normalises %s', (uri, url) => {
    expect(urlOf({ [FULL]: uri })).toBe(url)
  })

  it.each([
    ['http://example.com/credentials', 'example.com'],
    ['http://169.254.169.254/latest/meta-data/', '169.254.169.254'],
    ['http://169.254.170.22/credentials', '169.254.170.22'],
    ['http://[fd00:ec2::254]/credentials', '[fd00:ec2::254]'],
    ['http://[::ffff:127.0.0.1]/credentials', '[::ffff:7f00:1]'],
    ['http://[::]/credentials', '[::]'],
    ['http://0.0.0.0/credentials', '0.0.0.0'],
    ['http://127.0.0.1.example.com/credentials', '127.0.0.1.example.com'],
    ['http://localhost.example.com/credentials', 'localhost.example.com'],
    ['http://128.0.0.1/credentials', '128.0.0.1'],
  ])('refuses %s', (uri, host) => {
    const error = refusal({ [FULL]: uri })
    expect(error.message).toContain(`the host ${host},`)
    expect(error.message).toContain(FULL)
    expect(error.tryNextProvider).toBe(false)
  })

  it.each([
    '/v2/credentials/some-id',
    'localhost/credentials',
    'ftp://localhost/credentials',
    'file:///etc/passwd',
    'http://?some-id',
    'http://user:pass@127.0.0.1/credentials',
    'https://localhost@example.com/credentials',
  ])('refuses %s, and does not repeat it', uri => {
    const error = refusal({ [FULL]: uri })
    expect(error.message).toContain(FULL)
    expect(error.message).not.toContain(uri)
    expect(error.tryNextProvider).toBe(false)
  })

  it.each(['@example.com/credentials', '.example.com/credentials', ':80@example.com/', 'credentials', '\\x'])(
    'refuses the relative URI %s, which is no path',
    uri => {
      const error = refusal({ [RELATIVE]: uri })
      expect(error.message).toContain(RELATIVE)
      expect(error.tryNextProvider).toBe(false)
    },
  )

  it('never leaves the address of ECS for a relative URI', () => {
    expect(urlOf({ [RELATIVE]: '//example.com/credentials' })).toBe(
      'http://169.254.170.2//example.com/credentials',
    )
    expect(urlOf({ [RELATIVE]: '/v2/credentials/id?a=1' })).toBe('http://169.254.170.2/v2/credentials/id?a=1')
  })

  it('puts nothing on the request line that could end it', () => {
    expect(containerEndpoint({ [RELATIVE]: '/a b\r\nx: y' }, {}).path).toBe('/a%20bx:%20y')
  })

  it('takes the options first, and of options and environment the relative URI each', () => {
    const environment = { [RELATIVE]: '/environment', [FULL]: 'http://localhost/environment' }
    expect(urlOf(environment)).toBe('http://169.254.170.2/environment')
    expect(urlOf(environment, { awsContainerCredentialsFullUri: 'http://localhost/option' })).toBe(
      'http://localhost/option',
    )
    expect(
      urlOf(environment, {
        awsContainerCredentialsFullUri: 'http://localhost/option',
        awsContainerCredentialsRelativeUri: '/option',
      }),
    ).toBe('http://169.254.170.2/option')
  })

  it('goes on when nothing is set, or set to nothing', () => {
    for (const environment of [{}, { [RELATIVE]: '', [FULL]: '' }] as const) {
      const error = refusal(environment)
      expect(error.message).toBe(`neither ${RELATIVE} nor ${FULL} is set`)
      expect(error.tryNextProvider).toBe(true)
    }
    expect(urlOf({ [FULL]: 'http://localhost/x' }, { awsContainerCredentialsRelativeUri: '' })).toBe(
      'http://localhost/x',
    )
  })
})

interface PublicCase {
  readonly docs: string
  readonly env: Record<string, string>
  readonly result: { readonly Ok?: string; readonly ErrorContains?: string }
}

// Public cases of another implementation, which are not part of this repository, are checked where they lie next to it.
const caseFile = new URL('../../../../../shared/data/container-uri-tests.json', import.meta.url)
const hasCases = existsSync(caseFile)
const publicCases = hasCases
  ? (JSON.parse(readFileSync(caseFile, 'utf8')) as { readonly count: number; readonly tests: PublicCase[] })
  : { count: 0, tests: [] }

describe('public cases of container URIs', () => {
  it.skipIf(!hasCases)('are at hand and complete', () => {
    expect(publicCases.tests).toHaveLength(publicCases.count)
    expect(publicCases.count).toBeGreaterThan(0)
  })

  it.each(publicCases.tests.filter(({ result }) => result.Ok !== undefined))(
    'accepted: $docs',
    ({ env, result }) => {
      expect(urlOf(env)).toBe(result.Ok)
    },
  )

  it.each(publicCases.tests.filter(({ result }) => result.Ok === undefined))('refused: $docs', ({ env }) => {
    expect(refusal(env).message).toContain(FULL)
  })
})
