import { CredentialsError, DynamoDBSessionsError } from '../../errors.ts'
import type { ServiceFailure } from '../http/error-classification.ts'
import type { TransportResponse } from '../http/transport.ts'
import type { Credentials } from '../../types.ts'
import { isCredentials } from '../config/credentials-shape.ts'
import { foreignText } from '../../internal/foreign-text.ts'
import { instantOf } from './instant.ts'
import type { ProviderContext } from './provider-context.ts'
import { callService, ServiceCallError, type ServiceCall } from './service-call.ts'
import type { StsEndpoint } from './sts-endpoint.ts'
import { elementAt, readXml, textAt, type XmlElement } from './sts-xml.ts'

/** A tag of the role session, as STS takes it. */
export interface SessionTag {
  readonly Key: string
  readonly Value: string
}

/** A managed policy that limits the role session further. */
export interface PolicyDescriptor {
  readonly arn?: string | undefined
}

/** What `sts:AssumeRole` takes, in its own names. */
export interface AssumeRoleParams {
  /** ARN of the role to assume. */
  readonly RoleArn: string
  /** Name of the role session, which CloudTrail shows. */
  readonly RoleSessionName: string
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

/** What `sts:AssumeRoleWithWebIdentity` takes, in its own names. */
export interface AssumeRoleWithWebIdentityParams {
  /** ARN of the role to assume. */
  readonly RoleArn: string
  /** Name of the role session, which CloudTrail shows. */
  readonly RoleSessionName: string
  /** OpenID Connect or OAuth 2.0 token of the identity provider, as it is. */
  readonly WebIdentityToken: string
}

interface StsCall {
  readonly operation: 'AssumeRole' | 'AssumeRoleWithWebIdentity'
  readonly roleArn: string
  readonly fields: URLSearchParams
  readonly signer: Credentials | undefined
  /** Texts that no error may repeat. */
  readonly secrets: readonly string[]
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
 * @returns temporary credentials, with the account of the role.
 * @throws {CredentialsError} when STS refuses, does not answer, or answers with something unreadable. It ends a chain.
 */
export async function assumeRole(
  params: AssumeRoleParams,
  source: Credentials,
  endpoint: StsEndpoint,
  context: ProviderContext,
): Promise<Credentials> {
  const { PolicyArns = [], Tags = [], TransitiveTagKeys = [], ...single } = params
  const fields = formOf('AssumeRole', single)
  for (const [index, { arn }] of PolicyArns.entries()) {
    if (arn !== undefined) fields.append(`PolicyArns.member.${index + 1}.arn`, arn)
  }
  for (const [index, { Key, Value }] of Tags.entries()) {
    fields.append(`Tags.member.${index + 1}.Key`, Key)
    fields.append(`Tags.member.${index + 1}.Value`, Value)
  }
  for (const [index, key] of TransitiveTagKeys.entries()) {
    fields.append(`TransitiveTagKeys.member.${index + 1}`, key)
  }
  const secrets = [
    source.accessKeyId,
    source.secretAccessKey,
    source.sessionToken ?? '',
    params.TokenCode ?? '',
  ]
  return callSts(
    { operation: 'AssumeRole', roleArn: params.RoleArn, fields, signer: source, secrets },
    endpoint,
    context,
  )
}

/**
 * Assumes a role with a token of an identity provider. The call is not signed, and made three times at most.
 *
 * @returns temporary credentials, with the account of the role.
 * @throws {CredentialsError} when STS refuses, does not answer, or answers with something unreadable. It ends a chain.
 */
export async function assumeRoleWithWebIdentity(
  params: AssumeRoleWithWebIdentityParams,
  endpoint: StsEndpoint,
  context: ProviderContext,
): Promise<Credentials> {
  const fields = formOf('AssumeRoleWithWebIdentity', { ...params })
  return callSts(
    {
      operation: 'AssumeRoleWithWebIdentity',
      roleArn: params.RoleArn,
      fields,
      signer: undefined,
      secrets: [params.WebIdentityToken],
    },
    endpoint,
    context,
  )
}

/** Name of a role session that nothing has named: `dynamodb-sessions-` and the time in milliseconds. */
export function defaultRoleSessionName({ clock }: ProviderContext): string {
  return `dynamodb-sessions-${clock.now()}`
}

function formOf(
  action: StsCall['operation'],
  parameters: Readonly<Record<string, string | number | undefined>>,
): URLSearchParams {
  const form = new URLSearchParams({ Action: action, Version: API_VERSION })
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) form.append(name, String(value))
  }
  return form
}

async function callSts(call: StsCall, endpoint: StsEndpoint, context: ProviderContext): Promise<Credentials> {
  const { operation, roleArn, fields, signer, secrets } = call
  const { url, region, profile } = endpoint
  const serviceCall: ServiceCall = {
    name: `sts:${operation}`,
    method: 'POST',
    url,
    profile,
    headers: [['content-type', 'application/x-www-form-urlencoded']],
    body: fields.toString(),
    ...(signer !== undefined && { signing: { credentials: signer, region, service: 'sts' } }),
    readFailure: response => failureOf(response, secrets),
  }
  const failed = (error: DynamoDBSessionsError | ServiceCallError, remedy?: string): CredentialsError => {
    const advice = remedy === undefined ? '' : ` (${remedy})`
    return new CredentialsError(
      `cannot assume the role ${roleArn} through STS in ${region}: ${error.message}${advice}`,
      { cause: error },
    )
  }

  let response: TransportResponse
  try {
    response = await callService(serviceCall, context)
  } catch (error) {
    if (error instanceof ServiceCallError) throw failed(error, REMEDIES.get(error.failure.awsCode))
    if (error instanceof DynamoDBSessionsError) throw failed(error)
    throw error
  }
  const credentials = credentialsIn(readXml(response.body.toString()), operation)
  if (credentials !== undefined) return credentials
  throw new CredentialsError(
    `cannot assume the role ${roleArn} through STS in ${region}: the answer is not a complete ${operation}Response; ` +
      'whatever answers at the configured endpoint may not be STS',
  )
}

function credentialsIn(root: XmlElement | undefined, operation: string): Credentials | undefined {
  if (root?.name !== `${operation}Response`) return undefined
  const result = elementAt(root, `${operation}Result`)
  const keys = elementAt(result, 'Credentials')
  const expiration = instantOf(textAt(keys, 'Expiration'))
  const accountId = accountOf(textAt(result, 'AssumedRoleUser', 'Arn'))
  const sessionToken = textAt(keys, 'SessionToken')
  if (expiration === undefined || sessionToken === undefined) return undefined
  const credentials = {
    accessKeyId: textAt(keys, 'AccessKeyId'),
    secretAccessKey: textAt(keys, 'SecretAccessKey'),
    sessionToken,
    expiration,
    ...(accountId !== undefined && { accountId }),
  }
  return isCredentials(credentials) ? credentials : undefined
}

function accountOf(arn: string | undefined): string | undefined {
  const account = arn?.split(':')[4]
  // It becomes a part of host names, so that nothing else than an account ID will do.
  return account !== undefined && /^\d{12}$/.test(account) ? account : undefined
}

function failureOf({ statusCode, body }: TransportResponse, secrets: readonly string[]): ServiceFailure {
  const root = readXml(body.toString())
  const error = root?.name === 'ErrorResponse' ? elementAt(root, 'Error') : undefined
  const code = textAt(error, 'Code') ?? ''
  const isCode = /^[A-Za-z][\w.]{0,99}$/.test(code) && !repeats(code, secrets)
  const message = textAt(error, 'Message') ?? ''
  return {
    statusCode,
    awsCode: isCode ? code : 'Unknown',
    message: repeats(message, secrets) ? WITHHELD : foreignText(message, MAX_MESSAGE_LENGTH),
  }
}

/** A signature that does not match is answered with the request as STS saw it, session token included. */
function repeats(text: string, secrets: readonly string[]): boolean {
  return secrets.some(secret => {
    const plain = secret.trim()
    const asSent = new URLSearchParams([['', plain]]).toString().slice(1)
    return plain !== '' && (text.includes(plain) || text.includes(asSent))
  })
}
