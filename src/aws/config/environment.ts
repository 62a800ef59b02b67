import nodePath from 'node:path'

import type { Environment } from '../../internal/process-environment.ts'

/** A variable's value; `undefined` when it is unset or empty, which counts as unset everywhere here. */
export function variable(environment: Environment, name: string): string | undefined {
  const value = environment[name]
  return value === '' ? undefined : value
}

/**
 * Whether the text of a switch such as `AWS_EC2_METADATA_DISABLED` turns it on: anything but nothing and `false`. The AWS
 * SDK for JavaScript reads its older switches this way.
 */
export function isSwitchedOn(text: string | undefined): boolean {
  return text !== undefined && text !== '' && text.toLowerCase() !== 'false'
}

/**
 * The value of a setting that takes only `true` and `false`, in any case; `undefined` for anything else, so that
 * the next place to look at decides.
 */
export function booleanSetting(text: string): boolean | undefined {
  const lowered = text.toLowerCase()
  return lowered === 'true' || (lowered === 'false' ? false : undefined)
}

/** Variables that name the region, in the order in which they are looked at. */
export const REGION_VARIABLES: readonly string[] = ['AWS_REGION', 'AWS_DEFAULT_REGION']

/** A setting and the variable that it came from. */
interface EnvironmentSetting {
  readonly variable: string
  readonly value: string
}

/** The region that the environment names. A variable that is empty or blank counts as unset. */
export function regionFromEnvironment(environment: Environment): EnvironmentSetting | undefined {
  for (const name of REGION_VARIABLES) {
    const value = environment[name]?.trim()
    if (value !== undefined && value !== '') return { variable: name, value }
  }
  return undefined
}

/** Where a shared file is, and who says so. */
export interface FileLocation {
  readonly path: string
  /** The environment variable that names the file; `undefined` at the usual place under the home directory. */
  readonly variable: string | undefined
}

/** Where the two files are that the AWS CLI and the AWS SDKs share. */
interface FileLocations {
  readonly configFile: FileLocation
  readonly credentialsFile: FileLocation
}

/**
 * Finds the shared files: `AWS_CONFIG_FILE` or `~/.aws/config`, and `AWS_SHARED_CREDENTIALS_FILE` or
 * `~/.aws/credentials`. A variable may begin with `~/`. It does not look whether they exist.
 *
 * @param path how the platform writes paths. `@default` that of this machine
 */
export function fileLocations(
  environment: Environment,
  path: { readonly join: (...segments: string[]) => string } = nodePath,
): FileLocations {
  const locate = (name: string, usualName: string): FileLocation => {
    const given = variable(environment, name)
    if (given === undefined) {
      return { path: path.join(homeDirectory(environment), '.aws', usualName), variable: undefined }
    }
    const underHome = given.startsWith('~/')
    return { path: underHome ? path.join(homeDirectory(environment), given.slice(2)) : given, variable: name }
  }
  return {
    configFile: locate('AWS_CONFIG_FILE', 'config'),
    credentialsFile: locate('AWS_SHARED_CREDENTIALS_FILE', 'credentials'),
  }
}

/**
 * The user's home directory, under which AWS tools keep `.aws`: `HOME`, else `USERPROFILE`, else `HOMEDRIVE`
 * (`C:\` when unset) followed by `HOMEPATH`, else what the operating system says.
 *
 * In a container whose user is in no user database there may be no such thing: then it is the root directory, and
 * never the working directory, whose files are not the user's.
 */
export function homeDirectory(environment: Environment): string {
  const home = variable(environment, 'HOME') ?? variable(environment, 'USERPROFILE')
  if (home !== undefined) return home
  const homePath = variable(environment, 'HOMEPATH')
  if (homePath !== undefined) return `${variable(environment, 'HOMEDRIVE') ?? `C:${nodePath.sep}`}${homePath}`
  return homeOfSystemUser()
}

function homeOfSystemUser(): string {
  try {
    // Rarely needed, and a module that every start would have to load.
    return process.getBuiltinModule('node:os').homedir() || rootDirectory()
  } catch {
    return rootDirectory()
  }
}

function rootDirectory(): string {
  try {
    return nodePath.parse(process.cwd()).root
  } catch {
    // The working directory may be gone, or be none of this process's business.
    return nodePath.sep
  }
}
