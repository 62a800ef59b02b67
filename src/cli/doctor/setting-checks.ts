import { variable } from '../../aws/config/environment.ts'
import type { Environment } from '../../internal/process-environment.ts'
import { instanceRegionLookup } from '../../aws/config/instance-metadata-client.ts'
import { type ClientSettings, resolveSettings } from '../../aws/config/settings.ts'
import { loadSharedConfig, selectedProfile } from '../../aws/config/shared-config.ts'
import { endpointUrlFor } from '../../aws/dynamodb/endpoint-rules.ts'
import { isLoopback, parseEndpoint } from '../../aws/http/endpoint.ts'
import { SocketTransport } from '../../aws/http/socket-transport.ts'
import { variableOf } from '../../internal/option.ts'
import { PendingSteps } from '../../internal/deadline.ts'
import { ownVariables, unknownVariables } from '../../options/environment.ts'
import { systemClock } from '../../aws/http/server-clock.ts'
import type { Credentials } from '../../types.ts'
import type { StoreOptions } from '../../options/store-options.ts'
import { type CommandContext, inOptionNames } from '../args.ts'
import { thrownText } from '../output.ts'
import { type Check, check } from './check.ts'

/**
 * Finds environment variables that were meant to be settings of this package and are none, and settings of the AWS SDK that
 * have no effect here.
 */
export async function checkVariables(environment: Environment, profile: string | undefined): Promise<Check> {
  const unread = unknownVariables(environment)
  const ignored = await ignoredSettings(environment, profile)
  if (unread.length + ignored.length > 0) {
    const fix =
      ignored.length === 0
        ? 'correct the name, or remove the variable'
        : 'correct or remove them, or leave them to what else reads them'
    return check('warn', 'variables', [...unread, ...ignored].join('; '), fix)
  }
  const own = ownVariables(environment)
  const found = own.length === 0 ? 'no DYNAMODB_SESSIONS_* is set' : `known: ${own.sort().join(', ')}`
  return check('pass', 'variables', found)
}

/** A setting of the AWS SDK that this package does not heed, or only in part. */
type PartlyHeeded = readonly [
  variable: string,
  /** The values that have the effect that they have in the AWS SDK. */
  heeded: RegExp,
  /** What to say of the others. */
  verdict: string,
]

const NONE = /^(?!)/
const OFF = /^(?:false|0)$/i
const UNDISCOVERED = 'has no effect; endpoints are not discovered'
const NO_PROXY_FOR_ALL = 'has no effect; HTTPS_PROXY names a proxy'
const OTHER_DEFAULTS =
  'has no effect; connectTimeoutMs, attemptTimeoutMs and deadlineMs have defaults of their own'

const PARTLY_HEEDED: readonly PartlyHeeded[] = [
  ['AWS_RETRY_MODE', /^(?!legacy$)/, 'is legacy, and calls are retried in the standard mode'],
  ['AWS_RETRY_MODE', /^(?!adaptive$)/, 'is adaptive, and calls are retried in the standard mode'],
  ['AWS_RETRY_MODE', /^(?:standard|legacy|adaptive)$/, 'is no retry mode; the standard one is used'],
  ['AWS_MAX_ATTEMPTS', /^0*[1-9]\d*$/, 'is not a whole number from 1, and has no effect'],
  ['AWS_DEFAULTS_MODE', /^legacy$/, OTHER_DEFAULTS],
  ['AWS_STS_REGIONAL_ENDPOINTS', /^regional$/, 'has no effect; STS is called in the region'],
  ['AWS_ENABLE_DEFAULT_SOCKET_TIMEOUT_2026', NONE, 'has no effect; attemptTimeoutMs limits every attempt'],
  [
    'AWS_AUTH_SCHEME_PREFERENCE',
    /^\s*(?:[^,]*#)?sigv4\s*(?:,|$)/,
    'has no effect; requests are signed with Signature Version 4',
  ],
  ['AWS_SIGV4A_SIGNING_REGION_SET', NONE, 'has no effect; requests are signed for one region'],
  ['AWS_BEARER_TOKEN_DYNAMODB', NONE, 'has no effect; requests are signed with credentials'],
  ['AWS_ENABLE_ENDPOINT_DISCOVERY', OFF, UNDISCOVERED],
  ['AWS_ENDPOINT_DISCOVERY_ENABLED', OFF, UNDISCOVERED],
  ['AWS_SDK_UA_APP_ID', /^.{0,50}$/s, 'is longer than 50 characters, and has no effect'],
  ['AWS_CREDENTIAL_SCOPE', NONE, 'has no effect'],
  ['ALL_PROXY', NONE, NO_PROXY_FOR_ALL],
  ['all_proxy', NONE, NO_PROXY_FOR_ALL],
  [
    'AWS_ACCOUNT_ID_ENDPOINT_MODE',
    /^(?:preferred|disabled|required)$/i,
    'is none of preferred, disabled and required, and has no effect',
  ],
  ...[
    'AWS_USE_FIPS_ENDPOINT',
    'AWS_USE_DUALSTACK_ENDPOINT',
    'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
    'AWS_DISABLE_CLOCK_SKEW_CORRECTION',
  ].map(name => [name, /^(?:true|false)$/i, 'is neither true nor false, and has no effect'] as const),
  ...['AWS_METADATA_SERVICE_TIMEOUT', 'AWS_METADATA_SERVICE_NUM_ATTEMPTS'].map(
    name => [name, /^[1-9]\d?$/, 'is not a whole number from 1 to 99, and has no effect'] as const,
  ),
]

/**
 * Says of every setting of the AWS SDK, in the environment and in the profile, that has no effect here or another one.
 *
 * @returns one sentence for each; they name the setting, and repeat no value but the words that it is known to take.
 */
export async function ignoredSettings(environment: Environment, givenProfile?: string): Promise<string[]> {
  const { name: profileName } = selectedProfile(environment, givenProfile)
  // What is wrong with the files the check of the credentials says.
  const config = await loadSharedConfig(environment).catch(() => undefined)
  const profile = config?.profiles.get(profileName)
  return PARTLY_HEEDED.flatMap(([name, heeded, verdict]) => {
    // A property is called as the variable, nearly always without the prefix.
    const inFull = name.toLowerCase()
    const places = [
      [name, variable(environment, name)],
      ...[inFull, inFull.replace(/^aws_/, '')].map(
        property =>
          [`${property} of the profile ${JSON.stringify(profileName)}`, profile?.get(property)] as const,
      ),
    ] as const
    return places
      .filter(([, value]) => value !== undefined && !heeded.test(value))
      .map(([setting]) => `${setting} ${verdict}`)
  })
}

/** Region and endpoint, or why there are none. */
interface Whereabouts {
  readonly region: Check
  readonly settings: ClientSettings | undefined
}

/** Finds the region, and where it was found. */
export async function checkRegion(context: CommandContext, options: StoreOptions): Promise<Whereabouts> {
  const { environment } = context
  const { region, endpoint, profile, maxAttempts, table } = options
  try {
    const settings = await resolveSettings({
      environment,
      region,
      endpoint,
      profile,
      maxAttempts,
      instanceRegion: instanceRegionLookup(
        { environment, clock: systemClock, transport: new SocketTransport(), pending: new PendingSteps() },
        { profile },
      ),
    })
    const found = `${settings.region}, from ${sourceIn(settings.regionSource, context)}`
    const [arn, , , ofTable] = table?.split(':') ?? []
    if (arn !== 'arn' || ofTable === settings.region)
      return { settings, region: check('pass', 'region', found) }
    const contradiction = `${found}, but the ARN of the table says ${ofTable}`
    const fix = `set the region to ${ofTable}, or name the table of ${settings.region}`
    return { settings, region: check('fail', 'region', contradiction, fix) }
  } catch (error) {
    const fix = 'set AWS_REGION, or --region, to the region of the table, for example eu-west-1'
    return { settings: undefined, region: check('fail', 'region', inOptionNames(thrownText(error)), fix) }
  }
}

/** Says where requests go, and who has said so. */
export function checkEndpoint(
  context: CommandContext,
  { table }: StoreOptions,
  settings: ClientSettings,
  credentials: Credentials | undefined,
): { readonly endpoint: Check; readonly url: string | undefined } {
  try {
    const url = endpointUrlFor(settings, { accountId: credentials?.accountId, tableArn: table })
    const found = `${url}, from ${sourceIn(settings.customEndpoint?.source ?? 'the region', context)}`
    const { protocol, hostname } = parseEndpoint(url)
    if (protocol === 'https:' || isLoopback(hostname))
      return { url, endpoint: check('pass', 'endpoint', found) }
    const fix = 'use https://, or a loopback address for an engine on this machine'
    return { url, endpoint: check('warn', 'endpoint', `${found}: sessions travel unencrypted`, fix) }
  } catch (error) {
    return { url: undefined, endpoint: check('fail', 'endpoint', inOptionNames(thrownText(error))) }
  }
}

/** What names a setting, as the operator knows it: a flag, a variable, a profile. */
function sourceIn(source: string, { args }: CommandContext): string {
  return source
    .replace(/^the option "(\w+)"$/, (_, name: string) => (args.has(name) ? `--${name}` : variableOf(name)))
    .replace(/^(?:the environment variable|region of) /, '')
}
