import { isSwitchedOn } from '../config/environment.ts'
import {
  InstanceMetadataClient,
  InstanceMetadataError,
  type InstanceMetadataOptions,
} from '../config/instance-metadata-client.ts'
import { ConfigurationError, CredentialsError } from '../../errors.ts'
import { messageOf } from '../../internal/core-objects.ts'
import { booleanOption, wordOption } from '../../internal/option.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import { credentialsOfDocument, parseJsonObject } from './credentials-document.ts'
import { warn } from '../../internal/process-environment.ts'
import {
  contextOf,
  rows,
  notConfigured,
  type ProviderRows,
  type ProviderContext,
  type ProviderOptions,
} from './provider.ts'

/** Options of {@link fromInstanceMetadata}. */
export interface FromInstanceMetadataOptions extends ProviderOptions, InstanceMetadataOptions {}

const optionRows: ProviderRows<FromInstanceMetadataOptions> = {
  endpoint: rows.text,
  endpointMode: wordOption(['IPv4', 'IPv6']),
  profile: rows.text,
  timeout: rows.timeoutMs,
  maxRetries: rows.count,
  ec2MetadataV1Disabled: booleanOption(),
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
  const context = contextOf('fromInstanceMetadata', options, optionRows)
  const client = new InstanceMetadataClient(context, options)
  const provider = staticallyStable(() => credentialsOfInstance(client), context)
  return async () => {
    if (isSwitchedOn(context.environment[DISABLED_VARIABLE])) {
      throw notConfigured(`the instance metadata service is switched off by ${DISABLED_VARIABLE}`)
    }
    return provider()
  }
}

async function credentialsOfInstance(client: InstanceMetadataClient): Promise<Credentials> {
  const role = await roleOfInstance(client)
  const source = `the response of the instance metadata service for the role ${role}`
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
    'the instance metadata service responded with something that is not the name of a role',
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

const LEAST_EXTENSION_MS = 5 * 60_000
const MOST_EXTENSION_MS = 10 * 60_000

/**
 * Keeps an application going while the instance metadata service is out of order.
 *
 * When a provider hands out credentials that have expired already, or fails after it has succeeded, the latest
 * credentials are handed out as if they expired in 5 to 10 minutes, so that it is asked again then: AWS accepts
 * credentials of an instance for longer during such an outage. The process is warned once per outage.
 */
export function staticallyStable(
  provider: CredentialProvider,
  { clock, random }: Pick<ProviderContext, 'clock' | 'random'>,
): CredentialProvider {
  let latest: Credentials | undefined
  let warned = false

  const extended = (credentials: Credentials, reason: string): Credentials => {
    if (!warned) {
      warned = true
      warn(`${reason}; the credentials at hand stay in use, and new ones are asked for every 5 to 10 minutes`)
    }
    const extensionMs = LEAST_EXTENSION_MS + Math.floor(random() * (MOST_EXTENSION_MS - LEAST_EXTENSION_MS))
    return { ...credentials, expiration: new Date(clock.now() + extensionMs) }
  }

  return async () => {
    let fresh: Credentials
    try {
      fresh = await provider()
    } catch (error) {
      if (latest === undefined) throw error
      return extended(latest, `no new credentials of this instance (${messageOf(error) ?? 'unknown error'})`)
    }
    latest = fresh
    if (fresh.expiration !== undefined && fresh.expiration.getTime() <= clock.now()) {
      return extended(fresh, 'the instance metadata service handed out credentials that have expired')
    }
    warned = false
    return fresh
  }
}
