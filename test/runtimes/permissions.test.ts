import { spawnSync } from 'node:child_process'

import { beforeEach, describe, expect, test } from 'vitest'

import { createTable } from '../../src/table/index.ts'
import { areInstalled } from '../support/packages.ts'
import { temporaryHome } from '../support/temporary-home.ts'
import { runtimeBinary, runtimesFolder } from './runtime-binary.ts'
import { run, scenarioApp, type ScenarioSettings, scenarioSettings } from './scenario-run.ts'

const isThere = await areInstalled(runtimesFolder, 'the runtimes of test/runtimes')
const flag = spawnSync(process.execPath, ['--permission', '-e', '']).status === 0 ? '' : 'experimental-'

let settings: ScenarioSettings
let environment: Readonly<Record<string, string>>

beforeEach(async () => {
  settings = await scenarioSettings()
  await createTable({ ...settings.connection, table: settings.table, onWarning: () => undefined })
  const home = await temporaryHome({ config: '[default]\nregion = eu-west-1\n' })
  environment = { ...home.environment, AWS_EC2_METADATA_DISABLED: 'true' }
})

describe.each([
  {
    name: 'Node',
    command: (folder: string) =>
      [process.execPath, '--no-warnings', `--${flag}permission`, `--allow-fs-read=${folder}/*`] as const,
    variables: /AWS_ACCESS_KEY_ID is not set/,
    isSkipped: false,
  },
  {
    name: 'Deno',
    command: (folder: string) =>
      [
        runtimeBinary('@deno', 'deno'),
        'run',
        '--no-prompt',
        '--allow-net=127.0.0.1',
        `--allow-read=${folder}`,
        '--allow-env=AWS_EC2_METADATA_DISABLED,HOME',
      ] as const,
    variables: /AWS_ACCESS_KEY_ID may not be read by this process/,
    isSkipped: !isThere,
  },
])('a process of $name without permissions', ({ command, variables, isSkipped }) => {
  const outcome = async (more: object): Promise<string> => {
    const { folder } = await scenarioApp()
    return run(command(folder), 'without-permissions.mjs', { ...settings, ...more }, environment)
  }

  test.skipIf(isSkipped)('needs none where region and credentials are given', async () => {
    expect(await outcome({})).toBe('read undefined\n')
  })

  test.skipIf(isSkipped)('says what it may not read where something may be in there', async () => {
    const withheld = /this process may not read \S+\.aws\/config and \S+\.aws\/credentials/
    const withoutCredentials = await outcome({ isIncomplete: true })
    expect(withoutCredentials).toMatch(/^CREDENTIALS_UNAVAILABLE: /)
    expect(withoutCredentials).toMatch(withheld)
    expect(withoutCredentials).toMatch(variables)
    const withoutRegion = await outcome({ isWithoutRegion: true })
    expect(withoutRegion).toMatch(/^REGION_MISSING: /)
    expect(withoutRegion).toMatch(withheld)
  })
})
