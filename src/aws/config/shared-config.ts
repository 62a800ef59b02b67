import { readFile, stat } from 'node:fs/promises'
import { invalidSetting } from '../../errors.ts'
import { codeOf, isNotPermitted } from '../../internal/core-objects.ts'
import { type FileLocation, fileLocations, variable } from './environment.ts'
import type { Environment } from '../../internal/process-environment.ts'
import type { SharedConfig } from './config-file.ts'

/** What absent files say. */
export const NO_SHARED_CONFIG: SharedConfig = {
  profiles: new Map(),
  ssoSessions: new Map(),
  services: new Map(),
  withheld: [],
}

/** The profile that a setting is looked for in. */
export interface SelectedProfile {
  readonly name: string
  /** Whether somebody named it, so that it has to exist; `false` for the profile `default` that nobody asked for. */
  readonly explicit: boolean
}

/** Where settings are looked for: in the environment, else in a profile of the shared files. */
export interface SettingsSource {
  readonly environment: Environment
  readonly config: SharedConfig
  /** Name of the profile, which need not exist. */
  readonly profile: string
}

/** The value of a setting, and where it is from, to name that in an error. */
export interface FoundSetting<T> {
  readonly value: T
  /** `the environment variable AWS_MAX_ATTEMPTS`. */
  readonly source: string
}

/**
 * Finds a setting in an environment variable or in a property of the profile, whichever is usable first. Their names are the
 * same: `max_attempts` and `AWS_MAX_ATTEMPTS`.
 *
 * @param parse reads a text that is not empty; `undefined` for one that cannot be used, so that the next place decides. The
 *   AWS SDK for JavaScript passes unusable values over in the same way.
 */
export function findSetting<T>(
  { environment, config, profile }: SettingsSource,
  property: string,
  parse: (text: string) => T | undefined,
): FoundSetting<T> | undefined {
  const name = `AWS_${property.toUpperCase()}`
  const places = [
    [environment[name], `the environment variable ${name}`],
    [config.profiles.get(profile)?.get(property), `${property} of the profile "${profile}"`],
  ] as const
  for (const [text = '', source] of places) {
    const value = text === '' ? undefined : parse(text)
    if (value !== undefined) return { value, source }
  }
  return undefined
}

/** The value of a setting, found as {@link findSetting} does. */
export function settingOf<T>(
  source: SettingsSource,
  property: string,
  parse: (text: string) => T | undefined,
): T | undefined {
  return findSetting(source, property, parse)?.value
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
 * process because it may not look into the home directory, or because the runtime does not permit it
 * (`node --permission`, Deno). A file that is there and cannot be read, or is no text in UTF-8, is an error: what it says
 * could be anything, and going on without it could mean another identity, region or endpoint than the one configured.
 *
 * @param isNeeded whether something that has to be known may be in the files; else one at the usual place that this user
 *   may not read is no error either.
 * @throws {ConfigurationError} when a file cannot be read. The message names the file, never its contents.
 */
export async function loadSharedConfig(environment: Environment, isNeeded = true): Promise<SharedConfig> {
  const locations = fileLocations(environment)
  const files = await Promise.all([
    readText(locations.configFile, 'AWS config file', isNeeded),
    readText(locations.credentialsFile, 'AWS credentials file', isNeeded),
  ])
  const [configText, credentialsText] = files.map(({ text }) => text)
  const withheld = files.flatMap(({ withheldPath }) => withheldPath ?? [])
  if (!configText && !credentialsText) return { ...NO_SHARED_CONFIG, withheld }
  // Most servers have no such files, and start without the code that takes them apart.
  const { mergeFiles } = await import('./config-file.ts')
  return { ...mergeFiles(configText ?? '', credentialsText ?? ''), withheld }
}

/** What to add to a message about something that was not found; empty when nothing has been withheld. */
export function withheldNote({ withheld }: SharedConfig): string {
  return withheld.length === 0 ? '' : `; this process may not read ${withheld.join(' and ')}`
}

/** A file as it was found. */
interface FileText {
  readonly text: string
  /** Its path, when it counts as absent because it may not be read. */
  readonly withheldPath?: string
}

async function readText(
  { path, variable: source }: FileLocation,
  what: string,
  isNeeded: boolean,
): Promise<FileText> {
  const named = source === undefined ? `the ${what} ${path}` : `the ${what} ${path} (${source})`
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (cause) {
    if (isNone(cause)) return { text: '' }
    if (source === undefined && (await isWithheld(path, cause, isNeeded)))
      return { text: '', withheldPath: path }
    throw invalidSetting(
      `${named} cannot be read (${codeOf(cause) ?? 'unknown'}); make it readable for this process, or remove it`,
      { cause },
    )
  }
  // What some Windows shells write when output is redirected to a file.
  if (bytes.includes(0)) {
    throw invalidSetting(`${named} is not UTF-8 text; save it as UTF-8`)
  }
  return { text: bytes.toString('utf8') }
}

function isNone(cause: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(cause) ?? '')
}

/** Whether a file at the usual place counts as absent, because it is not for this process. */
async function isWithheld(path: string, cause: unknown, isNeeded: boolean): Promise<boolean> {
  if (isNotPermitted(cause)) return true
  const code = codeOf(cause)
  if (code !== 'EACCES' && code !== 'EPERM') return false
  if (!isNeeded) return true
  // A service that runs with the home directory of somebody else has no files there. One that can see the file has.
  return stat(path).then(
    () => false,
    () => true,
  )
}
