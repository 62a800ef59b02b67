import { inspect } from 'node:util'

import { afterEach, describe, expect, test, vi } from 'vitest'

import { fromEnv } from '../../../../src/aws/credentials/env.ts'
import { CredentialsError } from '../../../../src/errors.ts'
import type { CredentialProvider } from '../../../../src/types.ts'
import { thrownBy } from '../../../support/failure.ts'

const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret/+=' }

afterEach(() => {
  vi.unstubAllEnvs()
})

function reading(environment: Readonly<Record<string, string | undefined>>): CredentialProvider {
  return fromEnv({ context: { environment } })
}

/** What a provider throws, at once and not as a promise. */
function failureOf(environment: Readonly<Record<string, string | undefined>>): unknown {
  return thrownBy(reading(environment))
}

describe('fromEnv', () => {
  test('takes the two keys', () => {
    expect(reading(keys)()).toStrictEqual({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret/+=' })
  })

  test('takes everything that temporary credentials have', () => {
    expect(
      reading({
        ...keys,
        AWS_SESSION_TOKEN: 'token==',
        AWS_ACCOUNT_ID: '123456789012',
        AWS_CREDENTIAL_EXPIRATION: '2026-11-23T12:34:56Z',
      })(),
    ).toStrictEqual({
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'secret/+=',
      sessionToken: 'token==',
      accountId: '123456789012',
      expiration: new Date(Date.UTC(2026, 10, 23, 12, 34, 56)),
    })
  })

  test('takes empty variables for unset', () => {
    const empty = { AWS_SESSION_TOKEN: '', AWS_ACCOUNT_ID: '', AWS_CREDENTIAL_EXPIRATION: '' }
    expect(reading({ ...keys, ...empty })()).toStrictEqual({
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'secret/+=',
    })
  })

  test('reads process.env, at each call', () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDONE')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'one')
    const provider = fromEnv()
    expect(provider()).toEqual({ accessKeyId: 'AKIDONE', secretAccessKey: 'one' })
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTWO')
    expect(provider()).toEqual({ accessKeyId: 'AKIDTWO', secretAccessKey: 'one' })
  })

  test.each<[string, string | undefined]>([
    ['AWS_ACCESS_KEY_ID', undefined],
    ['AWS_ACCESS_KEY_ID', ''],
    ['AWS_SECRET_ACCESS_KEY', undefined],
    ['AWS_SECRET_ACCESS_KEY', ''],
  ])('is not configured without %s (%j), so that a chain goes on', (variable, value) => {
    const error = failureOf({ ...keys, [variable]: value })
    expect(error).toBeInstanceOf(CredentialsError)
    expect(error).toMatchObject({ message: `${variable} is not set`, tryNextProvider: true })
  })

  const secret = 'S3CRET'
  test.each([
    ['AWS_ACCESS_KEY_ID', `${secret}\n`],
    ['AWS_ACCESS_KEY_ID', `"${secret}"`],
    ['AWS_SECRET_ACCESS_KEY', ` ${secret}`],
    ['AWS_SECRET_ACCESS_KEY', `${secret} `],
    ['AWS_SECRET_ACCESS_KEY', `'${secret}'`],
    ['AWS_SECRET_ACCESS_KEY', `${secret}\r`],
    ['AWS_SECRET_ACCESS_KEY', `${secret}é`],
    ['AWS_SESSION_TOKEN', `${secret}\n`],
    ['AWS_SESSION_TOKEN', `"${secret}"`],
    ['AWS_CREDENTIAL_EXPIRATION', `tomorrow ${secret}`],
  ])('is broken with %s=%j, names it and does not repeat it', (variable, value) => {
    const error = failureOf({ ...keys, [variable]: value })
    expect(error).toBeInstanceOf(CredentialsError)
    expect(error).toMatchObject({ tryNextProvider: false })
    expect((error as Error).message).toContain(variable)
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(secret)
  })
})
