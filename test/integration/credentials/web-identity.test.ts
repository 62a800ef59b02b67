import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cachedProvider } from '../../../src/aws/credentials/cached-provider.ts'
import type { ProviderContext } from '../../../src/aws/credentials/provider.ts'
import { fromTokenFile, type FromTokenFileOptions } from '../../../src/aws/credentials/sts.ts'
import type { CredentialProvider } from '../../../src/types.ts'
import type { FakeServiceScript } from '../../support/fake-sso.ts'
import { assumedRole, fakeSts, type FakeSts, roleCredentials, stsError } from '../../support/fake-sts.ts'
import { asOrdinaryUser } from '../../support/ordinary-user.ts'
import { temporaryHome } from '../../support/temporary-home.ts'
import { everythingIn, failureOf } from './failure.ts'

const ROLE = 'arn:aws:iam::123456789012:role/pod'
const TOKEN = 's3cret.header.payload-signature_\n'
const OPERATION = 'AssumeRoleWithWebIdentity'

interface Pod extends FakeSts {
  readonly tokenFile: string
  readonly provider: (options?: FromTokenFileOptions) => CredentialProvider
}

/** A container whose environment is set up as Amazon EKS does it. */
async function pod(environment: Readonly<Record<string, string>> = {}): Promise<Pod> {
  const { directory } = await temporaryHome()
  const tokenFile = join(directory, 'token')
  await writeFile(tokenFile, TOKEN)
  const sts = await fakeSts({ AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile, AWS_ROLE_ARN: ROLE, ...environment })
  const { context } = sts
  return { ...sts, tokenFile, provider: options => fromTokenFile({ context, ...options }) }
}

async function expectStop({ provider }: Pod, message: RegExp): Promise<void> {
  const error = await failureOf(provider())
  expect(error.message).toMatch(message)
  expect(error.tryNextProvider).toBe(false)
  expect(everythingIn(error)).not.toContain('s3cret')
}

describe('fromTokenFile', () => {
  it('sends the token as it is, unsigned', async () => {
    const scene = await pod()
    expect(await scene.provider()()).toStrictEqual(roleCredentials)
    expect(scene.forms()).toEqual([
      {
        Action: OPERATION,
        Version: '2011-06-15',
        RoleArn: ROLE,
        RoleSessionName: `dynamodb-sessions-${scene.clock.now()}`,
        WebIdentityToken: TOKEN,
      },
    ])
    const headers = scene.service.requests[0]?.headers ?? {}
    expect(headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(Object.keys(headers).filter(name => /^(authorization|x-amz-.*)$/.test(name))).toEqual([])
  })

  it('needs no other credentials, and does not use any', async () => {
    const scene = await pod({ AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: 's3cret-env' })
    await scene.provider()()
    expect(scene.service.requests[0]?.headers.authorization).toBeUndefined()
  })

  it('prefers its options to the environment', async () => {
    const scene = await pod({ AWS_ROLE_SESSION_NAME: 'from-environment' })
    const webIdentityTokenFile = `${scene.tokenFile}-2`
    await writeFile(webIdentityTokenFile, 's3cret-2')
    await scene.provider()()
    await scene.provider({ webIdentityTokenFile, roleArn: `${ROLE}-2`, roleSessionName: 'given' })()
    expect(
      scene
        .forms()
        .map(({ RoleArn, RoleSessionName, WebIdentityToken }) => [
          RoleArn,
          RoleSessionName,
          WebIdentityToken,
        ]),
    ).toEqual([
      [ROLE, 'from-environment', TOKEN],
      [`${ROLE}-2`, 'given', 's3cret-2'],
    ])
  })

  it('reads the file again at each refresh, so that a token that is replaced meanwhile is used', async () => {
    const scene = await pod()
    const { clock, context, tokenFile } = scene
    scene.answers(
      () => assumedRole({ Expiration: new Date(clock.now() + 3_600_000).toISOString() }, OPERATION),
      () => assumedRole({ Expiration: new Date(clock.now() + 3_600_000).toISOString() }, OPERATION),
    )
    const provider = cachedProvider(scene.provider(), context)
    await provider()
    // As the kubelet does it: the new file takes the place of the old one.
    await writeFile(`${tokenFile}.new`, 's3cret-rotated')
    await rename(`${tokenFile}.new`, tokenFile)
    await provider()
    expect(scene.service.requests).toHaveLength(1)
    clock.advance(3_600_000)
    await provider()
    expect(scene.forms().map(({ WebIdentityToken }) => WebIdentityToken)).toEqual([TOKEN, 's3cret-rotated'])
  })

  it('recovers when the file is back', async () => {
    const scene = await pod()
    const provider = scene.provider()
    await rm(scene.tokenFile)
    await failureOf(provider)
    await writeFile(scene.tokenFile, 's3cret-back')
    expect(await provider()).toStrictEqual(roleCredentials)
  })

  it('asks 200 parallel first callers of the cache for one token', async () => {
    const scene = await pod()
    const provider = cachedProvider(scene.provider(), scene.context)
    const all = await Promise.all(Array.from({ length: 200 }, async () => provider()))
    expect(new Set(all).size).toBe(1)
    expect(scene.service.requests).toHaveLength(1)
  })

  it('asks again after IDPCommunicationError, and after throttling', async () => {
    const scene = await pod()
    scene.answers(
      stsError('IDPCommunicationError', 'could not reach the identity provider'),
      stsError('Throttling'),
      assumedRole({}, OPERATION),
    )
    expect(await scene.provider()()).toStrictEqual(roleCredentials)
    expect(scene.service.requests).toHaveLength(3)
  })

  it('gives up after three IDPCommunicationErrors', async () => {
    const scene = await pod()
    scene.answers(stsError('IDPCommunicationError', 'gone'))
    const error = await failureOf(scene.provider())
    expect(error.message).toContain('refused with HTTP status 400, IDPCommunicationError: gone')
    expect(scene.service.requests).toHaveLength(3)
  })
})

describe('a chain of providers goes on', () => {
  it.each<Readonly<Record<string, string>>>([
    { AWS_WEB_IDENTITY_TOKEN_FILE: '' },
    { AWS_WEB_IDENTITY_TOKEN_FILE: '', AWS_ROLE_ARN: '' },
  ])('with %o', async environment => {
    const scene = await pod(environment)
    const error = await failureOf(scene.provider())
    expect(error.message).toBe('AWS_WEB_IDENTITY_TOKEN_FILE is not set')
    expect(error.tryNextProvider).toBe(true)
  })
})

it('a chain of providers goes on without a role', async () => {
  const scene = await pod({ AWS_ROLE_ARN: '' })
  const error = await failureOf(scene.provider())
  expect(error.message).toMatch(/no role to assume with it; set AWS_ROLE_ARN$/)
  expect(error.tryNextProvider).toBe(true)
  expect(scene.service.requests).toEqual([])
})

describe('a chain of providers stops', () => {
  it('without the file', async () => {
    const scene = await pod()
    await rm(scene.tokenFile)
    await expectStop(scene, /^the web identity token file \/.*\/token cannot be read \(ENOENT\)$/)
    expect(scene.service.requests).toEqual([])
  })

  it('with a directory in its place', async () => {
    const scene = await pod()
    await rm(scene.tokenFile)
    await mkdir(scene.tokenFile)
    await expectStop(scene, /cannot be read \(EISDIR\)$/)
    expect(scene.service.requests).toEqual([])
  })

  it('with a file that it may not read', async () => {
    const scene = await pod()
    await chmod(scene.tokenFile, 0)
    await asOrdinaryUser(() => expectStop(scene, /cannot be read \(EACCES\)$/))
    expect(scene.service.requests).toEqual([])
  })

  it('with an empty file', async () => {
    const scene = await pod()
    await writeFile(scene.tokenFile, '')
    await expectStop(scene, /is empty$/)
    expect(scene.service.requests).toEqual([])
  })

  it.each<[string, FakeServiceScript, RegExp]>([
    ['ExpiredTokenException', stsError('ExpiredTokenException'), /have expired; renew them/],
    ['IDPRejectedClaim', stsError('IDPRejectedClaim', 'no', 403), /IDPRejectedClaim: no/],
    ['InvalidIdentityToken', stsError('InvalidIdentityToken'), /check the token and the identity provider/],
    ['AccessDenied', stsError('AccessDenied', 'no', 403), /AccessDenied: no/],
    [
      'RegionDisabledException',
      stsError('RegionDisabledException', 'no', 403),
      /activate STS in this region/,
    ],
    ['XML that is cut short', { body: assumedRole({}, OPERATION).body.slice(0, -20) }, /not a complete/],
    ['the answer to AssumeRole', assumedRole(), /not a complete AssumeRoleWithWebIdentityResponse/],
    ['an echo of the token', stsError('InvalidIdentityToken', `bad token ${TOKEN}`), /is withheld/],
    ['an echo of the body', { statusCode: 400, body: `WebIdentityToken=${TOKEN}` }, /400, Unknown/],
  ])('when STS answers with %s', async (_, answer, message) => {
    const scene = await pod()
    scene.answers(answer)
    await expectStop(scene, message)
    expect(scene.service.requests).toHaveLength(1)
  })

  it('when a configuration file cannot be read', async () => {
    const { directory } = await temporaryHome()
    const config = join(directory, 'utf-16')
    await writeFile(config, Buffer.from('[default]', 'utf16le'))
    const scene = await pod({ AWS_CONFIG_FILE: config })
    await expectStop(scene, /AWS_CONFIG_FILE/)
    expect(scene.service.requests).toEqual([])
  })
})

it('takes its world from the process when no context is given', async () => {
  const scene = await pod()
  const { environment }: ProviderContext = scene.context
  const names = Object.keys(environment).filter(name => name.startsWith('AWS_'))
  for (const name of names) process.env[name] = environment[name]
  try {
    expect(await fromTokenFile()()).toStrictEqual(roleCredentials)
  } finally {
    for (const name of names) delete process.env[name]
  }
})
