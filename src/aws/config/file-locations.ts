import nodePath from 'node:path'
import { type Environment, variable } from './environment.ts'

/** Where a shared file is, and who says so. */
export interface FileLocation {
  readonly path: string
  /** The environment variable that names the file; `undefined` at the usual place under the home directory. */
  readonly variable: string | undefined
}

/** Where the two files are that the AWS CLI and the AWS SDKs share. */
export interface FileLocations {
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
  path: Pick<typeof nodePath, 'join'> = nodePath,
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
