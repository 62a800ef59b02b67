import { isSwitchedOn } from '../config/environment.ts'
import { InstanceMetadataClient, InstanceMetadataError } from '../config/instance-metadata-client.ts'
import type { InstanceMetadataOptions } from '../config/instance-metadata-settings.ts'
import { ConfigurationError, CredentialsError } from '../../errors.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import { credentialsOfDocument, parseJsonObject } from './credentials-document.ts'
import { contextOf, type ProviderOptions } from './provider-context.ts'
import { aCount, aSwitch, aText, aTimeout, checkedOptions, type OptionKinds } from './provider-options.ts'
import { staticallyStable } from './static-stability.ts'

/** Options of {@link fromInstanceMetadata}. */
export interface FromInstanceMetadataOptions extends ProviderOptions, InstanceMetadataOptions {}

const optionKinds: OptionKinds<FromInstanceMetadataOptions> = {
  endpoint: aText,
  endpointMode: {
    takes: "'IPv4' or 'IPv6'",
    accepts: value => value === 'IPv4' || value === 'IPv6',
  },
  profile: aText,
  timeout: aTimeout,
  maxRetries: aCount,
  ec2MetadataV1Disabled: aSwitch,
}

const CREDENTIALS_PATH = 'iam/security-credentials/'
const DISABLED_VARIABLE = 'AWS_EC2_METADATA_DISABLED'

/**
 * Credentials of the role that is attached to an EC2 instance, from its metadata service.
 *
 * The service is asked with a token (IMDSv2); without one (IMDSv1) when the request for a token fails, and where that is
 * not switched off. Every request is bounded in time. Credentials that were handed out once outlive an outage of the
 * service: they are handed out again, with an expiration 5 to 10 minutes ahead, and a warning is emitted.
 *
 * @returns a provider that throws {@link CredentialsError}: a chain goes on when the service is switched off
 *   (`AWS_EC2_METADATA_DISABLED`), cannot be reached or refuses, and stops when its answer cannot be read or the
 *   endpoint that is configured cannot be used. It does not cache.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export function fromInstanceMetadata(options: FromInstanceMetadataOptions = {}): CredentialProvider {
  const context = contextOf(checkedOptions('fromInstanceMetadata', options, optionKinds))
  const client = new InstanceMetadataClient(context, options)
  const provider = staticallyStable(() => credentialsOfInstance(client), context)
  return async () => {
    if (isSwitchedOn(context.environment, DISABLED_VARIABLE)) {
      throw new CredentialsError(`the instance metadata service is switched off by ${DISABLED_VARIABLE}`, {
        tryNextProvider: true,
      })
    }
    return provider()
  }
}

async function credentialsOfInstance(client: InstanceMetadataClient): Promise<Credentials> {
  const role = await roleOfInstance(client)
  const source = `the answer of the instance metadata service for the role ${role}`
  const document = parseJsonObject(await read(client, CREDENTIALS_PATH + role), source)
  const code = document['Code']
  // Stand-ins for the service leave it out.
  if (code !== undefined && code !== 'Success') {
    const shown = typeof code === 'string' && /^[A-Za-z]{1,64}$/.test(code) ? `the Code ${code}` : 'a Code'
    throw new CredentialsError(
      `${source} has ${shown} instead of Success; check that the role of the instance exists and that EC2 may assume it`,
    )
  }
  return credentialsOfDocument(document, source, { sessionToken: 'Token', temporary: true })
}

async function roleOfInstance(client: InstanceMetadataClient): Promise<string> {
  const role = (await read(client, CREDENTIALS_PATH)).trim()
  // The name becomes part of the next request, so nothing may pass that is not the name of an IAM role.
  if (/^[\w+=,.@-]{1,128}$/.test(role)) return role
  throw new CredentialsError(
    'the instance metadata service answered with something that is not the name of a role',
  )
}

async function read(client: InstanceMetadataClient, path: string): Promise<string> {
  try {
    return await client.get(path)
  } catch (cause) {
    if (cause instanceof InstanceMetadataError) {
      const hint = cause.httpStatusCode === 404 ? '; is an IAM role attached to this instance?' : ''
      throw new CredentialsError(cause.message + hint, { cause, tryNextProvider: true })
    }
    if (cause instanceof ConfigurationError) throw new CredentialsError(cause.message, { cause })
    throw cause
  }
}
