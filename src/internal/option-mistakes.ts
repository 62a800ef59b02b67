import { invalidOption } from '../errors.ts'
import { isJsonObject, type JsonObject } from './core-objects.ts'
import { closestMatch, didYouMean } from './message-text.ts'

/** What messages need to know of an option. */
export interface DescribedOption {
  /** What the option takes, to complete the sentence `option "x" must be ...`. */
  readonly takes: string
  /** What its environment variable takes, where that is put in other words. */
  readonly takesAsText?: string
  /** Whether a value is acceptable. */
  accepts(value: unknown): boolean
  /** The words that it takes. */
  readonly words?: readonly string[]
  /** The form of wrong strings that a message may repeat. All others are withheld: they may be secrets that slipped in. */
  readonly shown?: RegExp
  /** What was probably meant by a wrong value that a message repeats. */
  readonly meant?: (value: unknown) => string | undefined
  /**
   * What is wrong with a value, for options that can say more than what they take: a clause with a subject of its own, which
   * repeats nothing of the value but what rows have {@link shown}.
   */
  readonly problem?: (value: unknown) => string | undefined
  /** Whether an object has to have it. */
  readonly isRequired?: boolean
  /** The options of an object that it takes. */
  readonly members?: Rows
}

type Rows = Readonly<Record<string, DescribedOption>>

/** Stands for a variable of blanks: no option accepts a symbol. */
export const BLANKS: unique symbol = Symbol('blanks')

/** What is wrong with the value of an option. The message does not repeat what may be secret. */
export function mistakeIn(option: string, row: DescribedOption, value: unknown): string {
  return `${option} must be ${row.takes}; received ${kindOf(value, row)}${problemIn(value, row)}`
}

/** What kind of a value it is, in words; and what is wrong in it. */
export function kindOf(value: unknown, row: Partial<DescribedOption> = {}): string {
  const { members } = row
  if (value === null) return 'null'
  if (Array.isArray(value)) {
    // What comes of [process.env.NAME].
    const isUnset = value.includes(undefined)
    return `an array${isUnset ? ' with undefined in it: the variable that it comes from is not set' : ''}`
  }
  if (typeof value === 'string') {
    return value === '' ? 'an empty string' : stringInWords(value, 'a string', row)
  }
  if (typeof value === 'number') return `the number ${value}`
  if (value === undefined) return 'nothing'
  if (typeof value === 'boolean') return String(value)
  const trouble = members && isJsonObject(value) ? wrongMember(value, members) : undefined
  return trouble === undefined ? `a value of type ${typeof value}` : `an object ${trouble}`
}

/** The same of a value that was read from the string of a variable. */
export function receivedText(value: unknown, row: DescribedOption): string {
  if (value === BLANKS) return 'received nothing but blanks'
  if (typeof value === 'number' && !Number.isNaN(value)) return `received ${kindOf(value)}`
  if (typeof value === 'string') return `received ${stringInWords(value, 'another value', row)}`
  const ofMembers = Object.entries(row.members ?? {}).map(([name, member]) =>
    isJsonObject(value) ? problemIn(value[name], member) : '',
  )
  return `received another value${problemIn(value, row)}${ofMembers.join('')}`
}

function problemIn(value: unknown, { problem }: DescribedOption): string {
  const text = problem?.(value)
  return text === undefined ? '' : `: ${text}`
}

/** A wrong string: as it is where it looks like no secret, and with what was probably meant. */
function stringInWords(
  value: string,
  otherwise: string,
  { words = [], shown, meant }: Partial<DescribedOption>,
): string {
  const isShown = shown?.test(value) === true
  const candidate = closestMatch(value, words) ?? (isShown ? meant?.(value) : undefined)
  return (isShown ? `'${value}'` : otherwise) + didYouMean(candidate)
}

/** The error about an option that there is not, with what was probably meant. */
export function unknownOption(lead: string, name: string, listed: string, rows: Rows): TypeError {
  const known = Object.keys(rows)
  const hint = counterpartOf(name, Object.hasOwn(rows, 'partitionKey')) ?? didYouMean(suggestion(name, rows))
  return invalidOption(`${lead} "${name}"${hint === '' ? ` (${listedNames(listed, known)})` : hint}`)
}

/** As many names as a reader looks through; what has more is a store, or takes the options of one. */
const MOST_LISTED = 16

function listedNames(listed: string, names: readonly string[]): string {
  return names.length > MOST_LISTED ? 'docs/options.md has all options' : `${listed} are: ${names.join(', ')}`
}

/**
 * What is wrong with the first wrong one of a list, if there is one.
 *
 * @param each what one of them is called.
 */
export function problemInList(list: unknown, each: string, row: DescribedOption): string | undefined {
  if (!Array.isArray(list)) return undefined
  const values: readonly unknown[] = list
  const index = values.findIndex(value => !row.accepts(value))
  if (index === -1) return undefined
  const name = `${each} number ${index + 1}`
  const value = values[index]
  for (const [key, member] of isJsonObject(value) ? Object.entries(row.members ?? {}) : []) {
    const given = (value as JsonObject)[key]
    if (given !== undefined && !member.accepts(given)) return mistakeIn(`"${key}" of ${name}`, member, given)
  }
  return mistakeIn(name, row, value)
}

/** What is wrong with an object of options; `undefined` for one that has no others, none of them wrong, and all it has to. */
export function wrongMember(value: JsonObject, rows: Rows): string | undefined {
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue
    const row = Object.hasOwn(rows, name) ? rows[name] : undefined
    if (row === undefined) return `with an unknown "${name}"${didYouMean(suggestion(name, rows))}`
    if (row.accepts(member)) continue
    const problem = row.problem?.(member)
    return `whose ${problem ?? mistakeIn(`"${name}"`, row, member)}`
  }
  const missing = missingIn(value, rows)
  return missing && `without "${missing[0]}"`
}

/** The first required option that is missing. */
export function missingIn(value: JsonObject, rows: Rows): [name: string, row: DescribedOption] | undefined {
  return Object.entries(rows).find(
    ([name, { isRequired }]) => isRequired === true && value[name] === undefined,
  )
}

function suggestion(name: string, rows: Rows): string | undefined {
  const match = closestMatch(name, Object.keys(rows))
  return match && `"${match}"`
}

/**
 * What stands here for an option of the AWS SDK's clients, or of other session stores, as the end of a sentence.
 *
 * @param isStore whether the options are those of a store.
 */
function counterpartOf(name: string, isStore: boolean): string | undefined {
  const ofSdk = found(SDK_COUNTERPARTS, name)
  if (ofSdk !== undefined) return `, as clients of the AWS SDK have it: ${ofSdk}`
  const ofStore = isStore ? found(STORE_COUNTERPARTS, name) : undefined
  return ofStore && `, as other stores have it: ${ofStore}`
}

/** By the names of the options; where several have one counterpart, with bars between. */
const SDK_COUNTERPARTS: Readonly<Record<string, string>> = {
  'requestHandler|httpOptions|httpAgent|httpsAgent|agent':
    'set "connectTimeoutMs", "attemptTimeoutMs", "maxSockets", "ca" or "proxy", or pass a "transport"',
  'connectionTimeout|connectTimeout': 'set "connectTimeoutMs"',
  'requestTimeout|socketTimeout|timeout': 'set "attemptTimeoutMs" or "deadlineMs"',
  useFipsEndpoint: 'set AWS_USE_FIPS_ENDPOINT=true, or use_fips_endpoint in the profile',
  'useDualstackEndpoint|useDualStack':
    'set AWS_USE_DUALSTACK_ENDPOINT=true, or use_dualstack_endpoint in the profile',
  accountIdEndpointMode: 'set AWS_ACCOUNT_ID_ENDPOINT_MODE, or account_id_endpoint_mode in the profile',
  'retryStrategy|retryMode|defaultsMode': 'the retry mode is standard; set "maxAttempts" and "deadlineMs"',
  maxRetries: 'set "maxAttempts", which counts the first attempt, too',
  logger: 'subscribe to the diagnostics channels: docs/observability.md',
  'customUserAgent|userAgentAppId|defaultUserAgentProvider':
    'set AWS_SDK_UA_APP_ID, or sdk_ua_app_id in the profile',
  'tls|sslEnabled': 'say http:// or https:// in "endpoint"',
  'credentialDefaultProvider|credentialProvider': 'pass it as "credentials"',
  'accessKeyId|secretAccessKey|sessionToken':
    'pass "credentials", an object with accessKeyId and secretAccessKey',
  'systemClockOffset|correctClockSkew': 'a wrong clock is corrected by itself; for tests set "clock"',
  'endpointProvider|urlParser|endpointDiscoveryEnabled|endpointCacheSize': 'set "endpoint"',
  'client|documentClient|dynamoDBClient':
    'the store has its own client; set "region", "endpoint" and "credentials"',
}

/** The same for the options of other session stores. */
const STORE_COUNTERPARTS: Readonly<Record<string, string>> = {
  'hashKey|partitionKeyName|keyName|idAttribute': 'set "partitionKey"',
  'AWSConfigJSON|AWSConfigPath|dynamoConfig|awsConfig': 'set "region", "endpoint" and "credentials"',
  'reapInterval|autoRemove|autoRemoveInterval|checkPeriod':
    'the time to live of the table deletes expired sessions; call collectGarbage() where it has none',
  'readCapacityUnits|writeCapacityUnits|initialized|autoCreate|createTable':
    'create the table once: npx dynamodb-sessions create-table',
  'disableTouch|touchInterval': 'set "touchAfterSeconds"',
  'maxAge|expires|cookieMaxAge|expiration|expiresIn':
    'a session expires with its cookie; else set "ttlSeconds"',
  'crypto|encryptionKey|encryptionKeys': 'set "encryption"',
}

function found(counterparts: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.entries(counterparts).find(([names]) => names.split('|').includes(name))?.[1]
}
