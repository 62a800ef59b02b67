import { readFile } from 'node:fs/promises'
import { variable } from '../config/environment.ts'
import { CredentialsError } from '../../errors.ts'
import { codeOf } from '../../internal/core-objects.ts'
import type { CredentialProvider } from '../../types.ts'
import { contextOf, kinds, type OptionKinds, type ProviderOptions, readSharedConfig } from './provider.ts'
import { assumeRoleWithWebIdentity, type StsClientConfig, stsEndpoint } from './sts.ts'

/** Options of {@link fromTokenFile}. */
export interface FromTokenFileOptions extends ProviderOptions {
  /**
   * File with the OpenID Connect token. It is read at each call, because it is replaced before the token expires.
   *
   * @default `AWS_WEB_IDENTITY_TOKEN_FILE`
   */
  readonly webIdentityTokenFile?: string | undefined
  /**
   * ARN of the role to assume.
   *
   * @default `AWS_ROLE_ARN`
   */
  readonly roleArn?: string | undefined
  /**
   * Name of the role session, which CloudTrail shows.
   *
   * @default `AWS_ROLE_SESSION_NAME`, else `dynamodb-sessions-` and the time in milliseconds
   */
  readonly roleSessionName?: string | undefined
  /**
   * Settings of the client that calls STS.
   *
   * @default the region and the endpoint that the environment and the profile name
   */
  readonly clientConfig?: StsClientConfig | undefined
}

const optionKinds: OptionKinds<FromTokenFileOptions> = {
  webIdentityTokenFile: kinds.text,
  roleArn: kinds.text,
  roleSessionName: kinds.text,
  clientConfig: kinds.stsClientConfig,
}

const TOKEN_FILE_VARIABLE = 'AWS_WEB_IDENTITY_TOKEN_FILE'
const ROLE_VARIABLE = 'AWS_ROLE_ARN'

/**
 * Credentials of a role that is assumed with a token in a file, as IAM roles for service accounts (IRSA) in Amazon EKS
 * and many CI systems have it.
 *
 * The token is sent as it is in the file. The call is not signed, so that no other credentials are needed.
 *
 * @returns a provider that throws {@link CredentialsError}: a chain goes on when no token file or no role is
 *   named, and stops at every other failure, such as a file that cannot be read. It does not cache.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export function fromTokenFile(options: FromTokenFileOptions = {}): CredentialProvider {
  const context = contextOf('fromTokenFile', options, optionKinds)
  const { environment } = context
  return async () => {
    const tokenFile = options.webIdentityTokenFile ?? variable(environment, TOKEN_FILE_VARIABLE)
    const RoleArn = options.roleArn ?? variable(environment, ROLE_VARIABLE)
    if (tokenFile === undefined) {
      throw new CredentialsError(`${TOKEN_FILE_VARIABLE} is not set`, { tryNextProvider: true })
    }
    if (RoleArn === undefined) {
      throw new CredentialsError(
        `there is a web identity token file and no role to assume with it; set ${ROLE_VARIABLE}`,
        { tryNextProvider: true },
      )
    }
    const WebIdentityToken = await readFile(tokenFile, 'utf8').catch((cause: unknown) => {
      const reason = `cannot be read (${codeOf(cause) ?? 'unknown error'})`
      throw new CredentialsError(`the web identity token file ${tokenFile} ${reason}`, { cause })
    })
    if (WebIdentityToken === '') {
      throw new CredentialsError(`the web identity token file ${tokenFile} is empty`)
    }
    const endpoint = stsEndpoint(context, await readSharedConfig(context), options.clientConfig ?? {})
    const RoleSessionName = options.roleSessionName ?? variable(environment, 'AWS_ROLE_SESSION_NAME')
    return assumeRoleWithWebIdentity({ RoleArn, RoleSessionName, WebIdentityToken }, endpoint, context)
  }
}
