import {
  AccessDeniedError,
  ClockSkewError,
  DynamoDBError,
  type DynamoDBErrorDetails,
  TableNotFoundError,
  ThrottlingError,
} from '../../errors.ts'
import { foreignText, requestIdIn } from '../../internal/message-text.ts'
import { isJsonObject, isObject, weakProperty } from '../../internal/core-objects.ts'
import type { Item } from '../../types.ts'
import { partitionOf } from '../config/partitions.ts'
import { isLoopback } from '../http/endpoint.ts'
import { isTransactionConflict, retryKindOfAnswer, type ServiceFailure } from '../http/retry.ts'
import type { TransportResponse } from '../http/transport.ts'
import { tableName } from './operations.ts'

/** An error answer of an AWS JSON service, taken apart. */
export interface WireError extends ServiceFailure {
  readonly requestId: string | undefined
  /** The item that did not meet the condition of a write, where the request asked for it and the answer has it. */
  readonly item?: Item | undefined
}

/** What the message of an error is to name. */
export interface CallDescription {
  readonly operation: string
  readonly table: string | undefined
  readonly region: string
  /** Scheme, host and port of the endpoint. */
  readonly origin: string
  readonly attempts: number
}

const MAX_MESSAGE_LENGTH = 600
const MAX_CANCELLATION_REASONS = 100

/** How DynamoDB, DynamoDB Local and dynalite say that a key or item has not the attributes of the table's key. */
const OTHER_KEY = /not match the schema|missing the key|required keys was not given/i

const CLOCK_SKEW_CODES: ReadonlySet<string> = new Set([
  'RequestExpired',
  'RequestInTheFuture',
  'RequestTimeTooSkewed',
])

const EXPIRED_CREDENTIALS_CODES: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'UnrecognizedClientException',
])

/** Why AWS did not accept credentials, and what to do about it. */
interface Rejection {
  readonly code: Exclude<AccessDeniedError['code'], 'ACCESS_DENIED'>
  readonly why: string
}

const EXPIRED: Rejection = {
  code: 'CREDENTIALS_EXPIRED',
  why: 'the session token has expired; sign in again, or get new credentials where these come from',
}
const UNKNOWN: Rejection = {
  code: 'CREDENTIALS_UNKNOWN',
  why:
    'it does not know the access key ID, or not with this session token; check both, that the key is active, and that it is ' +
    'for this partition of AWS',
}
const BADLY_SIGNED: Rejection = {
  code: 'SIGNATURE_REJECTED',
  why: 'the signature is wrong; check that the secret access key is that of the access key ID, whole and without blanks',
}

const REJECTIONS: Readonly<Record<string, Rejection>> = {
  AuthFailure: UNKNOWN,
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  IncompleteSignature: BADLY_SIGNED,
  IncompleteSignatureException: BADLY_SIGNED,
  InvalidClientTokenId: UNKNOWN,
  InvalidSignatureException: BADLY_SIGNED,
  MissingAuthenticationToken: BADLY_SIGNED,
  MissingAuthenticationTokenException: BADLY_SIGNED,
  SignatureDoesNotMatch: BADLY_SIGNED,
  UnrecognizedClientException: UNKNOWN,
}

// What is kept of an error apart from it, for as long as that is kept.
const items = weakProperty<Item>()
const cancellations = weakProperty<readonly string[]>()
const places = weakProperty<TablePlace>()

/**
 * Reads an error answer: the exception name from the body's `__type`, its `code` or the `x-amzn-errortype`
 * header, as the AWS JSON 1.0 protocol has it. An answer that is not from DynamoDB at all (an HTML page of a
 * proxy) has the code `Unknown`.
 */
export function readWireError(response: TransportResponse): WireError {
  const { statusCode, headers } = response
  const { fields, item, cancellationCodes = [] } = parseBody(response)
  const name = fields.get('__type') ?? fields.get('code') ?? headers.get('x-amzn-errortype') ?? ''
  const awsCode = name.split(/[,:]/, 1)[0]?.split('#').pop()?.trim() ?? ''
  return {
    awsCode: /^\w{1,100}$/.test(awsCode) ? awsCode : 'Unknown',
    message:
      cancellationCodes.length > 0
        ? `cancelled for ${cancellationCodes.join(', ')}`
        : // The second line of a signature error repeats the signed request, the AWS session token included.
          foreignText(fields.get('message')?.split(/[\r\n]/, 1)[0] ?? '', MAX_MESSAGE_LENGTH),
    statusCode,
    requestId: requestIdIn(
      headers.get('x-amzn-requestid') ?? headers.get('x-amzn-request-id') ?? headers.get('x-amz-request-id'),
    ),
    item,
    cancellationCodes,
  }
}

/** Whether AWS has stopped accepting the credentials themselves, so that others may do. */
export function isRejectedCredentials({ awsCode }: WireError): boolean {
  return EXPIRED_CREDENTIALS_CODES.has(awsCode)
}

/** Whether a request may have been carried out, or still be, although the answer is an error: a server's, or a gateway's. */
export function leavesDoubt({ statusCode, awsCode }: WireError): boolean {
  return statusCode >= 500 || awsCode === 'Unknown'
}

/** The error class for an error answer, with a message that says what to do about it. */
export function toDynamoDBError(wire: WireError, call: CallDescription): DynamoDBError {
  const kind = retryKindOfAnswer(wire)
  const details: DynamoDBErrorDetails = {
    awsCode: wire.awsCode,
    httpStatusCode: wire.statusCode,
    requestId: wire.requestId,
    attempts: call.attempts,
    retryable: kind !== undefined || isTransactionConflict(wire),
  }
  const quote = quoteOf(wire)
  const where = call.table === undefined ? `in ${call.region}` : `on table "${call.table}" in ${call.region}`
  const otherRegion = call.table === undefined ? undefined : otherRegionOf({ ...call, table: call.table })

  if (kind === 'throttling') {
    const times = call.attempts === 1 ? '' : ` ${call.attempts} times`
    return new ThrottlingError(
      `DynamoDB throttled ${call.operation} ${where}${times}; give the table on-demand capacity, or raise its limits or ` +
        `the quotas of the account${quote}`,
      details,
    )
  }
  if (wire.awsCode === 'ResourceNotFoundException' && call.table !== undefined) {
    return tableNotFound({ ...call, table: call.table }, details, quote)
  }
  if (isClockSkew(wire)) {
    return new ClockSkewError(
      `AWS refused the signature because this machine's clock is wrong; set it by NTP${quote}`,
      details,
    )
  }
  const rejection = REJECTIONS[wire.awsCode]
  if (rejection !== undefined) {
    return new AccessDeniedError(
      `AWS did not accept the credentials for ${call.operation} in ${call.region}: ${rejection.why}${quote}`,
      details,
      rejection.code,
    )
  }
  if (wire.awsCode === 'AccessDeniedException' || wire.awsCode === 'AccessDenied') {
    return new AccessDeniedError(
      `the credentials do not permit ${permissionsFor(call.operation)} ${where}; ` +
        (otherRegion === undefined
          ? 'add it to their IAM policy'
          : `its ARN says ${otherRegion}: set the region to that, or add it to their IAM policy`) +
        quote,
      details,
    )
  }
  if (wire.awsCode === 'Unknown') {
    return new DynamoDBError(
      'DYNAMODB_ERROR',
      `${call.origin} responded to ${call.operation} with HTTP status ${wire.statusCode} and no DynamoDB error; ` +
        `check that the endpoint is DynamoDB${quote}`,
      details,
    )
  }
  const isElsewhere = wire.awsCode === 'ValidationException' && otherRegion !== undefined
  const isOtherKey = wire.awsCode === 'ValidationException' && OTHER_KEY.test(wire.message)
  const remedy = isElsewhere
    ? `; its ARN says ${otherRegion}: set the region to that`
    : isOtherKey
      ? '; the key of the table is another one: name it in the option "partitionKey", or the layout that uses it in "layout" ' +
        '(npx dynamodb-sessions doctor tells which it is)'
      : ''
  const error = new DynamoDBError(
    'DYNAMODB_ERROR',
    `DynamoDB refused ${call.operation} ${where}${remedy}${quote}`,
    details,
  )
  if (wire.awsCode === 'ConditionalCheckFailedException' && wire.item !== undefined) {
    items.set(error, wire.item)
  }
  const { cancellationCodes = [] } = wire
  if (cancellationCodes.length > 0) cancellations.set(error, cancellationCodes)
  return error
}

/** Whether DynamoDB refused a request for this reason, by the name that its API has for it. */
export function isAwsError(error: unknown, awsCode: string): error is DynamoDBError {
  return error instanceof DynamoDBError && error.awsCode === awsCode
}

/** Whether a write failed because its condition did not hold. */
export function isFailedCondition(error: unknown): error is DynamoDBError {
  return isAwsError(error, 'ConditionalCheckFailedException')
}

/**
 * The item that did not meet the condition of a write, as it was then: the one thing of an error that is session data,
 * so that it is no property of the error, and printing that does not show it (G9).
 *
 * @returns `undefined` for every other error, for a write that did not ask for the item
 *   (`ReturnValuesOnConditionCheckFailure`), when there was none, and from engines that leave it out.
 */
export function itemOfFailedCondition(error: unknown): Item | undefined {
  return items.of(error)
}

/**
 * Why a transaction was cancelled, in the words of the DynamoDB API: one code for each of its actions, `'None'` for those
 * that nothing was wrong with.
 *
 * @returns nothing for every other error, and for answers that do not say.
 */
export function cancellationCodesOf(error: unknown): readonly string[] {
  return cancellations.of(error) ?? []
}

/** Where a table was looked for. */
export interface TablePlace {
  /** Name or ARN of the table. */
  readonly table: string
  readonly region: string
  /** Scheme, host and port of the endpoint. */
  readonly origin: string
}

/** What a store has that its table depends on; what is absent is as it is by default. */
export interface TableSettings {
  readonly layout?: string | undefined
  readonly partitionKey?: string | undefined
  readonly profile?: string | undefined
}

/** Where the table of a `TableNotFoundError` was looked for. */
export function placeOf(error: Error): TablePlace | undefined {
  return places.of(error)
}

/** The region in the ARN of a table, where that is another than requests go to. */
export function otherRegionOf({ table, region }: Pick<TablePlace, 'table' | 'region'>): string | undefined {
  const [arn, , , ofTable] = table.split(':')
  return arn === 'arn' && ofTable !== region ? ofTable : undefined
}

/** The command that creates a table where it was looked for, for people to run. */
export function createTableCommand(
  { table, region, origin }: TablePlace,
  { layout, partitionKey, profile }: TableSettings = {},
): string {
  const words = ['npx dynamodb-sessions create-table', `--table ${tableName(table)}`, `--region ${region}`]
  if (!isOwnEndpoint(origin, region)) words.push(`--endpoint ${origin}`)
  if (layout !== undefined && layout !== 'native') words.push(`--layout ${layout}`)
  if (partitionKey !== undefined) words.push(`--partition-key ${shellWord(partitionKey)}`)
  if (profile !== undefined) words.push(`--profile ${shellWord(profile)}`)
  return words.join(' ')
}

/** What an IAM policy has to name for an operation: transactions have no permission of their own. */
function permissionsFor(operation: string): string {
  if (operation === 'TransactGetItems') return 'dynamodb:GetItem'
  if (operation === 'TransactWriteItems') return 'dynamodb:PutItem or dynamodb:DeleteItem'
  return `dynamodb:${operation}`
}

function tableNotFound(place: TablePlace, details: DynamoDBErrorDetails, quote: string): TableNotFoundError {
  const { table, region, origin } = place
  const otherRegion = otherRegionOf(place)
  const message =
    otherRegion === undefined
      ? `table "${table}" does not exist in ${region} at ${origin}, or is still being created; create it with: ` +
        `${createTableCommand(place)} (and the --layout and --partition-key of the store, if it has them)${localNote(origin)}`
      : `table "${table}" is one of ${otherRegion}, as its ARN says, and requests go to ${region} at ${origin}; set the ` +
        `region to ${otherRegion}, or name a table of ${region}`
  const error = new TableNotFoundError(message + quote, details)
  places.set(error, { table, region, origin })
  return error
}

/** What surprises with an engine on this machine. */
export function localNote(origin: string): string {
  return isLoopback(new URL(origin).hostname)
    ? '; DynamoDB Local keeps the tables of each access key ID and region apart, unless it runs with -sharedDb'
    : ''
}

function isClockSkew({ awsCode, message }: WireError): boolean {
  return (
    CLOCK_SKEW_CODES.has(awsCode) ||
    (awsCode === 'InvalidSignatureException' && /Signature (?:expired|not yet current)/.test(message))
  )
}

function quoteOf({ awsCode, message, requestId }: WireError): string {
  const parts = [awsCode === 'Unknown' ? '' : awsCode, message].filter(part => part !== '').join(': ')
  const request = requestId === undefined ? '' : `request ID ${requestId}`
  const text = [parts, request].filter(part => part !== '').join('; ')
  return text === '' ? '' : ` (${text})`
}

/**
 * The string fields of a JSON object, by lower-case name, its item, and why a transaction was cancelled; nothing when the
 * body is something else.
 */
function parseBody(response: TransportResponse): {
  fields: ReadonlyMap<string, string>
  item?: Item | undefined
  cancellationCodes?: readonly string[]
} {
  const fields = new Map<string, string>()
  try {
    const parsed: unknown = JSON.parse(response.body.toString())
    if (!isObject(parsed)) return { fields }
    for (const [name, value] of Object.entries(parsed)) {
      if (typeof value === 'string') fields.set(name.toLowerCase(), value)
    }
    return {
      fields,
      // Its content is checked where it is read as a session.
      item: 'Item' in parsed && isJsonObject(parsed.Item) ? (parsed.Item as Item) : undefined,
      cancellationCodes: 'CancellationReasons' in parsed ? codesOf(parsed.CancellationReasons) : [],
    }
  } catch {
    // An error page of something in between; its status code is all there is to go by.
    return { fields }
  }
}

/** The codes alone: what else the reasons say can repeat the items of the transaction (G9). */
function codesOf(reasons: unknown): readonly string[] {
  if (!Array.isArray(reasons)) return []
  return reasons.slice(0, MAX_CANCELLATION_REASONS).map((reason: unknown) => {
    const code = isObject(reason) && 'Code' in reason ? reason.Code : undefined
    return typeof code === 'string' && /^\w{1,100}$/.test(code) ? code : 'Unknown'
  })
}

/** Whether an endpoint is one that AWS has for the region, so that whoever names the region gets there. */
function isOwnEndpoint(origin: string, region: string): boolean {
  const { dnsSuffix, dualStackDnsSuffix } = partitionOf(region)
  return [dnsSuffix, dualStackDnsSuffix].some(suffix => {
    const end = `.${region}.${suffix}`
    return (
      origin.endsWith(end) &&
      /^https:\/\/(?:dynamodb|dynamodb-fips|[a-z\d-]+\.ddb)$/.test(origin.slice(0, -end.length))
    )
  })
}

/** A word of a command, for a shell. */
export function shellWord(text: string): string {
  return /^[\w.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
