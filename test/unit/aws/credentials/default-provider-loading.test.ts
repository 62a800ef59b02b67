import { afterEach, expect, test, vi } from 'vitest'

const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' }

afterEach(() => {
  vi.doUnmock('../../../../src/aws/credentials/ini.ts')
  vi.resetModules()
})

test.each([
  ['does not load', keys, false],
  ['loads', { ...keys, AWS_PROFILE: 'named' }, true],
  ['loads', { ...keys, AWS_SECRET_ACCESS_KEY: '' }, true],
])('%s the other places for %j', async (_, variables, loads) => {
  let isLoaded = false
  vi.doMock('../../../../src/aws/credentials/ini.ts', () => {
    isLoaded = true
    return { fromIni: () => () => ({ accessKeyId: 'AKIDCHAIN', secretAccessKey: 'secret' }) }
  })
  const fresh = await import('../../../../src/aws/credentials/default-provider.ts')
  const provider = fresh.defaultProvider({ context: { environment: variables } })
  expect((await provider()).accessKeyId).toBe(loads ? 'AKIDCHAIN' : 'AKIDEXAMPLE')
  expect(isLoaded).toBe(loads)
})
