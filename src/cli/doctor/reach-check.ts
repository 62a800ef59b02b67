import type { DynamoDBClient } from '../../aws/dynamodb/client.ts'
import {
  AccessDeniedError,
  ClockSkewError,
  ConfigurationError,
  DeadlineExceededError,
  DynamoDBError,
  TransportError,
} from '../../errors.ts'
import { parseEndpoint } from '../../aws/http/endpoint.ts'
import type { Transport } from '../../aws/http/transport.ts'
import { codeOf, isError } from '../../internal/core-objects.ts'
import { type Check, check, messageOf } from './check.ts'

/** Whether requests get to DynamoDB and are accepted there. */
export interface Reach {
  readonly checks: readonly Check[]
  /** Why there is no sense in asking more; `undefined` when there is. */
  readonly obstacle: string | undefined
}

const TIMEOUT_MS = 5000

/** Whether AWS refused the request for what the credentials permit, and not for what they are. */
export function isDenied(error: unknown): boolean {
  return (
    error instanceof AccessDeniedError &&
    (error.awsCode === 'AccessDeniedException' || error.awsCode === 'AccessDenied')
  )
}

/** Sends one request, and tells from the answer whether the endpoint is DynamoDB and accepts the credentials. */
export async function checkReach(
  client: DynamoDBClient,
  table: string,
  region: string,
  signal: AbortSignal,
): Promise<Reach> {
  try {
    await client.send('DescribeTable', { TableName: table }, { signal })
    return accepted()
  } catch (error) {
    signal.throwIfAborted()
    return reachOf(error, region)
  }
}

/** Asks without a signature, where there are no credentials: every answer tells that somebody is there. */
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
      connectTimeoutMs: TIMEOUT_MS,
      attemptTimeoutMs: TIMEOUT_MS,
      deadlineAtMs: performance.now() + 2 * TIMEOUT_MS,
      signal,
    })
    return { checks: [check('pass', 'connection', 'the endpoint answers')], obstacle }
  } catch (error) {
    signal.throwIfAborted()
    return { checks: [unreachable(error)], obstacle }
  }
}

function reachOf(error: unknown, region: string): Reach {
  if (error instanceof ConfigurationError) {
    return { checks: [check('fail', 'endpoint', error.message)], obstacle: 'the settings cannot be used' }
  }
  if (!(error instanceof DynamoDBError)) {
    return { checks: [unreachable(error)], obstacle: 'the endpoint cannot be reached' }
  }
  if (error.awsCode === 'Unknown') {
    const fix = 'check the URL of the endpoint, and proxies in between'
    return {
      checks: [check('fail', 'connection', error.message, fix)],
      obstacle: 'the endpoint is not DynamoDB',
    }
  }
  if (/scoped to a valid region/i.test(error.message)) {
    const found = `the endpoint belongs to another region than ${region} (${error.message})`
    const fix = 'set the region to that of the endpoint (AWS_REGION or --region)'
    return {
      checks: [check('fail', 'connection', found, fix)],
      obstacle: 'the region is not that of the endpoint',
    }
  }
  if (error instanceof ClockSkewError) {
    const fix = 'set the clock of this machine by NTP'
    return {
      checks: [check('fail', 'connection', error.message, fix)],
      obstacle: 'AWS refuses the signatures',
    }
  }
  if (error instanceof AccessDeniedError && !isDenied(error)) {
    const fix = 'sign in again or renew the keys, where the credentials come from'
    return {
      checks: [check('fail', 'connection', error.message, fix)],
      obstacle: 'AWS does not accept the credentials',
    }
  }
  return accepted()
}

function accepted(): Reach {
  return {
    checks: [check('pass', 'connection', 'the endpoint answers and accepts the credentials')],
    obstacle: undefined,
  }
}

function unreachable(error: unknown): Check {
  const cause =
    error instanceof DeadlineExceededError && error.cause instanceof TransportError ? error.cause : error
  const message = messageOf(cause)
  const isUnknownHost = /ENOTFOUND|EAI_AGAIN/.test(`${message} ${codeOfCause(cause)}`)
  const fix = isUnknownHost
    ? 'there is no host of that name: check the spelling of the region and of the endpoint, and the name server'
    : 'check the endpoint, security groups, routes (NAT or a VPC endpoint for DynamoDB) and proxies'
  return check('fail', 'connection', message, fix)
}

function codeOfCause(error: unknown): string {
  return (isError(error) ? codeOf(error.cause) : undefined) ?? ''
}
