import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { cachedProvider } from '../../../src/aws/credentials/cached-provider.ts'
import { defaultProvider } from '../../../src/aws/credentials/default-provider.ts'
import type { Environment } from '../../../src/internal/process-environment.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { TraceRecorder } from './trace-recorder.ts'

const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE000000001', AWS_SECRET_ACCESS_KEY: 'a-secret' }

async function providerTraced(environment: Environment): Promise<unknown> {
  const recorder = new TraceRecorder('credentials')
  const clock = new ManualClock()
  const source = cachedProvider(defaultProvider({ context: { environment, clock } }), {
    clock,
    random: () => 0,
  })
  await source()
  return recorder.ended('credentials').map(({ provider }) => provider)
}

test('traces name the place of the default chain that had the credentials', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dynamodb-sessions-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const credentialsFile = join(folder, 'credentials')
  await writeFile(
    credentialsFile,
    '[default]\naws_access_key_id = AKIDEXAMPLE000000002\naws_secret_access_key = b\n',
  )
  const files = { AWS_SHARED_CREDENTIALS_FILE: credentialsFile, AWS_CONFIG_FILE: join(folder, 'config') }
  expect(await providerTraced({ ...files, ...keys })).toEqual(['environment variables'])
  expect(await providerTraced(files)).toEqual(['profile'])
})
