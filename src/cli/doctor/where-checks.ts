import { regionFromEnvironment, variable } from '../../aws/config/environment.ts'
import { instanceRegionLookup } from '../../aws/config/instance-metadata-client.ts'
import { type ClientSettings, resolveSettings } from '../../aws/config/settings.ts'
import { loadSharedConfig, selectedProfile } from '../../aws/config/shared-config.ts'
import { endpointUrlFor } from '../../aws/dynamodb/endpoint-rules.ts'
import { isLoopback, parseEndpoint } from '../../aws/http/endpoint.ts'
import { SocketTransport } from '../../aws/http/socket-transport.ts'
import { PendingSteps } from '../../internal/pending-steps.ts'
import { systemClock } from '../../store/open-client.ts'
import type { Credentials } from '../../types.ts'
import { inOptionNames } from '../failure.ts'
import type { Invocation } from '../invocation.ts'
import type { StoreSettings } from '../store-settings.ts'
import { type Check, check, messageOf } from './check.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Region and endpoint, or why there are none. */
export interface Whereabouts {
  readonly region: Check
  readonly settings: ClientSettings | undefined
}

/** Finds the region, and where it was found. */
export async function checkRegion(
  invocation: Invocation,
  options: StoreSettings,
  environment: Environment,
): Promise<Whereabouts> {
  try {
    const { region, endpoint, profile, maxAttempts } = options
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
    const source = await sourceOfRegion(invocation, options, environment)
    const found = `${settings.region}, from ${source}`
    const ofTable = regionOfArn(options.table)
    if (ofTable !== undefined && ofTable !== settings.region) {
      const fix = `set the region to ${ofTable}, or name the table of ${settings.region}`
      return {
        settings,
        region: check('fail', 'region', `${found}, but the ARN of the table says ${ofTable}`, fix),
      }
    }
    return { settings, region: check('pass', 'region', found) }
  } catch (error) {
    const fix = 'set AWS_REGION, or --region, to the region of the table, for example eu-west-1'
    return { settings: undefined, region: check('fail', 'region', inOptionNames(messageOf(error)), fix) }
  }
}

/** Says where requests go, and who has said so. */
export function checkEndpoint(
  invocation: Invocation,
  { table }: StoreSettings,
  settings: ClientSettings,
  credentials: Credentials | undefined,
  environment: Environment,
): { readonly endpoint: Check; readonly url: string | undefined } {
  try {
    const url = endpointUrlFor(settings, { accountId: credentials?.accountId, tableArn: table })
    const source = settings.customEndpoint?.source
    const found = `${url}, from ${source === undefined ? 'the region' : sourceOfEndpoint(source, invocation, environment)}`
    const { protocol, hostname } = parseEndpoint(url)
    if (protocol === 'http:' && !isLoopback(hostname)) {
      const fix = 'use https://, or a loopback address for an engine on this machine'
      return { url, endpoint: check('warn', 'endpoint', `${found}: sessions travel unencrypted`, fix) }
    }
    return { url, endpoint: check('pass', 'endpoint', found) }
  } catch (error) {
    return { url: undefined, endpoint: check('fail', 'endpoint', inOptionNames(messageOf(error))) }
  }
}

async function sourceOfRegion(
  invocation: Invocation,
  { profile, region }: StoreSettings,
  environment: Environment,
): Promise<string> {
  if (invocation.has('region')) return '--region'
  if (region !== undefined) return 'DYNAMODB_SESSIONS_REGION'
  const inEnvironment = regionFromEnvironment(environment)
  if (inEnvironment !== undefined) return inEnvironment.variable
  const { name } = selectedProfile(environment, profile)
  const config = await loadSharedConfig(environment)
  return config.profiles.get(name)?.get('region') === undefined
    ? 'the instance metadata'
    : `the profile "${name}"`
}

function sourceOfEndpoint(source: string, invocation: Invocation, environment: Environment): string {
  if (source !== 'the option "endpoint"') return source
  if (invocation.has('endpoint')) return '--endpoint'
  return variable(environment, 'DYNAMODB_SESSIONS_ENDPOINT') === undefined
    ? source
    : 'DYNAMODB_SESSIONS_ENDPOINT'
}

function regionOfArn(table: string | undefined): string | undefined {
  const [arn, , , region] = table?.split(':') ?? []
  return arn === 'arn' ? region : undefined
}
