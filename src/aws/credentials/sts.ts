import { isCredentials } from '../sigv4/sign.ts'
import { regionFromEnvironment } from '../config/environment.ts'
import { realRegion } from '../config/partitions.ts'
import { callUrl } from '../config/service-endpoint.ts'
import { selectedProfile, type SettingsSource, type SharedConfig } from '../config/shared-config.ts'
import { parseEndpoint } from '../http/endpoint.ts'
import type { ServiceFailure } from '../http/retry.ts'
import type { TransportResponse } from '../http/transport.ts'
import { ConfigurationError, CredentialsError, DynamoDBSessionsError } from '../../errors.ts'
import { foreignText } from '../../internal/foreign-text.ts'
import type { Credentials } from '../../types.ts'
import { instantOf, type ProviderContext } from './provider.ts'
import { callService, ServiceCallError } from './service-call.ts'

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

/** What `sts:AssumeRoleWithWebIdentity` takes, in its own names. */
export interface AssumeRoleWithWebIdentityParams extends Pick<
  AssumeRoleParams,
  'RoleArn' | 'RoleSessionName'
> {
  /** The OpenID Connect token. */
  readonly WebIdentityToken: string
}

/** One call, besides where it goes. */
interface StsCall {
  readonly operation: 'AssumeRole' | 'AssumeRoleWithWebIdentity'
  readonly params: Readonly<Record<string, string | number | undefined>> & Pick<AssumeRoleParams, 'RoleArn'>
  /** Credentials to sign with; absent for a call that is not signed. */
  readonly signer?: Credentials
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
  const lists: Record<string, string | undefined> = {}
  for (const [index, { arn }] of PolicyArns.entries()) lists[`PolicyArns.member.${index + 1}.arn`] = arn
  for (const [index, { Key, Value }] of Tags.entries()) {
    lists[`Tags.member.${index + 1}.Key`] = Key
    lists[`Tags.member.${index + 1}.Value`] = Value
  }
  for (const [index, key] of TransitiveTagKeys.entries()) lists[`TransitiveTagKeys.member.${index + 1}`] = key
  const { accessKeyId, secretAccessKey, sessionToken = '' } = source
  const secrets = [accessKeyId, secretAccessKey, sessionToken, params.TokenCode ?? '']
  const call: StsCall = { operation: 'AssumeRole', params: { ...single, ...lists }, signer: source, secrets }
  return callSts(call, endpoint, context)
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
  const call: StsCall = {
    operation: 'AssumeRoleWithWebIdentity',
    params: { ...params },
    secrets: [params.WebIdentityToken],
  }
  return callSts(call, endpoint, context)
}

async function callSts(call: StsCall, endpoint: StsEndpoint, context: ProviderContext): Promise<Credentials> {
  const { operation, params, signer, secrets } = call
  const { url, region, settings } = endpoint
  const { RoleArn, RoleSessionName = `dynamodb-sessions-${context.clock.now()}` } = params
  const form = new URLSearchParams({ Action: operation, Version: API_VERSION })
  for (const [name, value] of Object.entries({ ...params, RoleSessionName })) {
    if (value !== undefined) form.append(name, String(value))
  }
  const failed = `cannot assume the role ${RoleArn} through STS in ${region}`
  const response = await callService(
    {
      name: `sts:${operation}`,
      method: 'POST',
      url,
      settings,
      headers: () => [['content-type', 'application/x-www-form-urlencoded']],
      body: form.toString(),
      ...(signer !== undefined && { signing: { credentials: signer, region, service: 'sts' } }),
      readFailure: refusal => failureOf(refusal, secrets),
    },
    context,
  ).catch((cause: unknown) => {
    if (!(cause instanceof DynamoDBSessionsError)) throw cause
    const remedy = cause instanceof ServiceCallError ? REMEDIES.get(cause.failure.awsCode) : undefined
    const advice = remedy === undefined ? '' : ` (${remedy})`
    throw new CredentialsError(`${failed}: ${cause.message}${advice}`, { cause })
  })
  const credentials = credentialsIn(readXml(response.body.toString()), operation)
  if (credentials !== undefined) return credentials
  throw new CredentialsError(
    `${failed}: the answer is not a complete ${operation}Response; whatever answers at the configured endpoint may not ` +
      'be STS',
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

/**
 * Asks somebody for the code that a multi-factor authentication device shows now.
 *
 * @param serialNumber serial number or ARN of the device.
 */
export type MfaCodeProvider = (serialNumber: string) => Promise<string> | string

/**
 * The code that a device shows now.
 *
 * @throws {CredentialsError} when the callback fails or returns no text.
 */
export async function mfaCode(
  provider: MfaCodeProvider,
  serialNumber: string,
  { pending }: Pick<ProviderContext, 'pending'>,
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

/** Where the AWS Security Token Service (STS) is called, and the region that calls are signed for. */
export interface StsEndpoint {
  /** Absolute URL with a final `/`. */
  readonly url: string
  /** A real region, without `fips-`. */
  readonly region: string
  /** Whose settings of calls count. */
  readonly settings: SettingsSource
}

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

const FALLBACK_REGION = 'us-east-1'

/**
 * Finds STS: the endpoint that is configured for it (`AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`, the profile's
 * `services` section or `endpoint_url`), else that of the region.
 *
 * Where nothing names a region, it is `us-east-1`, and the process is warned.
 *
 * @throws {CredentialsError} when the region or the endpoint is unusable.
 */
export function stsEndpoint(
  { environment }: ProviderContext,
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
    ].find(isSet) ?? fallbackRegion()
  const settings = { environment, config, profile }
  try {
    const { origin, path } = parseEndpoint(callUrl('sts', region, settings))
    return { url: origin + path, region: realRegion(region).name, settings }
  } catch (cause) {
    if (!(cause instanceof ConfigurationError)) throw cause
    throw new CredentialsError(`STS cannot be called: ${cause.message}`, { cause })
  }
}

function isSet(region: string | undefined): region is string {
  return region !== undefined && region !== ''
}

function fallbackRegion(): string {
  process.emitWarning(
    `no region is configured, so STS is called in ${FALLBACK_REGION}; set AWS_REGION`,
    'DynamoDBSessionsWarning',
  )
  return FALLBACK_REGION
}

/** An XML element that holds either text or other elements. */
export interface XmlElement {
  readonly name: string
  /** Text with its references decoded and nothing trimmed; empty for an element that holds elements. */
  readonly text: string
  readonly children: readonly XmlElement[]
}

interface OpenElement {
  readonly name: string
  readonly children: XmlElement[]
  text: string
}

const MAX_DEPTH = 16
const NAME = '[A-Za-z_][\\w.:-]*'
const ATTRIBUTE = `\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*')`
const DECLARATION = /^\uFEFF?(?:<\?xml\s[^<>?]*\?>)?/
const START_TAG = new RegExp(`<(${NAME})(?:${ATTRIBUTE})*\\s*(/?)>`, 'y')
const END_TAG = new RegExp(`</(${NAME})\\s*>`, 'y')
const TEXT = /[^<]+/y
const REFERENCE = /&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|(amp|lt|gt|quot|apos));|&/g

const NAMED_REFERENCES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

/**
 * Reads an XML document of the kind that the AWS query protocol answers with: elements, text, the five named
 * references and numeric ones. Attributes and namespaces are skipped.
 *
 * Anything else is refused rather than guessed at: a document that is cut short, tags that do not match, text beside
 * elements, unknown references, and also what the protocol never uses (document types, comments, CDATA).
 *
 * @returns the root element, or `undefined` when the text is not such a document.
 */
export function readXml(text: string): XmlElement | undefined {
  const document: OpenElement = { name: '', children: [], text: '' }
  const open: OpenElement[] = [document]
  let position = DECLARATION.exec(text)?.[0].length ?? 0

  const matchHere = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position
    const match = pattern.exec(text)
    if (match !== null) position = pattern.lastIndex
    return match
  }

  while (position < text.length) {
    const parent = open.at(-1)
    if (parent === undefined) return undefined
    const characters = matchHere(TEXT)?.[0]
    if (characters !== undefined) {
      const decoded = decodeReferences(characters)
      if (decoded === undefined) return undefined
      parent.text += decoded
      continue
    }
    const start = matchHere(START_TAG)
    if (start !== null) {
      const element: OpenElement = { name: start[1] ?? '', children: [], text: '' }
      parent.children.push(element)
      if (start[2] === '' && open.push(element) > MAX_DEPTH) return undefined
      continue
    }
    if (matchHere(END_TAG)?.[1] !== parent.name || !holdsOneKind(parent)) return undefined
    open.pop()
  }
  const isComplete = open.length === 1 && document.children.length === 1 && document.text.trim() === ''
  return isComplete ? document.children[0] : undefined
}

/**
 * The element at the end of a path of child names.
 *
 * @returns `undefined` when a step of the path is missing, or is there more than once.
 */
export function elementAt(root: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  let element = root
  for (const name of path) {
    const matches: readonly XmlElement[] = element?.children.filter(child => child.name === name) ?? []
    element = matches.length === 1 ? matches[0] : undefined
  }
  return element
}

/** The text of the element at the end of a path; `undefined` when it is missing, ambiguous, empty or no text. */
export function textAt(root: XmlElement | undefined, ...path: readonly string[]): string | undefined {
  const text = elementAt(root, ...path)?.text
  return text === '' ? undefined : text
}

/** Whether an element holds text or elements, not both. Blanks between elements are dropped. */
function holdsOneKind(element: OpenElement): boolean {
  if (element.children.length === 0) return true
  if (element.text.trim() !== '') return false
  element.text = ''
  return true
}

function decodeReferences(text: string): string | undefined {
  let isValid = true
  const decoded = text.replaceAll(REFERENCE, (_, decimal?: string, hexadecimal?: string, name?: string) => {
    const character = name === undefined ? characterOf(decimal, hexadecimal) : NAMED_REFERENCES.get(name)
    isValid &&= character !== undefined
    return character ?? ''
  })
  return isValid ? decoded : undefined
}

function characterOf(decimal: string | undefined, hexadecimal: string | undefined): string | undefined {
  const codePoint = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal)
  const isCharacter =
    codePoint > 0 && codePoint <= 0x10_ff_ff && !(codePoint >= 0xd8_00 && codePoint <= 0xdf_ff)
  return isCharacter ? String.fromCodePoint(codePoint) : undefined
}
