import { expect, test } from 'vitest'

import { temporaryHome } from '../support/temporary-home.ts'
import { run, scenarioSettings } from './scenario-run.ts'

test('in a vm context, as Jest and vmThreads run code, the package works as it does outside', async () => {
  const emptyHome = await temporaryHome()
  const home = await temporaryHome({
    config: [
      '[profile process]',
      `credential_process = echo '{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b"}'`,
      '[profile broken]',
      'credential_process = false',
    ].join('\n'),
    credentials: '[keys]\naws_access_key_id=a\naws_secret_access_key=b\n',
  })
  const settings = {
    ...(await scenarioSettings()),
    emptyHome: emptyHome.directory,
    home: home.directory,
  }
  const node = [process.execPath, '--experimental-vm-modules', '--no-warnings'] as const
  const environment = { ...emptyHome.environment, AWS_EC2_METADATA_DISABLED: 'true' }
  const outcomes = JSON.parse(await run(node, 'vm-context.mjs', settings, environment)) as object
  expect(new Set(Object.values(outcomes))).toEqual(new Set(['done']))
  expect(Object.keys(outcomes)).toContain('encryption')
})
