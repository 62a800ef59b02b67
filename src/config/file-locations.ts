import nodePath from 'node:path'
import { type Environment, variable } from './environment.ts'
import { homeDirectory } from './home.ts'

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
