import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import {
  booleanSetting,
  fileLocations,
  homeDirectory,
  isSwitchedOn,
  REGION_VARIABLES,
  regionFromEnvironment,
  variable,
} from '../../../../src/aws/config/environment.ts'
import { selectedProfile } from '../../../../src/aws/config/shared-config.ts'
import type { Environment } from '../../../../src/internal/process-environment.ts'
import { asOrdinaryUser } from '../../../support/ordinary-user.ts'

test('an empty variable is an unset one', () => {
  expect(variable({ A: '' }, 'A')).toBeUndefined()
  expect(variable({}, 'A')).toBeUndefined()
  expect(variable({ A: ' ' }, 'A')).toBe(' ')
})

test.each([
  [undefined, false],
  ['', false],
  ['false', false],
  ['FALSE', false],
  ['true', true],
  ['0', true],
  ['anything', true],
])('a switch set to %j is %j', (value, isOn) => {
  expect(isSwitchedOn(value)).toBe(isOn)
})

test.each([
  ['true', true],
  ['True', true],
  ['false', false],
  ['FALSE', false],
  ['1', undefined],
  ['yes', undefined],
  ['', undefined],
  [' true', undefined],
])('the text %j means %j', (text, value) => {
  expect(booleanSetting(text)).toBe(value)
})

describe('regionFromEnvironment', () => {
  test.each<[Environment, string | undefined, string | undefined]>([
    [{}, undefined, undefined],
    [{ AWS_REGION: 'eu-west-1' }, 'AWS_REGION', 'eu-west-1'],
    [{ AWS_DEFAULT_REGION: 'eu-west-2' }, 'AWS_DEFAULT_REGION', 'eu-west-2'],
    [{ AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-2' }, 'AWS_REGION', 'eu-west-1'],
    [{ AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-2' }, 'AWS_DEFAULT_REGION', 'eu-west-2'],
    [{ AWS_REGION: '  ', AWS_DEFAULT_REGION: 'eu-west-2' }, 'AWS_DEFAULT_REGION', 'eu-west-2'],
    [{ AWS_REGION: '', AWS_DEFAULT_REGION: '' }, undefined, undefined],
    [{ AWS_REGION: ' eu-west-1\n' }, 'AWS_REGION', 'eu-west-1'],
    [{ AWS_REGION: undefined }, undefined, undefined],
    [{ REGION: 'eu-west-1', aws_region: 'eu-west-1' }, undefined, undefined],
  ])('%j: %s', (environment, name, value) => {
    expect(regionFromEnvironment(environment)).toEqual(
      name === undefined ? undefined : { variable: name, value },
    )
  })
})

test('the variables are listed in the order in which they are looked at', () => {
  expect(REGION_VARIABLES).toEqual(['AWS_REGION', 'AWS_DEFAULT_REGION'])
})

test('the files are under the home directory', () => {
  expect(fileLocations({ HOME: '/home/me' }, path.posix)).toEqual({
    configFile: { path: '/home/me/.aws/config', variable: undefined },
    credentialsFile: { path: '/home/me/.aws/credentials', variable: undefined },
  })
})

test.each([
  ['/etc/aws', '/etc/aws'],
  ['relative', 'relative'],
  ['~/elsewhere/aws', '/home/me/elsewhere/aws'],
  ['~other/aws', '~other/aws'],
  ['', undefined],
])('a variable can name them: %j', (given, found) => {
  const environment: Environment = {
    HOME: '/home/me',
    AWS_CONFIG_FILE: given,
    AWS_SHARED_CREDENTIALS_FILE: given,
  }
  const { configFile, credentialsFile } = fileLocations(environment, path.posix)
  expect(configFile.path).toBe(found ?? '/home/me/.aws/config')
  expect(credentialsFile.path).toBe(found ?? '/home/me/.aws/credentials')
  expect(configFile.variable).toBe(found === undefined ? undefined : 'AWS_CONFIG_FILE')
  expect(credentialsFile.variable).toBe(found === undefined ? undefined : 'AWS_SHARED_CREDENTIALS_FILE')
})

interface LocationFile {
  readonly tests: readonly {
    readonly name: string
    readonly environment: Environment
    readonly platform: 'linux' | 'windows'
    readonly profile?: string
    readonly configLocation: string
    readonly credentialsLocation: string
  }[]
}

const publicCases = new URL('../../../../../shared/data/profile-file-location-tests.json', import.meta.url)

describe.skipIf(!existsSync(publicCases))('the cases that the AWS SDKs share', () => {
  const cases = existsSync(publicCases)
    ? (JSON.parse(readFileSync(publicCases, 'utf8')) as LocationFile).tests
    : []

  test('are complete', () => {
    expect(cases.length).toBe(9)
  })

  test.each(cases)('$name', ({ environment, platform, profile, configLocation, credentialsLocation }) => {
    const found = fileLocations(environment, platform === 'windows' ? path.win32 : path.posix)
    expect(found.configFile.path).toBe(configLocation)
    expect(found.credentialsFile.path).toBe(credentialsLocation)
    expect(selectedProfile(environment).name).toBe(profile ?? 'default')
  })
})

test.each<[Environment, string]>([
  [{ HOME: '/h', USERPROFILE: 'p', HOMEDRIVE: 'D:', HOMEPATH: '\\x' }, '/h'],
  [{ HOME: '', USERPROFILE: 'p', HOMEPATH: '\\x' }, 'p'],
  [{ HOMEDRIVE: 'D:', HOMEPATH: '\\x' }, 'D:\\x'],
  [{ HOMEPATH: 'x' }, `C:${path.sep}x`],
  [{ HOMEDRIVE: 'D:' }, homedir()],
  [{}, homedir()],
])('the home directory by %j', (environment, home) => {
  expect(homeDirectory(environment)).toBe(home)
})

test('a process whose working directory is gone, and that knows no home, has the root directory', () => {
  onTestFinished(() => {
    vi.restoreAllMocks()
  })
  vi.spyOn(process, 'getBuiltinModule').mockImplementation(() => {
    throw new Error('Requires sys access to "homedir"')
  })
  vi.spyOn(process, 'cwd').mockImplementation(() => {
    throw Object.assign(new Error('no such file or directory, uv_cwd'), { code: 'ENOENT' })
  })
  expect(homeDirectory({})).toBe(path.sep)
})

test.skipIf(process.geteuid?.() !== 0)(
  'a user that the system does not know lives in the root directory',
  async () => {
    const home = process.env['HOME']
    delete process.env['HOME']
    try {
      await asOrdinaryUser(() => {
        expect(() => homedir()).toThrow('ENOENT')
        expect(homeDirectory({})).toBe(path.parse(process.cwd()).root)
      })
    } finally {
      if (home !== undefined) process.env['HOME'] = home
    }
  },
)
