import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import type { Environment } from '../../../../src/internal/process-environment.ts'
import { type ConfigSection, mergeFiles } from '../../../../src/aws/config/config-file.ts'
import {
  findSetting,
  loadSharedConfig,
  NO_SHARED_CONFIG,
  selectedProfile,
  settingOf,
  withheldNote,
} from '../../../../src/aws/config/shared-config.ts'
import { ConfigurationError } from '../../../../src/errors.ts'
import { rejectionOf } from '../../../support/failure.ts'
import { asOrdinaryUser } from '../../../support/ordinary-user.ts'

type Sections = Readonly<Record<string, Readonly<Record<string, string>>>>

function plain(sections: ReadonlyMap<string, ConfigSection>): Sections {
  return Object.fromEntries([...sections].map(([name, section]) => [name, Object.fromEntries(section)]))
}

test.each([
  [{}, undefined, 'default', false],
  [{}, '', 'default', false],
  [{}, 'mine', 'mine', true],
  [{ AWS_PROFILE: 'theirs' }, undefined, 'theirs', true],
  [{ AWS_PROFILE: 'theirs' }, '', 'theirs', true],
  [{ AWS_PROFILE: 'theirs' }, 'mine', 'mine', true],
  [{ AWS_PROFILE: 'default' }, undefined, 'default', true],
  [{ AWS_PROFILE: '' }, undefined, 'default', false],
])('with %j and the option %j the profile is %s (asked for: %j)', (environment, given, name, explicit) => {
  expect(selectedProfile(environment, given)).toEqual({ name, explicit })
})

describe('mergeFiles', () => {
  test.each<[string, string, string, Sections]>([
    ['the config file wants a prefix', '[profile a]\nk=1\n[b]\nk=2', '', { a: { k: '1' } }],
    ['the credentials file wants none', '', '[profile a]\nk=1\n[b]\nk=2', { b: { k: '2' } }],
    ['default needs no prefix', '[default]\nk=1', '[default]\nl=2', { default: { k: '1', l: '2' } }],
    [
      'the prefixed default replaces the other, before',
      '[profile default]\nk=1\n[default]\nl=1',
      '',
      { default: { k: '1' } },
    ],
    [
      'the prefixed default replaces the other, after',
      '[default]\nl=1\n[profile default]\nk=1',
      '',
      { default: { k: '1' } },
    ],
    ['an empty one does not', '[default]\nl=1\n[profile default]', '', { default: { l: '1' } }],
    [
      'the credentials file wins, property by property',
      '[profile a]\nk=1\nl=1',
      '[a]\nk=2',
      { a: { k: '2', l: '1' } },
    ],
    ['any number of blanks follow the prefix', '[profile \t a]\nk=1', '', { a: { k: '1' } }],
    [
      'a name may be quoted',
      '[profile "a"]\nk=1\n[profile \'b\']\nk=2',
      '',
      { a: { k: '1' }, b: { k: '2' } },
    ],
    ['a quoted name may hold blanks', '[profile "a b"]\nk=1', '', { 'a b': { k: '1' } }],
    [
      'quoted or not, it is the same profile',
      '[profile a]\nk=1\nl=1\n[profile "a"]\nk=2',
      '',
      { a: { k: '2', l: '1' } },
    ],
    ['quotation marks come in pairs', '[profile "a]\nk=1\n[profile \'b"]\nk=1', '', {}],
    ['without them a name has no blanks', '[profile a b]\nk=1', '', {}],
    [
      'names of the credentials file are taken as they are',
      '',
      '[a b]\nk=1\n["c"]\nk=2',
      { 'a b': { k: '1' }, '"c"': { k: '2' } },
    ],
    [
      'names are case-sensitive',
      '[profile A]\nk=1\n[Profile b]\nk=1',
      '[a]\nk=2',
      { A: { k: '1' }, a: { k: '2' } },
    ],
    ['sections of other kinds are ignored', '[plugins]\nk=1\n[plugins x]\nk=1\n[profilea]\nk=1', '', {}],
    [
      'a profile may have the name of a built-in property',
      '[profile __proto__]\nk=1',
      '[constructor]\nk=2',
      JSON.parse('{"__proto__":{"k":"1"},"constructor":{"k":"2"}}') as Sections,
    ],
  ])('%s', (_, configText, credentialsText, profiles) => {
    expect(plain(mergeFiles(configText, credentialsText).profiles)).toEqual(profiles)
  })

  test('sso-session and services sections are those of the config file', () => {
    const text =
      '[sso-session s]\nsso_region=r\n[services v]\ndynamodb =\n  endpoint_url = http://x\n[profile s]\nk=1'
    const config = mergeFiles(text, text.replaceAll('=', '=2'))
    expect(plain(config.ssoSessions)).toEqual({ s: { sso_region: 'r' } })
    expect(plain(config.services)).toEqual({ v: { 'dynamodb.endpoint_url': 'http://x' } })
    expect(plain(config.profiles)).toEqual({ s: { k: '1' } })
  })
})

describe('loadSharedConfig', () => {
  let home = ''
  let environment: Environment = {}

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'shared-config-'))
    await chmod(home, 0o755)
    await mkdir(join(home, '.aws'))
    environment = { HOME: home }
  })

  afterEach(async () => {
    await rm(home, { recursive: true })
  })

  const configFile = (): string => join(home, '.aws', 'config')
  const credentialsFile = (): string => join(home, '.aws', 'credentials')
  const profiles = async (): Promise<Sections> => plain((await loadSharedConfig(environment)).profiles)

  async function problem(): Promise<ConfigurationError> {
    return rejectionOf(loadSharedConfig(environment), ConfigurationError)
  }

  test('merges both files', async () => {
    await writeFile(configFile(), '[default]\nregion = eu-west-1\n')
    await writeFile(credentialsFile(), '[default]\naws_access_key_id = id\n')
    expect(await profiles()).toEqual({ default: { region: 'eu-west-1', aws_access_key_id: 'id' } })
  })

  test('sees an edited file at the next call', async () => {
    await writeFile(credentialsFile(), '[a]\nk=1')
    expect(await profiles()).toEqual({ a: { k: '1' } })
    await writeFile(credentialsFile(), '[a]\nk=2')
    expect(await profiles()).toEqual({ a: { k: '2' } })
    await rm(credentialsFile())
    expect(await profiles()).toEqual({})
  })

  test('an absent file, directory or home is empty', async () => {
    expect(await profiles()).toEqual({})
    await rm(join(home, '.aws'), { recursive: true })
    expect(await profiles()).toEqual({})
    environment = { HOME: join(home, 'nowhere') }
    expect(await profiles()).toEqual({})
    environment = {
      HOME: home,
      AWS_CONFIG_FILE: join(home, 'a'),
      AWS_SHARED_CREDENTIALS_FILE: join(home, 'b'),
    }
    expect(await profiles()).toEqual({})
  })

  test('a directory in the place of a file, as a mount of nothing leaves it, is empty', async () => {
    await mkdir(configFile())
    await mkdir(credentialsFile())
    expect(await profiles()).toEqual({})
  })

  test('a file in the place of the directory means that there are no files', async () => {
    await rm(join(home, '.aws'), { recursive: true })
    await writeFile(join(home, '.aws'), '[default]\nk=1')
    expect(await profiles()).toEqual({})
  })

  test('a file that is there and may not be read is an error', async () => {
    await writeFile(credentialsFile(), '[default]\naws_secret_access_key = TOPSECRET')
    await chmod(credentialsFile(), 0)
    const error = await asOrdinaryUser(problem)
    expect(error.code).toBe('INVALID_SETTING')
    expect(error.message).toBe(
      `the AWS credentials file ${credentialsFile()} cannot be read (EACCES); make it readable for this process, or ` +
        'remove it',
    )
  })

  test('a file that may not be read, and that nothing depends on, counts as absent', async () => {
    await writeFile(configFile(), '[default]\nk=1')
    await writeFile(credentialsFile(), '[default]\nk=2')
    await chmod(configFile(), 0)
    const config = await asOrdinaryUser(() => loadSharedConfig(environment, false))
    expect(config.profiles.get('default')?.get('k')).toBe('2')
    expect(withheldNote(config)).toBe(`; this process may not read ${configFile()}`)
  })

  test('files in a directory that this process may not look into are not its own', async () => {
    await writeFile(configFile(), '[default]\nk=1')
    await chmod(join(home, '.aws'), 0)
    try {
      expect(await asOrdinaryUser(profiles)).toEqual({})
    } finally {
      await chmod(join(home, '.aws'), 0o755)
    }
  })

  test('unless a variable names them', async () => {
    await writeFile(configFile(), '[default]\nk=1')
    await chmod(join(home, '.aws'), 0)
    environment = { HOME: home, AWS_CONFIG_FILE: configFile() }
    try {
      const { message } = await asOrdinaryUser(problem)
      expect(message).toContain(
        `the AWS config file ${configFile()} (AWS_CONFIG_FILE) cannot be read (EACCES)`,
      )
    } finally {
      await chmod(join(home, '.aws'), 0o755)
    }
  })

  test('any other failure to read is an error', async () => {
    await symlink(configFile(), configFile())
    expect((await problem()).message).toContain('cannot be read (ELOOP)')
  })

  test('a text that is not in UTF-8 is an error that does not repeat it', async () => {
    await writeFile(credentialsFile(), '\uFEFF[default]\naws_secret_access_key = TOPSECRET', 'utf16le')
    expect((await readFile(credentialsFile())).includes(0)).toBe(true)
    const { message } = await problem()
    expect(message).toBe(`the AWS credentials file ${credentialsFile()} is not UTF-8 text; save it as UTF-8`)
  })

  test('one unusable file is enough', async () => {
    await writeFile(configFile(), '\0')
    await writeFile(credentialsFile(), '[default]\nk=1')
    expect((await problem()).message).toContain(configFile())
  })
})

describe('settingOf', () => {
  test.each([
    ['the variable wins', '1', '2', 1],
    ['an unset variable leaves it to the profile', undefined, '2', 2],
    ['so does an empty one', '', '2', 2],
    ['so does one that cannot be used', 'many', '2', 2],
    ['an unusable property is as good as none', undefined, 'many', undefined],
    ['zero is a value', '0', '2', 0],
    ['nothing is nothing', undefined, undefined, undefined],
  ])('%s', (_, inEnvironment, inProfile, value) => {
    const section = new Map(inProfile === undefined ? [] : [['setting', inProfile]])
    const config = { ...NO_SHARED_CONFIG, profiles: new Map([['p', section]]) }
    const source = { environment: { AWS_SETTING: inEnvironment }, config, profile: 'p' }
    expect(settingOf(source, 'setting', toNumber)).toBe(value)
    const named =
      value === 1 || value === 0 ? 'the environment variable AWS_SETTING' : 'setting of the profile "p"'
    expect(findSetting(source, 'setting', toNumber)).toEqual(
      value === undefined ? undefined : { value, source: named },
    )
  })

  test('a profile need not exist', () => {
    expect(
      settingOf({ environment: {}, config: NO_SHARED_CONFIG, profile: 'p' }, 'setting', toNumber),
    ).toBeUndefined()
  })
})

function toNumber(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined
}
