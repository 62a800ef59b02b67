import { readFile } from 'node:fs/promises'

import { CredentialsError, DeadlineExceededError, TransportError } from '../../errors.ts'
import { codeOf, isJsonObject } from '../../internal/core-objects.ts'
import { foreignText } from '../../internal/message-text.ts'
import { integerOption, objectOption, type OptionRow } from '../../internal/option.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import { regionFromEnvironment, variable } from '../config/environment.ts'
import { realRegion } from '../config/region-names.ts'
import type { SharedConfig } from '../config/config-file.ts'
import { selectedProfile, type SettingsSource } from '../config/shared-config.ts'
import { configuredEndpoint } from '../config/service-endpoint.ts'
import { retryKindOfAnswer, type ServiceFailure } from '../http/retry.ts'
import type { TransportResponse } from '../http/transport.ts'
import { isCredentials } from '../sigv4/sign.ts'
import { askedOnce } from './cached-provider.ts'
import { temporaryCredentials } from './credentials-document.ts'
import {
  contextOf,
  instantOf,
  rows,
  notConfigured,
  type ProviderRows,
  type ProviderContext,
  type ProviderOptions,
  readSharedConfig,
} from './provider.ts'
import { callService, codeIn, failing, operationUrl, ServiceCallError } from './service-call.ts'
import { warn } from '../../internal/process-environment.ts'
import { elementAt, readXml, textAt } from './xml.ts'

/** A tag of the role session, as STS takes it. */
interface SessionTag {
  readonly Key: string
  readonly Value: string
}

/** A managed policy that limits the role session further. */
interface PolicyDescriptor {
  readonly arn?: string | undefined
}

/** What `sts:AssumeRole` takes, in its own names. */
export interface AssumeRoleParams {
  /** ARN of the role to assume. */
  readonly RoleArn: string
  /**
   * Name of the role session, which CloudTrail shows.
   *
   * @default `dynamodb-sessions-` and the time in milliseconds
   */
  readonly RoleSessionName?: string | undefined
  /** External ID that the trust policy of somebody else's role asks for. */
  readonly ExternalId?: string | undefined
  /** How long the credentials are valid, in seconds. STS takes 900 and more; absent, it gives 3600. */
  readonly DurationSeconds?: number | undefined
  /** Serial number or ARN of the multi-factor authentication device. */
  readonly SerialNumber?: string | undefined
  /** The code that the device shows. */
  readonly TokenCode?: string | undefined
  /** Session policy as JSON text; the session gets what both it and the role allow. */
  readonly Policy?: string | undefined
  /** Managed policies that act as session policies. */
  readonly PolicyArns?: readonly PolicyDescriptor[] | undefined
  /** Session tags. */
  readonly Tags?: readonly SessionTag[] | undefined
  /** Keys of the tags that later sessions of a chain of roles inherit. */
  readonly TransitiveTagKeys?: readonly string[] | undefined
  /** Who is behind the session; it stays with every later session of a chain of roles. */
  readonly SourceIdentity?: string | undefined
}

/**
 * Asks somebody for the code that a multi-factor authentication device shows now.
 *
 * @param serialNumber serial number or ARN of the device.
 */
export type MfaCodeProvider = (serialNumber: string) => Promise<string> | string

/** Settings of the client that calls the AWS Security Token Service (STS). */
export interface StsClientConfig {
  /**
   * Region whose STS is called, whatever region is configured elsewhere.
   *
   * @default `AWS_REGION`, else `AWS_DEFAULT_REGION`, else the region of the profile, else `us-east-1`
   */
  readonly region?: string | undefined
  /**
   * Profile whose region and endpoint settings (`endpoint_url`, `services`, `use_fips_endpoint`, ...) count.
   *
   * @default `AWS_PROFILE`, else `default`
   */
  readonly profile?: string | undefined
}

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

const list: OptionRow = { takes: 'an array', accepts: Array.isArray }

const paramRows: Readonly<Record<keyof AssumeRoleParams, OptionRow>> = {
  RoleArn: { ...rows.text, isRequired: true },
  RoleSessionName: rows.text,
  ExternalId: rows.text,
  DurationSeconds: integerOption('seconds', 0, Number.MAX_SAFE_INTEGER),
  SerialNumber: rows.text,
  TokenCode: rows.text,
  Policy: rows.text,
  PolicyArns: list,
  Tags: list,
  TransitiveTagKeys: list,
  SourceIdentity: rows.text,
}

const temporaryRows: ProviderRows<FromTemporaryCredentialsOptions> = {
  params: {
    ...objectOption(
      `an object with RoleArn, a string, and nothing but ${Object.keys(paramRows).join(', ')}`,
      paramRows,
    ),
    isRequired: true,
  },
  masterCredentials: {
    takes: 'credentials, or a function that returns such',
    accepts: value => isJsonObject(value) || rows.callback.accepts(value),
  },
  mfaCodeProvider: rows.callback,
  clientConfig: rows.stsClientConfig,
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
  const context = contextOf('fromTemporaryCredentials', options, temporaryRows)
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

const tokenFileRows: ProviderRows<FromTokenFileOptions> = {
  webIdentityTokenFile: rows.text,
  roleArn: rows.text,
  roleSessionName: rows.text,
  clientConfig: rows.stsClientConfig,
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
  const context = contextOf('fromTokenFile', options, tokenFileRows)
  const { environment } = context
  return async () => {
    const tokenFile = options.webIdentityTokenFile ?? variable(environment, TOKEN_FILE_VARIABLE)
    const RoleArn = options.roleArn ?? variable(environment, ROLE_VARIABLE)
    if (tokenFile === undefined) {
      throw notConfigured(`${TOKEN_FILE_VARIABLE} is not set`)
    }
    if (RoleArn === undefined) {
      throw notConfigured(
        `there is a web identity token file and no role to assume with it; set ${ROLE_VARIABLE}`,
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
    const params = { RoleArn, RoleSessionName, WebIdentityToken }
    return callSts('AssumeRoleWithWebIdentity', params, [WebIdentityToken], endpoint, context, undefined)
  }
}

const API_VERSION = '2011-06-15'
const WITHHELD = 'the message repeats secrets of the request and is withheld'
const MAX_MESSAGE_LENGTH = 1000

const REMEDIES: ReadonlyMap<string, string> = new Map([
  [
    'AccessDenied',
    'the trust policy of the role has to name the caller, and the caller may need sts:AssumeRole',
  ],
  ['ExpiredTokenException', 'the token or credentials that the call was made with have expired; renew them'],
  ['IDPRejectedClaim', 'the identity provider does not accept the token; renew it'],
  ['InvalidIdentityToken', 'check the token and the identity provider that IAM knows for it'],
  ['RegionDisabledException', 'activate STS in this region in the account, or configure another region'],
])

/**
 * Assumes a role with other credentials. The call is signed and made three times at most.
 *
 * @param params See {@link AssumeRoleParams}. A parameter that is `undefined` is not sent.
 * @param source Credentials to sign with.
 * @param mfaCodeProvider asked for the code of the device `SerialNumber`, where there is one: last, so that the code is
 *   still the one that the device shows.
 * @returns temporary credentials, with the account of the role.
 * @throws {CredentialsError} when there is no code, or STS refuses, does not answer, or answers with something unreadable.
 *   It ends a chain.
 */
export async function assumeRole(
  params: AssumeRoleParams,
  source: Credentials,
  endpoint: StsEndpoint,
  mfaCodeProvider: MfaCodeProvider | undefined,
  context: ProviderContext,
): Promise<Credentials> {
  const { PolicyArns = [], Tags = [], TransitiveTagKeys = [], SerialNumber, ...single } = params
  const lists: Record<string, string | undefined> = {}
  for (const [index, { arn }] of PolicyArns.entries()) lists[`PolicyArns.member.${index + 1}.arn`] = arn
  for (const [index, { Key, Value }] of Tags.entries()) {
    lists[`Tags.member.${index + 1}.Key`] = Key
    lists[`Tags.member.${index + 1}.Value`] = Value
  }
  for (const [index, key] of TransitiveTagKeys.entries()) lists[`TransitiveTagKeys.member.${index + 1}`] = key
  const TokenCode =
    SerialNumber === undefined || mfaCodeProvider === undefined
      ? params.TokenCode
      : await mfaCode(mfaCodeProvider, SerialNumber, context)
  const secrets = [source.accessKeyId, source.secretAccessKey, source.sessionToken, TokenCode]
  const sent = { ...single, SerialNumber, TokenCode, ...lists }
  return callSts('AssumeRole', sent, secrets, endpoint, context, source)
}

/**
 * Makes a call, three times at most.
 *
 * @param texts which no error may repeat.
 * @param signer credentials to sign with; `undefined` for a call that is not signed.
 */
async function callSts(
  operation: 'AssumeRole' | 'AssumeRoleWithWebIdentity',
  params: Readonly<Record<string, string | number | undefined>> & Pick<AssumeRoleParams, 'RoleArn'>,
  texts: readonly (string | undefined)[],
  { region, settings, places }: StsEndpoint,
  context: ProviderContext,
  signer: Credentials | undefined,
): Promise<Credentials> {
  const { RoleArn, RoleSessionName = `dynamodb-sessions-${context.clock.now()}` } = params
  const form = new URLSearchParams({ Action: operation, Version: API_VERSION })
  for (const [name, value] of Object.entries({ ...params, RoleSessionName })) {
    if (value !== undefined) form.append(name, String(value))
  }
  const failed = `cannot assume the role ${RoleArn} through STS in ${region}`
  const secrets = texts.flatMap(text => text?.trim() || [])
  const send = ({ url, region: called }: StsPlace): Promise<TransportResponse> =>
    callService(
      {
        name: `sts:${operation}`,
        method: 'POST',
        url,
        settings,
        headers: () => [['content-type', 'application/x-www-form-urlencoded']],
        body: form.toString(),
        ...(signer !== undefined && { signing: { credentials: signer, region: called, service: 'sts' } }),
        // The call that needs the credentials is to have some time left.
        ...(places.length > 1 && { deadlineMs: context.deadlineMs / (places.length + 1) }),
        readFailure: refusal => failureOf(refusal, secrets),
      },
      context,
    )
  const response = await sendToFirstWell(places, send).catch(
    failing(failed, ({ awsCode }) => {
      const remedy = REMEDIES.get(awsCode)
      return remedy === undefined ? '' : ` (${remedy})`
    }),
  )
  const result = elementAt(readXml(response.body.toString()), `${operation}Response`, `${operation}Result`)
  const keys = elementAt(result, 'Credentials')
  const credentials = temporaryCredentials({
    accessKeyId: textAt(keys, 'AccessKeyId'),
    secretAccessKey: textAt(keys, 'SecretAccessKey'),
    sessionToken: textAt(keys, 'SessionToken'),
    expiration: instantOf(textAt(keys, 'Expiration')),
    accountId: accountOf(textAt(result, 'AssumedRoleUser', 'Arn')),
  })
  if (credentials !== undefined) return credentials
  throw new CredentialsError(
    `${failed}: the response is not a complete ${operation}Response; the server at the configured endpoint may not ` +
      'be STS',
  )
}

/** Asks STS in one Region after the other, for as long as none responds. */
async function sendToFirstWell(
  [place, ...others]: StsEndpoint['places'],
  send: (place: StsPlace) => Promise<TransportResponse>,
): Promise<TransportResponse> {
  try {
    return await send(place)
  } catch (error) {
    const [next, ...rest] = others
    if (next === undefined || !isOutage(error)) throw error
    return sendToFirstWell([next, ...rest], send)
  }
}

/** Whether STS did not respond, or not with what it has decided. */
function isOutage(error: unknown): boolean {
  if (error instanceof ServiceCallError) {
    return error.failure.statusCode >= 500 && retryKindOfAnswer(error.failure) !== 'throttling'
  }
  return error instanceof TransportError || error instanceof DeadlineExceededError
}

function accountOf(arn: string | undefined): string | undefined {
  const account = arn?.split(':')[4]
  // It becomes a part of host names, so that nothing else than an account ID will do.
  return account !== undefined && /^\d{12}$/.test(account) ? account : undefined
}

function failureOf({ statusCode, body }: TransportResponse, secrets: readonly string[]): ServiceFailure {
  const error = elementAt(readXml(body.toString()), 'ErrorResponse', 'Error')
  const message = textAt(error, 'Message') ?? ''
  return {
    statusCode,
    awsCode: codeIn(textAt(error, 'Code'), secrets) ?? 'Unknown',
    message: repeats(message, secrets) ? WITHHELD : foreignText(message, MAX_MESSAGE_LENGTH),
  }
}

/** A signature that does not match is answered with the request as STS saw it, session token included. */
function repeats(text: string, secrets: readonly string[]): boolean {
  return secrets.some(secret => {
    const asSent = new URLSearchParams([['', secret]]).toString().slice(1)
    return text.includes(secret) || text.includes(asSent)
  })
}

async function mfaCode(
  provider: MfaCodeProvider,
  serialNumber: string,
  { pending }: ProviderContext,
): Promise<string> {
  let code: unknown
  try {
    code = await pending.step(`the code of the MFA device ${serialNumber}`, () => provider(serialNumber))
  } catch (cause) {
    throw new CredentialsError(`the MFA code callback failed for the device ${serialNumber}`, { cause })
  }
  if (typeof code === 'string' && code !== '') return code
  throw new CredentialsError(`the MFA code callback returned no code for the device ${serialNumber}`)
}

/** STS in one Region. */
interface StsPlace {
  /** Absolute URL with a final `/`. */
  readonly url: string
  /** A real region, without `fips-`: calls are signed for it. */
  readonly region: string
}

/** Where the AWS Security Token Service (STS) is called. */
interface StsEndpoint {
  /** The Region that is asked first. */
  readonly region: string
  /** Where STS is called, in order of preference. */
  readonly places: readonly [StsPlace, ...StsPlace[]]
  /** Whose settings of calls count. */
  readonly settings: SettingsSource
}

const FALLBACK_REGION = 'us-east-1'

/**
 * Finds STS: the endpoint that is configured for it (`AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`, the profile's
 * `services` section or `endpoint_url`), else that of the region.
 *
 * Where nothing names a region, it is `us-east-1`, and the process is warned. When it does not respond, STS in the Regions is
 * called that the option `failover` of a store names.
 *
 * @throws {CredentialsError} when the region or the endpoint is unusable.
 */
export function stsEndpoint(
  { environment, failoverRegions = [] }: ProviderContext,
  config: SharedConfig,
  { region: given, profile: givenProfile }: StsClientConfig,
): StsEndpoint {
  const selected = selectedProfile(environment).name
  const profile = givenProfile ?? selected
  const region =
    [
      given,
      regionFromEnvironment(environment)?.value,
      config.profiles.get(profile)?.get('region'),
      config.profiles.get(selected)?.get('region'),
    ].find(Boolean) ?? fallbackRegion()
  const settings = { environment, config, profile }
  const placeIn = (name: string): StsPlace => ({
    url: operationUrl('sts', name, settings, ''),
    region: realRegion(name).name,
  })
  const place = placeIn(region)
  // A configured endpoint is one for all Regions.
  const others = configuredEndpoint('sts', settings) === undefined ? failoverRegions.map(placeIn) : []
  const places = [place, ...others.filter(other => other.region !== place.region)] as const
  return { region: place.region, places, settings }
}

function fallbackRegion(): string {
  warn(`no region is configured, so STS is called in ${FALLBACK_REGION}; set AWS_REGION`)
  return FALLBACK_REGION
}
