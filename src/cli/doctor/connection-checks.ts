import { loadSharedConfig, selectedProfile } from '../../aws/config/shared-config.ts'
import { placeOf } from '../../aws/credentials/cached-provider.ts'
import { defaultProvider } from '../../aws/credentials/default-provider.ts'
import { formOfProfile } from '../../aws/credentials/ini.ts'
import type { DynamoDBClient } from '../../aws/dynamodb/client.ts'
import { isLoopback, parseEndpoint } from '../../aws/http/endpoint.ts'
import type { Transport, TransportRequest, TransportResponse } from '../../aws/http/transport.ts'
import {
  AccessDeniedError,
  ClockSkewError,
  ConfigurationError,
  CredentialsError,
  DeadlineExceededError,
  DynamoDBError,
  TransportError,
} from '../../errors.ts'
import { codeOf, isError } from '../../internal/core-objects.ts'
import { PendingSteps } from '../../internal/deadline.ts'
import { withTimeout } from '../../internal/timers.ts'
import { serviceTransport } from '../../store/open-client.ts'
import type { TableAccess } from '../../table/table-state.ts'
import type { Credentials, Item } from '../../types.ts'
import type { StoreOptions } from '../../options/store-options.ts'
import type { CommandContext } from '../args.ts'
import { duration, thrownText } from '../output.ts'
import { type Check, check } from './check.ts'

/** The credentials, or why there are none. */
interface FoundCredentials {
  readonly check: Check
  readonly credentials: Credentials | undefined
}

const LONGEST_SEARCH_MS = 60_000
const EXPIRES_SOON_MS = 300_000

const FORMS: Readonly<Record<string, string>> = {
  static: 'static keys',
  role: 'a role that it assumes',
  'web-identity': 'web identity',
  process: 'credential_process',
  sso: 'SSO',
  login: 'aws login',
}

const NO_CREDENTIALS_FIX =
  'on AWS give the task, pod or instance a role; elsewhere set AWS_PROFILE (and run aws sso login, if it is about SSO), or ' +
  'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; DynamoDB Local accepts any values'

/** Looks for credentials where the default chain does, in its order, and says where they were found. */
export async function findCredentials(
  { environment, signal }: CommandContext,
  options: StoreOptions,
): Promise<FoundCredentials> {
  const { profile, region } = options
  const pending = new PendingSteps()
  const context = { environment, pending, serviceTransport: serviceTransport(options, environment) }
  try {
    const credentials = await withTimeout(
      Promise.resolve(defaultProvider({ profile, region, context })()),
      LONGEST_SEARCH_MS,
      signal,
      () => new DeadlineExceededError(`there are none within ${LONGEST_SEARCH_MS} ms: ${pending.describe()}`),
    )
    const place = placeOf(credentials) ?? 'elsewhere'
    const source = place === 'profile' ? await profileInWords(profile, environment) : place
    return { credentials, check: credentialsCheck(credentials, source) }
  } catch (error) {
    if (signal.aborted) throw error
    const skipped = error instanceof CredentialsError ? error.skipped : []
    if (skipped.length === 0) {
      return noCredentials(thrownText(error), 'mend that, or remove it so that other places are looked at')
    }
    const reasons = skipped.map(({ provider, reason }) => `${provider}: ${reason}`).join('; ')
    return noCredentials(`there are none (${reasons})`, NO_CREDENTIALS_FIX)
  }
}

function noCredentials(found: string, fix: string): FoundCredentials {
  return { credentials: undefined, check: check('fail', 'credentials', found, fix) }
}

function credentialsCheck({ accessKeyId, expiration, accountId }: Credentials, source: string): Check {
  const account = accountId === undefined ? '' : `, account ${accountId}`
  const found = `from ${source}, access key ending in ${accessKeyId.slice(-4)}${account}`
  if (expiration === undefined) return check('pass', 'credentials', found)
  const remainingMs = expiration.getTime() - Date.now()
  if (remainingMs <= 0) {
    return check('fail', 'credentials', `${found}; they have expired`, 'renew them where they come from')
  }
  const limited = `${found}, for another ${duration(remainingMs)}`
  if (remainingMs >= EXPIRES_SOON_MS || source !== 'environment variables') {
    return check('pass', 'credentials', limited)
  }
  const fix = 'nothing renews credentials in environment variables; use a profile or a role'
  return check('warn', 'credentials', limited, fix)
}

async function profileInWords(
  given: string | undefined,
  environment: CommandContext['environment'],
): Promise<string> {
  const { name } = selectedProfile(environment, given)
  const profile = (await loadSharedConfig(environment)).profiles.get(name)
  const form = profile === undefined ? undefined : FORMS[formOfProfile(profile, false).kind]
  return `the profile "${name}"${form === undefined ? '' : ` (${form})`}`
}

/** Whether requests get to DynamoDB and are accepted there. */
interface Reach {
  readonly check: Check
  /** Why there is no sense in asking more; absent when there is. */
  readonly obstacle?: string
}

const UNSIGNED_TIMEOUT_MS = 5000

/** Sends one request, and tells from the response whether the endpoint is DynamoDB and accepts the credentials. */
export async function checkReach(
  client: DynamoDBClient,
  table: string,
  region: string,
  signal: AbortSignal,
): Promise<Reach> {
  try {
    await client.send('DescribeTable', { TableName: table }, { signal })
  } catch (error) {
    signal.throwIfAborted()
    const unusable = obstacleIn(error, region)
    if (unusable !== undefined) return unusable
  }
  return { check: check('pass', 'connection', 'the endpoint responds and accepts the credentials') }
}

/** Asks without a signature, where there are no credentials: every response tells that the endpoint is there. */
export async function checkReachUnsigned(
  transport: Transport,
  url: string,
  signal: AbortSignal,
): Promise<Reach> {
  const endpoint = parseEndpoint(url)
  const obstacle = 'there are no credentials'
  try {
    await transport.request({
      endpoint,
      method: 'GET',
      path: endpoint.path,
      headers: [['host', endpoint.host]],
      body: '',
      connectTimeoutMs: UNSIGNED_TIMEOUT_MS,
      attemptTimeoutMs: UNSIGNED_TIMEOUT_MS,
      deadlineAtMs: performance.now() + 2 * UNSIGNED_TIMEOUT_MS,
      signal,
    })
    return { check: check('pass', 'connection', 'the endpoint responds'), obstacle }
  } catch (error) {
    signal.throwIfAborted()
    return { check: unreachable(error), obstacle }
  }
}

/** Whether AWS refused the request for what the credentials permit, and not for what they are. */
export function isDenied(error: unknown): boolean {
  return codeOf(error) === 'ACCESS_DENIED'
}

const REJECTED_FIXES: Readonly<Record<AccessDeniedError['code'], string>> = {
  ACCESS_DENIED: 'permit the application what it needs',
  CREDENTIALS_EXPIRED:
    'they have expired: sign in again (aws sso login, aws login), or get new ones where they come from',
  CREDENTIALS_UNKNOWN:
    'renew the keys where they come from: AWS does not know them, they are inactive, or of another partition',
  SIGNATURE_REJECTED:
    'set the secret access key that belongs to the access key ID; it may be cut short, or have blanks around it',
}

/** What a failed request says against asking more; `undefined` where DynamoDB has answered it in earnest. */
function obstacleIn(error: unknown, region: string): Reach | undefined {
  if (error instanceof ConfigurationError) {
    return { check: check('fail', 'endpoint', error.message), obstacle: 'the settings cannot be used' }
  }
  if (!(error instanceof DynamoDBError)) {
    return { check: unreachable(error), obstacle: 'the endpoint cannot be reached' }
  }
  const failed = (obstacle: string, fix: string, found = error.message): Reach => ({
    check: check('fail', 'connection', found, fix),
    obstacle,
  })
  if (error.awsCode === 'Unknown') {
    return failed('the endpoint is not DynamoDB', 'check the URL of the endpoint, and proxies in between')
  }
  if (/scoped to a valid region/i.test(error.message)) {
    return failed(
      'the region is not that of the endpoint',
      'set the region to that of the endpoint (AWS_REGION or --region)',
      `the endpoint belongs to another region than ${region} (${error.message})`,
    )
  }
  if (error instanceof ClockSkewError) {
    return failed('AWS refuses the signatures', 'set the clock of this machine by NTP')
  }
  if (error instanceof AccessDeniedError && !isDenied(error)) {
    return failed('AWS does not accept the credentials', REJECTED_FIXES[error.code])
  }
  return undefined
}

function unreachable(error: unknown): Check {
  const cause =
    error instanceof DeadlineExceededError && error.cause instanceof TransportError ? error.cause : error
  const message = thrownText(cause)
  const code = isError(cause) ? codeOf(cause.cause) : undefined
  const fix = /ENOTFOUND|EAI_AGAIN|not (?:be )?resolved/.test(`${message} ${code}`)
    ? 'there is no host of that name: check the spelling of the region and of the endpoint, and the name server'
    : 'check the endpoint, security groups, routes (NAT or a VPC endpoint for DynamoDB) and proxies'
  return check('fail', 'connection', message, fix)
}

/** How far off a clock may be without consequences. */
const UNNOTICED_MS = 5000

/** AWS refuses signatures that are 5 minutes off; what is nearly that soon will be. */
const REFUSED_FROM_MS = 240_000

/** Passes requests on, and compares the clock of this machine with the `Date` of every response. */
export class ClockComparison implements Transport {
  readonly #inner: Transport
  #shortestRoundTripMs = Infinity
  #offsetMs: number | undefined

  constructor(inner: Transport) {
    this.#inner = inner
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    const sentAtMs = Date.now()
    const response = await this.#inner.request(request)
    this.#compare(response, sentAtMs, Date.now())
    return response
  }

  async close(): Promise<void> {
    await this.#inner.close()
  }

  /** What the comparison came to. */
  result(): Check {
    const offsetMs = this.#offsetMs
    if (offsetMs === undefined) {
      return check('skip', 'clock', 'there was no response with a Date to compare with')
    }
    const off = Math.abs(offsetMs)
    if (off <= UNNOTICED_MS) return check('pass', 'clock', 'it agrees with that of the endpoint')
    const [direction, effect] = offsetMs > 0 ? ['behind', 'late'] : ['ahead of', 'early']
    const found = `it is ${duration(off)} ${direction} that of the endpoint`
    const fix = 'set it by NTP (on AWS: the Amazon Time Sync Service, chrony)'
    return off < REFUSED_FROM_MS
      ? check('warn', 'clock', `${found}: sessions and locks expire that much too ${effect}`, fix)
      : check('fail', 'clock', `${found}: AWS refuses signatures that are 5 minutes off`, fix)
  }

  /** The response with the shortest round trip tells best. */
  #compare({ headers }: TransportResponse, sentAtMs: number, receivedAtMs: number): void {
    const serverMs = headers.has('age') ? Number.NaN : Date.parse(headers.get('date') ?? '')
    const roundTripMs = receivedAtMs - sentAtMs
    if (Number.isNaN(serverMs) || roundTripMs >= this.#shortestRoundTripMs) return
    this.#shortestRoundTripMs = roundTripMs
    // The header leaves out the fraction of the second, half a second on average.
    this.#offsetMs = serverMs + 500 - (sentAtMs + receivedAtMs) / 2
  }
}

const READS = 10
const SLOW_MS = 50

/** Measures ten consistent reads of a missing key, one after the other, on a connection that is open. */
export async function checkLatency(
  { client, table, send }: TableAccess,
  Key: Item,
  url: string,
): Promise<Check> {
  const durationsMs: number[] = []
  try {
    for (let read = 0; read < READS; read++) {
      const startedAtMs = performance.now()
      await client.send('GetItem', { TableName: table, Key, ConsistentRead: true }, send)
      durationsMs.push(performance.now() - startedAtMs)
    }
  } catch (error) {
    send.signal?.throwIfAborted()
    return check('skip', 'latency', `cannot be measured: ${thrownText(error)}`)
  }
  durationsMs.sort((left, right) => left - right)
  const at = (index: number): number => durationsMs[index] ?? Number.NaN
  const medianMs = (at(READS / 2 - 1) + at(READS / 2)) / 2
  const [min, median, max] = [at(0), medianMs, at(READS - 1)].map(ms => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`)
  const found = `ten reads: min ${min}, median ${median}, max ${max}`
  if (medianMs < SLOW_MS) return check('pass', 'latency', found)
  const { hostname } = new URL(url)
  // An engine on this machine is for development, and says nothing of DynamoDB.
  if (isLoopback(hostname)) return check('pass', 'latency', `${found} (of an engine on this machine)`)
  const fix = /\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/.test(hostname)
    ? 'run the application in the region of the table, with a VPC endpoint for DynamoDB'
    : `look at the way from here to ${hostname}`
  return check('warn', 'latency', found, fix)
}
