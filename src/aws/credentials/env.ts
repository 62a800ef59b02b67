import type { Environment } from '../config/environment.ts'
import { CredentialsError } from '../../errors.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import { instantOf } from './instant.ts'
import type { ProviderOptions } from './provider-context.ts'
import { isWithheld, processEnvironment } from '../../internal/process-environment.ts'

/**
 * Credentials from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, for temporary ones, `AWS_SESSION_TOKEN`,
 * `AWS_CREDENTIAL_EXPIRATION` and `AWS_ACCOUNT_ID`.
 *
 * The variables are read at each call.
 *
 * @returns a provider that throws {@link CredentialsError} when a key is missing, naming the variable.
 */
export function fromEnv(options: ProviderOptions = {}): CredentialProvider {
  const environment = options.context?.environment ?? processEnvironment()
  return () => readCredentials(environment)
}

function readCredentials(environment: Environment): Credentials {
  const accessKeyId = required(environment, 'AWS_ACCESS_KEY_ID')
  const secretAccessKey = required(environment, 'AWS_SECRET_ACCESS_KEY')
  const sessionToken = environment['AWS_SESSION_TOKEN']
  const accountId = environment['AWS_ACCOUNT_ID']
  const expiration = environment['AWS_CREDENTIAL_EXPIRATION']
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined &&
      sessionToken !== '' && { sessionToken: checked(sessionToken, 'AWS_SESSION_TOKEN') }),
    ...(accountId !== undefined && accountId !== '' && { accountId }),
    ...(expiration !== undefined && expiration !== '' && { expiration: toDate(expiration) }),
  }
}

function required(environment: Environment, variable: string): string {
  const value = environment[variable]
  if (value === undefined || value === '')
    throw new CredentialsError(
      `${variable} ${isWithheld(variable) ? 'may not be read by this process' : 'is not set'}`,
      { tryNextProvider: true },
    )
  return checked(value, variable)
}

/** Quotation marks and line breaks slip in from files; AWS would only say that the key does not exist. */
function checked(value: string, variable: string): string {
  if (!/^[\x21-\x7e]+$/.test(value) || /["']/.test(value)) {
    throw new CredentialsError(`${variable} contains blanks, line breaks or quotation marks`)
  }
  return value
}

function toDate(text: string): Date {
  const date = instantOf(text)
  if (date !== undefined) return date
  throw new CredentialsError('AWS_CREDENTIAL_EXPIRATION is not a date such as 2026-01-31T12:00:00Z')
}
