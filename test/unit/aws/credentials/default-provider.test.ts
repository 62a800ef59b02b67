import { afterEach, describe, expect, test, vi } from 'vitest'

import { defaultProvider } from '../../../../src/aws/credentials/default-provider.ts'
import { CredentialsError } from '../../../../src/errors.ts'
import type { Credentials } from '../../../../src/types.ts'
import { rejectionOf } from '../../../support/failure.ts'

/** An environment in which there is nothing to find but what a test adds. */
const nothing = {
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/there/is/no/such/config',
  AWS_SHARED_CREDENTIALS_FILE: '/there/is/no/such/credentials',
}
const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' }

async function provide(variables: Readonly<Record<string, string>>): Promise<Credentials> {
  return defaultProvider({ context: { environment: { ...nothing, ...variables } } })()
}

async function failure(variables: Readonly<Record<string, string>>): Promise<CredentialsError> {
  return rejectionOf(provide(variables), CredentialsError)
}

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('defaultProvider', () => {
  test('finds the environment variables', async () => {
    expect(await provide(keys)).toEqual({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' })
  })

  test('looks at the environment of the process, and does not cache', async () => {
    for (const [name, value] of Object.entries({ ...nothing, ...keys })) vi.stubEnv(name, value)
    const provider = defaultProvider()
    expect(await provider()).toMatchObject({ accessKeyId: 'AKIDEXAMPLE' })
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTWO')
    expect(await provider()).toMatchObject({ accessKeyId: 'AKIDTWO' })
  })

  test('looks again after a failure', async () => {
    const environment: Record<string, string> = { ...nothing }
    const provider = defaultProvider({ context: { environment } })
    await expect(provider()).rejects.toBeInstanceOf(CredentialsError)
    Object.assign(environment, keys)
    await expect(provider()).resolves.toMatchObject({ accessKeyId: 'AKIDEXAMPLE' })
  })

  test('lists what it looked at, in order, and says what to set', async () => {
    const { code, message, skipped } = await failure({})
    expect(code).toBe('CREDENTIALS_UNAVAILABLE')
    expect(skipped.map(({ provider }) => provider)).toEqual([
      'environment variables',
      'profile',
      'web identity',
      'container',
      'instance metadata',
    ])
    expect(skipped[0]).toEqual({
      provider: 'environment variables',
      reason: 'AWS_ACCESS_KEY_ID is not set',
    })
    let position = message.indexOf('no AWS credentials; looked at: ')
    expect(position).toBe(0)
    for (const { provider, reason } of skipped) {
      const next = message.indexOf(`${provider} (${reason})`)
      expect(next).toBeGreaterThan(position)
      position = next
    }
    expect(message.slice(position)).toMatch(/AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.*"credentials"$/)
  })

  test('names the key that is missing when one is there', async () => {
    const { skipped } = await failure({ AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE' })
    expect(skipped[0]).toEqual({
      provider: 'environment variables',
      reason: 'AWS_SECRET_ACCESS_KEY is not set',
    })
  })

  test('is ended by what is configured and broken, with the reason', async () => {
    expect(await failure({ ...keys, AWS_SECRET_ACCESS_KEY: '"secret"' })).toMatchObject({
      name: 'CredentialsError',
      message: 'AWS_SECRET_ACCESS_KEY contains blanks, line breaks or quotation marks',
      skipped: [],
    })
  })
})
