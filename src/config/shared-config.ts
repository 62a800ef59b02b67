import { readFile, stat } from 'node:fs/promises'
import { ConfigurationError } from '../errors.ts'
import { type Environment, variable } from './environment.ts'
import { type FileLocation, fileLocations } from './file-locations.ts'
import { type IniSection, parseIni } from './ini-parser.ts'

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
  return mergeFiles(configText, credentialsText)
}

/**
 * Merges the texts of the two files.
 *
 * In the config file a profile is `[profile NAME]` (the name may be quoted, and has to be if it contains blanks) or
 * `[default]`, of which a `[profile default]` with properties takes the place altogether. In the credentials file it
 * is `[NAME]`. Sections that are neither these nor `sso-session` or `services` are ignored.
 *
 * @internal
 */
export function mergeFiles(configText: string, credentialsText: string): SharedConfig {
  const kinds = {
    profile: new Map<string, ConfigSection>(),
    'sso-session': new Map<string, ConfigSection>(),
    services: new Map<string, ConfigSection>(),
  }
  const configSections = parseIni(configText)
  for (const [header, section] of configSections) {
    const title = titleOf(header)
    // The same name can be written with and without quotation marks: such sections are one.
    if (title !== undefined) addTo(kinds[title.kind], title.name, section)
  }
  const unprefixedDefault = configSections.get('default')
  if (unprefixedDefault !== undefined && !kinds.profile.get('default')?.size) {
    kinds.profile.set('default', unprefixedDefault)
  }
  for (const [header, section] of parseIni(credentialsText)) {
    if (/^(?:profile|sso-session|services)\s/.test(header)) continue
    addTo(kinds.profile, header, section)
  }
  return { profiles: kinds.profile, ssoSessions: kinds['sso-session'], services: kinds.services }
}

interface SectionTitle {
  readonly kind: 'profile' | 'sso-session' | 'services'
  readonly name: string
}

function titleOf(header: string): SectionTitle | undefined {
  const [, kind, , quoted, bare] =
    /^(profile|sso-session|services)\s+(?:(["'])(.+)\2|([\w\-@+.%:/]+))$/.exec(header) ?? []
  const name = quoted ?? bare
  return name === undefined ? undefined : { kind: kind as SectionTitle['kind'], name }
}

/** Adds a section; where there is one of that name, its properties win over those that are there. */
function addTo(sections: Map<string, ConfigSection>, name: string, section: ConfigSection): void {
  const earlier = sections.get(name)
  sections.set(name, earlier === undefined ? section : new Map([...earlier, ...section]))
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
      `${named} cannot be read (${codeOf(cause)}); make it readable for this process, or remove it`,
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

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
}
