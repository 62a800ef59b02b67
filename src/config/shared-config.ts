import { readFile, stat } from 'node:fs/promises'
import { ConfigurationError } from '../errors.ts'
import { codeOf } from '../internal/core-objects.ts'
import { type Environment, variable } from './environment.ts'
import { type FileLocation, fileLocations } from './file-locations.ts'
import type { IniSection } from './ini-parser.ts'

/**
 * Properties of a profile, an `sso-session` or a `services` section: lower-cased names, those of a nested block as
 * `block.name`.
 */
export type ConfigSection = IniSection

/** What the config file and the credentials file say together. */
export interface SharedConfig {
  /** Profiles by name. A property of the credentials file wins over the same one of the config file. */
  readonly profiles: ReadonlyMap<string, ConfigSection>
  /** `[sso-session NAME]` sections of the config file by name. */
  readonly ssoSessions: ReadonlyMap<string, ConfigSection>
  /** `[services NAME]` sections of the config file by name. */
  readonly services: ReadonlyMap<string, ConfigSection>
}

/** What absent files say. */
export const NO_SHARED_CONFIG: SharedConfig = {
  profiles: new Map(),
  ssoSessions: new Map(),
  services: new Map(),
}

/** The profile that a setting is looked for in. */
export interface SelectedProfile {
  readonly name: string
  /** Whether somebody named it, so that it has to exist; `false` for the profile `default` that nobody asked for. */
  readonly explicit: boolean
}

/** The profile to use: the one given, else that of `AWS_PROFILE`, else `default`. */
export function selectedProfile(environment: Environment, given?: string): SelectedProfile {
  const name = given === undefined || given === '' ? variable(environment, 'AWS_PROFILE') : given
  return name === undefined ? { name: 'default', explicit: false } : { name, explicit: true }
}

/**
 * Reads the config file and the credentials file, anew at each call, so that edited files are seen.
 *
 * A file that is absent is an empty one, and so is a directory in its place, or one that cannot exist for this
 * process because it may not look into the home directory. A file that is there and cannot be read, or is no text in
 * UTF-8, is an error: what it says could be anything, and going on without it could mean another identity, region
 * or endpoint than the one configured.
 *
 * @throws {ConfigurationError} when a file cannot be read. The message names the file, never its contents.
 */
export async function loadSharedConfig(environment: Environment): Promise<SharedConfig> {
  const locations = fileLocations(environment)
  const [configText, credentialsText] = await Promise.all([
    readText(locations.configFile, 'AWS config file'),
    readText(locations.credentialsFile, 'AWS credentials file'),
  ])
  if (configText === '' && credentialsText === '') return NO_SHARED_CONFIG
  // Most servers have no such files, and start without the code that takes them apart.
  const { mergeFiles } = await import('./profile-sections.ts')
  return mergeFiles(configText, credentialsText)
}

async function readText({ path, variable: source }: FileLocation, what: string): Promise<string> {
  const named = source === undefined ? `the ${what} ${path}` : `the ${what} ${path} (${source})`
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (cause) {
    if (await isAbsent(path, cause, source !== undefined)) return ''
    throw new ConfigurationError(
      'INVALID_SETTING',
      `${named} cannot be read (${codeOf(cause) ?? 'unknown'}); make it readable for this process, or remove it`,
      { cause },
    )
  }
  // What some Windows shells write when output is redirected to a file.
  if (bytes.includes(0)) {
    throw new ConfigurationError('INVALID_SETTING', `${named} is not a text in UTF-8; save it as UTF-8`)
  }
  return bytes.toString('utf8')
}

async function isAbsent(path: string, cause: unknown, explicit: boolean): Promise<boolean> {
  const code = codeOf(cause)
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return true
  if (explicit || (code !== 'EACCES' && code !== 'EPERM')) return false
  // A service that runs with the home directory of somebody else has no files there. One that can see the file has.
  return stat(path).then(
    () => false,
    () => true,
  )
}
