import { CredentialsError } from '../../errors.ts'
import { foreignText } from '../../internal/foreign-text.ts'
import type { Credentials } from '../../types.ts'
import { regionFromEnvironment } from '../config/environment.ts'
import { realRegion } from '../config/partitions.ts'
import { selectedProfile, type SettingsSource, type SharedConfig } from '../config/shared-config.ts'
import type { ServiceFailure } from '../http/retry.ts'
import type { TransportResponse } from '../http/transport.ts'
import { temporaryCredentials } from './credentials-document.ts'
import { instantOf, type ProviderContext } from './provider.ts'
import { callService, codeIn, failing, operationUrl } from './service-call.ts'

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
 * Assumes a role with a token of an identity provider. The call is not signed, and made three times at most.
 *
 * @returns temporary credentials, with the account of the role.
 * @throws {CredentialsError} when STS refuses, does not answer, or answers with something unreadable. It ends a chain.
 */
export function assumeRoleWithWebIdentity(
  params: AssumeRoleWithWebIdentityParams,
  endpoint: StsEndpoint,
  context: ProviderContext,
): Promise<Credentials> {
  const secrets = [params.WebIdentityToken]
  return callSts('AssumeRoleWithWebIdentity', { ...params }, secrets, endpoint, context, undefined)
}

/**
 * @param texts which no error may repeat.
 * @param signer credentials to sign with; `undefined` for a call that is not signed.
 */
async function callSts(
  operation: 'AssumeRole' | 'AssumeRoleWithWebIdentity',
  params: Readonly<Record<string, string | number | undefined>> & Pick<AssumeRoleParams, 'RoleArn'>,
  texts: readonly (string | undefined)[],
  { url, region, settings }: StsEndpoint,
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
  ).catch(
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
    `${failed}: the answer is not a complete ${operation}Response; whatever answers at the configured endpoint may not ` +
      'be STS',
  )
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

/**
 * Asks somebody for the code that a multi-factor authentication device shows now.
 *
 * @param serialNumber serial number or ARN of the device.
 */
export type MfaCodeProvider = (serialNumber: string) => Promise<string> | string

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
    ].find(Boolean) ?? fallbackRegion()
  const settings = { environment, config, profile }
  return { url: operationUrl('sts', region, settings, ''), region: realRegion(region).name, settings }
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
  readonly children: XmlElement[]
  /** Text with its references decoded and nothing trimmed; empty for an element that holds elements. */
  text: string
}

const MAX_DEPTH = 16
const NAME = '[A-Za-z_][\\w.:-]*'
const ATTRIBUTE = `\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*')`
const DECLARATION = /^\uFEFF?(?:<\?xml\s[^<>?]*\?>)?/
/** What comes next: text, a tag that starts an element (and ends it, with the slash), or one that ends it. */
const TOKEN = new RegExp(
  `(?<characters>[^<]+)|<(?<start>${NAME})(?:${ATTRIBUTE})*\\s*(?<slash>/?)>|</(?<end>${NAME})\\s*>`,
  'y',
)
const REFERENCE = /&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|(amp|lt|gt|quot|apos));|&/g

const NAMED_REFERENCES: ReadonlyMap<string | undefined, string> = new Map([
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
 * @returns an element that holds the root element alone, or `undefined` when the text is not such a document.
 */
export function readXml(text: string): XmlElement | undefined {
  const document: XmlElement = { name: '', children: [], text: '' }
  const open = [document]
  TOKEN.lastIndex = DECLARATION.exec(text)?.[0].length ?? 0
  while (TOKEN.lastIndex < text.length) {
    const parent = open.at(-1)
    const { characters, start, slash, end } = TOKEN.exec(text)?.groups ?? {}
    if (parent === undefined) return undefined
    if (characters !== undefined) {
      const decoded = decodeReferences(characters)
      if (decoded === undefined) return undefined
      parent.text += decoded
    } else if (start !== undefined) {
      const element: XmlElement = { name: start, children: [], text: '' }
      parent.children.push(element)
      if (slash === '' && open.push(element) > MAX_DEPTH) return undefined
    } else if (end !== parent.name || !holdsOneKind(parent)) {
      return undefined
    } else {
      open.pop()
    }
  }
  const isComplete = open.length === 1 && document.children.length === 1 && holdsOneKind(document)
  return isComplete ? document : undefined
}

/**
 * The element at the end of a path of child names.
 *
 * @returns `undefined` when a step of the path is missing, or is there more than once.
 */
export function elementAt(root: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  let element = root
  for (const name of path) {
    const matches = element?.children.filter(child => child.name === name) ?? []
    element = matches.length === 1 ? matches[0] : undefined
  }
  return element
}

/** The text of the element at the end of a path; `undefined` when it is missing, ambiguous, empty or no text. */
export function textAt(root: XmlElement | undefined, ...path: readonly string[]): string | undefined {
  return elementAt(root, ...path)?.text || undefined
}

/** Whether an element holds text or elements, not both. Blanks between elements are dropped. */
function holdsOneKind(element: XmlElement): boolean {
  if (element.children.length === 0) return true
  const isBlank = element.text.trim() === ''
  element.text = ''
  return isBlank
}

function decodeReferences(text: string): string | undefined {
  let isValid = true
  const decoded = text.replaceAll(REFERENCE, (_, decimal?: string, hexadecimal?: string, name?: string) => {
    const codePoint = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal)
    const isCharacter =
      codePoint > 0 && codePoint <= 0x10_ff_ff && !(codePoint >= 0xd8_00 && codePoint <= 0xdf_ff)
    const character = isCharacter ? String.fromCodePoint(codePoint) : NAMED_REFERENCES.get(name)
    isValid &&= character !== undefined
    return character ?? ''
  })
  return isValid ? decoded : undefined
}
