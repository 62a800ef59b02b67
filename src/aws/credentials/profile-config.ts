import { fileLocations } from '../config/file-locations.ts'
import { loadSharedConfig, type SharedConfig, withheldNote } from '../config/shared-config.ts'
import { ConfigurationError, CredentialsError } from '../../errors.ts'
import type { ProviderContext } from './provider-context.ts'

/**
 * Reads the shared configuration files.
 *
 * @throws {CredentialsError} when one is there and cannot be read: what it says could be anything.
 */
export async function readSharedConfig({ environment, pending }: ProviderContext): Promise<SharedConfig> {
  try {
    return await pending.step('the AWS configuration files', () => loadSharedConfig(environment))
  } catch (cause) {
    if (!(cause instanceof ConfigurationError)) throw cause
    throw new CredentialsError(cause.message, { cause })
  }
}

/** A profile as error messages name it. */
export function profileTitle(name: string): string {
  return `the profile ${JSON.stringify(name)}`
}

/** What to say of a profile that does not exist: where it was looked for, and how its section is written. */
export function absentProfileMessage(
  name: string,
  { environment }: ProviderContext,
  config: SharedConfig,
): string {
  const { configFile, credentialsFile } = fileLocations(environment)
  const section = name === 'default' ? 'default' : `profile ${name}`
  return (
    `${profileTitle(name)} does not exist: there is neither [${section}] in ${configFile.path} nor ` +
    `[${name}] in ${credentialsFile.path}${withheldNote(config)}`
  )
}
