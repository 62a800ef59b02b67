import { askedOnce } from './cached-provider.ts'
import { isCredentials } from '../sigv4/sign.ts'
import { CredentialsError } from '../../errors.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import {
  contextOf,
  holdsNothingBut,
  kinds,
  type OptionKind,
  type OptionKinds,
  type ProviderOptions,
  readSharedConfig,
} from './provider.ts'
import {
  assumeRole,
  type AssumeRoleParams,
  type StsClientConfig,
  stsEndpoint,
  type MfaCodeProvider,
} from './sts.ts'

/** Options of {@link fromTemporaryCredentials}. */
export interface FromTemporaryCredentialsOptions extends ProviderOptions {
  /** The role to assume, and how, in the names of STS. */
  readonly params: AssumeRoleParams
  /**
   * Credentials to assume the role with, or a provider of them, which is asked at each call.
   *
   * @default what `defaultProvider()` finds
   */
  readonly masterCredentials?: Credentials | CredentialProvider | undefined
  /**
   * Asked for the code of the device that `SerialNumber` names, at each call.
   *
   * @default the code in `TokenCode`, which STS accepts once
   */
  readonly mfaCodeProvider?: MfaCodeProvider | undefined
  /**
   * Settings of the client that calls STS.
   *
   * @default the region and the endpoint that the environment and the profile name
   */
  readonly clientConfig?: StsClientConfig | undefined
}

const aList: OptionKind = { takes: 'an array', accepts: Array.isArray }

const paramKinds: Readonly<Record<keyof AssumeRoleParams, OptionKind>> = {
  RoleArn: { ...kinds.text, isRequired: true },
  RoleSessionName: kinds.text,
  ExternalId: kinds.text,
  DurationSeconds: kinds.count,
  SerialNumber: kinds.text,
  TokenCode: kinds.text,
  Policy: kinds.text,
  PolicyArns: aList,
  Tags: aList,
  TransitiveTagKeys: aList,
  SourceIdentity: kinds.text,
}

const optionKinds: OptionKinds<FromTemporaryCredentialsOptions> = {
  params: {
    takes: `an object with RoleArn, a text, and nothing but ${Object.keys(paramKinds).join(', ')}`,
    accepts: value => holdsNothingBut(value, paramKinds),
    isRequired: true,
  },
  masterCredentials: {
    takes: 'credentials, or a function that returns such',
    accepts: value => kinds.object.accepts(value) || kinds.callback.accepts(value),
  },
  mfaCodeProvider: kinds.callback,
  clientConfig: kinds.stsClientConfig,
}

/**
 * Credentials of a role that is assumed with other credentials.
 *
 * For a chain of roles, pass such a provider as `masterCredentials`.
 *
 * @example
 * ```ts
 * import { fromTemporaryCredentials } from 'dynamodb-sessions/credentials'
 *
 * export const credentials = fromTemporaryCredentials({
 *   params: { RoleArn: 'arn:aws:iam::123456789012:role/sessions', DurationSeconds: 900 },
 *   clientConfig: { region: 'eu-west-1' },
 * })
 * ```
 * @returns a provider that throws {@link CredentialsError}, which stops a chain. It does not cache: a `SessionStore`
 *   does.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export function fromTemporaryCredentials(options: FromTemporaryCredentialsOptions): CredentialProvider {
  const context = contextOf('fromTemporaryCredentials', options, optionKinds)
  let fallback: Promise<CredentialProvider> | undefined
  return askedOnce(options.mfaCodeProvider !== undefined, async () => {
    const { params, mfaCodeProvider, clientConfig = {} } = options
    const { RoleArn, SerialNumber, TokenCode } = params
    if (SerialNumber !== undefined && mfaCodeProvider === undefined && TokenCode === undefined) {
      throw new CredentialsError(
        `the role ${RoleArn} requires multi-factor authentication with the device ${SerialNumber}; pass mfaCodeProvider`,
      )
    }
    let master = options.masterCredentials
    if (master === undefined) {
      fallback ??= import('./default-provider.ts').then(({ defaultProvider }) =>
        defaultProvider({ ...clientConfig, context }),
      )
      master = await fallback
    }
    const source = await sourceCredentials(master)
    const endpoint = stsEndpoint(context, await readSharedConfig(context), clientConfig)
    return assumeRole(params, source, endpoint, mfaCodeProvider, context)
  })
}

async function sourceCredentials(master: Credentials | CredentialProvider): Promise<Credentials> {
  try {
    const credentials: unknown = typeof master === 'function' ? await master() : master
    if (isCredentials(credentials)) return credentials
  } catch (cause) {
    // A foreign error may say anything, so that only its own text is left out of the message.
    const reason = cause instanceof CredentialsError ? `: ${cause.message}` : ''
    throw new CredentialsError(`there are no credentials to assume the role with${reason}`, { cause })
  }
  throw new CredentialsError(
    'masterCredentials are not usable credentials, nor does their provider return such',
  )
}
