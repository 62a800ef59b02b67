import { cachedProvider } from '../credentials/cached-provider.ts'
import {
  endpointFromEnvironment,
  type Environment,
  REGION_VARIABLES,
  regionFromEnvironment,
} from '../config/region.ts'
import { DynamoDBClient, type Target } from '../dynamodb/client.ts'
import { dynamoDBEndpointUrl, isRegionName } from '../dynamodb/endpoint-rules.ts'
import { ConfigurationError } from '../errors.ts'
import { type Endpoint, parseEndpoint } from '../http/endpoint.ts'
import { SocketTransport } from '../http/socket-transport.ts'
import type { Clock, CredentialProvider } from '../types.ts'
import type { ConnectionOptions } from './connection-options.ts'

const DEFAULT_MAX_ATTEMPTS = 4
const DEFAULT_CONNECT_TIMEOUT_MS = 2000
const DEFAULT_ATTEMPT_TIMEOUT_MS = 3000
const DEFAULT_DEADLINE_MS = 7000

/** The clock of the machine. */
export const systemClock: Clock = { now: () => Date.now() }

/**
 * Puts a {@link DynamoDBClient} together from checked options. It opens nothing yet: region, endpoint and
 * credentials are looked for at the first call, which is where it shows when they are missing.
 */
export function openClient(options: ConnectionOptions, environment: Environment): DynamoDBClient {
  const clock = options.clock ?? systemClock
  return new DynamoDBClient({
    target: () => findTarget(options, environment),
    credentials: findCredentials(options.credentials, clock),
    transport: new SocketTransport({
      ...(options.maxSockets !== undefined && { maxSockets: options.maxSockets }),
      ca: options.ca,
    }),
    clock,
    random: Math.random,
    maxAttempts: options.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    connectTimeoutMs: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
    attemptTimeoutMs: options.attemptTimeoutMs ?? DEFAULT_ATTEMPT_TIMEOUT_MS,
    deadlineMs: options.deadlineMs ?? DEFAULT_DEADLINE_MS,
  })
}

function findCredentials(given: ConnectionOptions['credentials'], clock: Clock): CredentialProvider {
  if (given !== undefined && typeof given !== 'function') return () => given
  return cachedProvider(given ?? askDefaultProvider, { clock, random: Math.random })
}

const askDefaultProvider: CredentialProvider = async () => {
  // Loaded here, so that an app that passes its credentials never loads the chain.
  const { defaultProvider } = await import('../credentials/default-provider.ts')
  return defaultProvider()()
}

function findTarget({ region, endpoint }: ConnectionOptions, environment: Environment): Target {
  const name = region ?? findRegion(environment)
  return { region: name, endpoint: findEndpoint(endpoint, name, environment) }
}

function findRegion(environment: Environment): string {
  const found = regionFromEnvironment(environment)
  if (found === undefined) {
    throw new ConfigurationError(
      'REGION_MISSING',
      'no AWS region; looked at: the option "region" and the environment variables DYNAMODB_SESSIONS_REGION, ' +
        `${REGION_VARIABLES.join(', ')}; set one of them, for example to eu-west-1`,
    )
  }
  if (!isRegionName(found.value)) {
    throw new ConfigurationError(
      'INVALID_SETTING',
      `the environment variable ${found.variable} is not the name of an AWS region such as eu-west-1`,
    )
  }
  return found.value
}

function findEndpoint(url: string | undefined, region: string, environment: Environment): Endpoint {
  const setting = url === undefined ? endpointFromEnvironment(environment) : undefined
  try {
    return parseEndpoint(url ?? setting?.value ?? dynamoDBEndpointUrl(region))
  } catch (cause) {
    const source = setting === undefined ? 'the endpoint' : `the environment variable ${setting.variable}`
    const reason = cause instanceof Error ? cause.message : ''
    throw new ConfigurationError('INVALID_SETTING', `${source} cannot be used: ${reason}`, { cause })
  }
}
