import { variable } from '../config/environment.ts'
import { CredentialsError } from '../../errors.ts'
import { isWithheld } from '../../internal/process-environment.ts'
import type { CredentialProvider } from '../../types.ts'
import { contextOf, notConfigured, type ProviderOptions, requiredInstant } from './provider.ts'

/**
 * Credentials from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, for temporary ones, `AWS_SESSION_TOKEN`,
 * `AWS_CREDENTIAL_EXPIRATION` and `AWS_ACCOUNT_ID`.
 *
 * The variables are read at each call.
 *
 * @returns a provider that throws {@link CredentialsError} when a key is missing, naming the variable.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export function fromEnv(options: ProviderOptions = {}): CredentialProvider {
  const { environment } = contextOf('fromEnv', options, {})
  return () => {
    const sessionToken = variable(environment, 'AWS_SESSION_TOKEN')
    const accountId = variable(environment, 'AWS_ACCOUNT_ID')
    const expiration = variable(environment, 'AWS_CREDENTIAL_EXPIRATION')
    return {
      accessKeyId: key('AWS_ACCESS_KEY_ID', variable(environment, 'AWS_ACCESS_KEY_ID')),
      secretAccessKey: key('AWS_SECRET_ACCESS_KEY', variable(environment, 'AWS_SECRET_ACCESS_KEY')),
      ...(sessionToken !== undefined && { sessionToken: key('AWS_SESSION_TOKEN', sessionToken) }),
      ...(accountId !== undefined && { accountId }),
      ...(expiration !== undefined && {
        expiration: requiredInstant(expiration, 'AWS_CREDENTIAL_EXPIRATION'),
      }),
    }
  }
}

function key(name: string, value: string | undefined): string {
  if (value === undefined) {
    const trouble = isWithheld(name) ? 'may not be read by this process' : 'is not set'
    throw notConfigured(`${name} ${trouble}`)
  }
  // Quotation marks and line breaks slip in from files; AWS would only say that the key does not exist.
  if (/^[\x21-\x7e]+$/.test(value) && !/["']/.test(value)) return value
  throw new CredentialsError(`${name} contains blanks, line breaks or quotation marks`)
}
