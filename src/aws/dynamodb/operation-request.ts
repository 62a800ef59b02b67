import { isJsonObject, type JsonObject } from '../../internal/core-objects.ts'
import { ConnectionError } from '../../errors.ts'
import type { AttributeValue, Credentials, Item } from '../../types.ts'
import type { EndpointSettings } from '../config/service-endpoint.ts'
import { type Endpoint, parseEndpoint } from '../http/endpoint.ts'
import {
  type EncodedRequest,
  encodeHead,
  type ResponseRecipient,
  type TransportResponse,
} from '../http/transport.ts'
import { type Header, SignatureTemplate } from '../sigv4/sign.ts'
import { endpointUrlFor, signingRegionFor } from './endpoint-rules.ts'
import type { Input, Operation, Output } from './operations.ts'
import { readWireError, type WireError } from './wire-error.ts'

/** Settings that the requests of a client depend on. */
export interface RequestSettings extends EndpointSettings {
  /** Name of the application, for the `User-Agent`. */
  readonly appId?: string | undefined
}

/** Who signs a request, and when. */
export interface Signing {
  readonly credentials: Credentials
  readonly nowMs: number
  /** Value of `x-amzn-trace-id`. */
  readonly traceId: string | undefined
}

const API_VERSION = 'DynamoDB_20120810'

/**
 * Makes the signed HTTP requests of a client, in DynamoDB's JSON protocol.
 *
 * The requests of an operation in one second differ in their bodies and signatures alone: what they have in common is made
 * once, and again when the second, the endpoint, the trace or the credentials have changed.
 */
export class RequestSigner {
  /** Region that requests are signed for. */
  readonly region: string
  readonly #settings: RequestSettings
  readonly #templates = new Map<Operation, RequestTemplate>()

  constructor(settings: RequestSettings) {
    this.region = signingRegionFor(settings)
    this.#settings = settings
  }

  /**
   * What the requests of an operation have in common.
   *
   * @param table Name or ARN of the table.
   * @throws {ConfigurationError} when the settings exclude each other or an account is required and not known.
   */
  templateOf(operation: Operation, table: string | undefined, signing: Signing): RequestTemplate {
    const { credentials, nowMs, traceId } = signing
    const epochSecond = Math.floor(nowMs / 1000)
    // The name of a table says nothing of where it is.
    const tableArn = table?.startsWith('arn:') === true ? table : undefined
    const known = this.#templates.get(operation)
    if (
      known !== undefined &&
      known.epochSecond === epochSecond &&
      known.traceId === traceId &&
      known.tableArn === tableArn &&
      isSameCredentials(known.credentials, credentials)
    ) {
      return known
    }
    const template = this.#makeTemplate(operation, tableArn, { ...signing, nowMs: epochSecond * 1000 })
    this.#templates.set(operation, template)
    return template
  }

  #makeTemplate(
    operation: Operation,
    tableArn: string | undefined,
    { credentials, nowMs, traceId }: Signing,
  ): RequestTemplate {
    const { accessKeyId, secretAccessKey, sessionToken, accountId } = credentials
    const endpoint = parseEndpoint(endpointUrlFor(this.#settings, { accountId, tableArn }))
    const request = {
      method: 'POST',
      path: endpoint.path,
      query: '',
      headers: [
        ['host', endpoint.host],
        ['content-type', 'application/x-amz-json-1.0'],
        ['x-amz-target', `${API_VERSION}.${operation}`],
        // Neither this nor the trace is signed: both may change on the way.
        ['user-agent', userAgent(this.#settings.appId)],
        ...(traceId === undefined ? [] : [['x-amzn-trace-id', traceId] as const]),
      ] satisfies Header[],
    }
    // A copy: whoever gave the credentials may change the object.
    const own = { accessKeyId, secretAccessKey, sessionToken, accountId }
    const { region } = this
    const signature = new SignatureTemplate(request, {
      credentials: own,
      region,
      service: 'dynamodb',
      date: new Date(nowMs),
    })
    const head = encodeHead({ ...request, headers: [...request.headers, ...signature.headers()] })
    return {
      endpoint,
      epochSecond: nowMs / 1000,
      traceId,
      tableArn,
      credentials: own,
      signature,
      // In one piece, and not in those that it was put together from.
      head: Buffer.from(head, 'latin1').toString('latin1'),
    }
  }
}

/** What the requests of an operation have in common for a second. */
export interface RequestTemplate {
  readonly endpoint: Endpoint
  readonly epochSecond: number
  readonly traceId: string | undefined
  readonly tableArn: string | undefined
  readonly credentials: Credentials
  readonly signature: SignatureTemplate
  /** All of the head up to the signature. */
  readonly head: string
}

/** What a response says: the output of the operation, or why there is none. */
export type ReadResponse<Name extends Operation> = { readonly output: Output<Name> } | WireError

/** What is asked for, and who asks. */
export interface AskedOperation<Name extends Operation> {
  readonly operation: Name
  readonly input: Input<Name>
  /** Key of the item that the request is about, where the input does not name it. */
  readonly key: Item | undefined
  /** The input as JSON. */
  readonly body: string
  readonly signal: AbortSignal | undefined
  readonly onDoubt: (() => void) | undefined
}

/** How long an attempt may take. */
type RequestLimits = Pick<EncodedRequest, 'connectTimeoutMs' | 'attemptTimeoutMs' | 'deadlineAtMs'>

/**
 * The request of one attempt at an operation, signed when it is made. It reads the response to it, and judges whether it is
 * that: for the transport, before the connection carries another request, and otherwise when it is delivered. It reads a
 * response once.
 */
export class OperationRequest<Name extends Operation> implements EncodedRequest, ResponseRecipient {
  readonly endpoint: Endpoint
  readonly method = 'POST'
  readonly head: string
  readonly body: string
  readonly connectTimeoutMs: number
  readonly attemptTimeoutMs: number
  readonly deadlineAtMs: number
  readonly signal: AbortSignal | undefined
  readonly onDoubt: (() => void) | undefined
  readonly #asked: AskedOperation<Name>
  #accepted: TransportResponse | undefined
  #read: ReadResponse<Name> | undefined

  constructor(
    { endpoint, head, signature }: RequestTemplate,
    asked: AskedOperation<Name>,
    { connectTimeoutMs, attemptTimeoutMs, deadlineAtMs }: RequestLimits,
  ) {
    this.endpoint = endpoint
    this.head = head + signature.signatureOf(asked.body)
    this.body = asked.body
    this.connectTimeoutMs = connectTimeoutMs
    this.attemptTimeoutMs = attemptTimeoutMs
    this.deadlineAtMs = deadlineAtMs
    this.signal = asked.signal
    this.onDoubt = asked.onDoubt
    this.#asked = asked
  }

  get recipient(): ResponseRecipient {
    return this
  }

  get path(): string {
    return this.endpoint.path
  }

  /** Only transports that encode requests themselves ask for these. */
  get headers(): readonly Header[] {
    const [, ...lines] = this.head.split('\r\n')
    return lines.map(line => {
      const end = line.indexOf(': ')
      return [line.slice(0, end), line.slice(end + 2)]
    })
  }

  /** @throws {ConnectionError} `INVALID_RESPONSE` when it is not the response to the request. */
  accept(response: TransportResponse): boolean {
    const read = this.#readFrom(response)
    this.#accepted = response
    this.#read = read
    // What is no success and has no ID comes from something in between, and a copy of it could not be recognised.
    return 'output' in read || (read.requestId !== undefined && read.awsCode !== 'Unknown')
  }

  /**
   * What a response says that the transport has delivered.
   *
   * @throws {ConnectionError} as {@link accept} does, where the transport has not asked.
   */
  read(response: TransportResponse): ReadResponse<Name> {
    return this.#accepted === response && this.#read !== undefined ? this.#read : this.#readFrom(response)
  }

  #readFrom(response: TransportResponse): ReadResponse<Name> {
    const { operation, input, key } = this.#asked
    if (response.statusCode >= 300) {
      const failure = readWireError(response)
      if (isOwnError(failure, input, key)) return failure
    } else {
      const output = readOutput(response, operation, this.endpoint.origin)
      if (isOwnOutput(operation, input, output)) return { output }
    }
    throw new ConnectionError(
      'INVALID_RESPONSE',
      `${this.endpoint.origin} answered ${operation} with the response to another request`,
      { retryable: true },
    )
  }
}

/** Whether two credentials are the same, of the same account. */
export function isSameCredentials(own: Credentials, given: Credentials): boolean {
  return (
    own.accessKeyId === given.accessKeyId &&
    own.secretAccessKey === given.secretAccessKey &&
    own.sessionToken === given.sessionToken &&
    own.accountId === given.accountId
  )
}

/** The version of this package, as package.json has it. */
export const VERSION = '0.1.0'

/** How this package names itself to AWS, with the name of the application where it has one. */
export function userAgent(appId: string | undefined): string {
  return `dynamodb-sessions/${VERSION}${appId === undefined ? '' : ` app/${appId}`}`
}

/**
 * Makes the function that finds the trace that a request belongs to, in AWS Lambda, which thereby recognises functions that
 * call themselves without an end; elsewhere there is none. The variable has another value in every invocation.
 */
export function lambdaTrace(
  environment: Readonly<Record<string, string | undefined>>,
): () => string | undefined {
  let isLambda: boolean | undefined
  return () => {
    isLambda ??= Boolean(environment['AWS_LAMBDA_FUNCTION_NAME'])
    const traceId = isLambda ? environment['_X_AMZN_TRACE_ID'] : undefined
    return traceId !== undefined && /^[\x21-\x7e]{1,1024}$/.test(traceId) ? traceId : undefined
  }
}

/** What the input of an operation tells about its response. */
export interface Asked {
  readonly TableName?: string | undefined
  readonly Key?: Item
  readonly ReturnValues?: string
  readonly Select?: string
  readonly UpdateExpression?: string
  readonly KeyConditionExpression?: string
  readonly ConditionExpression?: string
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>
  readonly ExpressionAttributeValues?: Item
  readonly TransactItems?: readonly {
    readonly Get?: { readonly Key: Item }
    readonly Put?: object
    readonly Delete?: object
  }[]
}

/** The operations whose outputs can have a field. Fields that are not here may come with any. */
const OPERATIONS_WITH: ReadonlyMap<string, ReadonlySet<Operation>> = new Map<string, ReadonlySet<Operation>>([
  ['Item', new Set(['GetItem'])],
  ['Attributes', new Set(['UpdateItem', 'DeleteItem'])],
  ['Items', new Set(['Scan', 'Query'])],
  ['Count', new Set(['Scan', 'Query'])],
  ['ScannedCount', new Set(['Scan', 'Query'])],
  ['LastEvaluatedKey', new Set(['Scan', 'Query'])],
  ['Responses', new Set(['TransactGetItems'])],
  ['Table', new Set(['DescribeTable'])],
  ['TableDescription', new Set(['CreateTable'])],
  ['TimeToLiveDescription', new Set(['DescribeTimeToLive'])],
  ['TimeToLiveSpecification', new Set(['UpdateTimeToLive'])],
])

/** An attribute that is set to a value as it is: `#name = :value`, and nothing behind. */
const ASSIGNMENT = /(#\w+) = (:\w+)(?=,| [A-Z]|$)/g

/** What the outputs of an operation have to be; those of the others can say nothing that could be wrong. */
const CHECKS: Partial<Record<Operation, (asked: Asked, output: JsonObject) => boolean>> = {
  GetItem: ({ Key }, output) => isItemAt(Key, output['Item']),
  UpdateItem: (asked, output) => isUpdated(asked, output['Attributes']),
  DeleteItem: (asked, output) => areOldAttributes(asked, output['Attributes']),
  Scan: isPage,
  Query: isPage,
  TransactGetItems: (asked, output) => areItemsOf(asked, output['Responses']),
  DescribeTable: (asked, output) => isOfTable(asked, output['Table']),
}

/**
 * Whether an output can be the one to a request: it has the fields that the output of the operation has, and is about the
 * items that were asked for.
 *
 * An output that says nothing, as that of most writes, can be the one to any such request.
 */
function isOwnOutput(operation: Operation, asked: Asked, output: object): boolean {
  if (!isJsonObject(output)) return false
  for (const field of Object.keys(output)) {
    if (OPERATIONS_WITH.get(field)?.has(operation) === false) return false
  }
  if (!isOfTable(asked, output['ConsumedCapacity'])) return false
  return CHECKS[operation]?.(asked, output) ?? true
}

/**
 * Whether an error can be the response to a request: nothing is said of conditions that it does not have, and the item that
 * did not meet the condition is the one that it was about.
 *
 * @param key of that item, where the input does not name it.
 */
function isOwnError({ awsCode, item }: WireError, asked: Asked, key: Item | undefined): boolean {
  switch (awsCode) {
    case 'ConditionalCheckFailedException':
      return asked.ConditionExpression !== undefined && isItemAt(key ?? asked.Key, item)
    case 'TransactionCanceledException':
      return asked.TransactItems !== undefined
    default:
      return true
  }
}

/**
 * Reads the output of an operation from a successful answer.
 *
 * @throws {ConnectionError} `INVALID_RESPONSE` when the answer is not a JSON object, or nothing but that: it would
 *   acknowledge writes, whoever gave it.
 */
function readOutput<Name extends Operation>(
  response: TransportResponse,
  operation: Name,
  origin: string,
): Output<Name> {
  const output = parseJson(response)
  if (isOutput<Name>(output) && isFromDynamoDB(response)) return output
  throw new ConnectionError(
    'INVALID_RESPONSE',
    `${origin} answered ${operation} with HTTP status ${response.statusCode} and something that is not DynamoDB's JSON; ` +
      'check that the endpoint is DynamoDB',
    { retryable: false },
  )
}

function isUpdated(asked: Asked, attributes: unknown): boolean {
  const { Key, ReturnValues, UpdateExpression = '' } = asked
  if (ReturnValues !== 'ALL_NEW') return attributes === undefined
  if (!isJsonObject(attributes) || !isItemAt(Key, attributes)) return false
  for (const [, name = '', value = ''] of UpdateExpression.matchAll(ASSIGNMENT)) {
    if (!hasValue(asked, attributes, name, value)) return false
  }
  return true
}

function areOldAttributes({ Key, ReturnValues }: Asked, attributes: unknown): boolean {
  return ReturnValues === 'ALL_OLD' ? isItemAt(Key, attributes) : attributes === undefined
}

function isPage(asked: Asked, output: JsonObject): boolean {
  const items = output['Items']
  const count = output['Count']
  if (asked.Select === 'COUNT') return typeof count === 'number'
  if (!Array.isArray(items) || (count !== undefined && count !== items.length)) return false
  const [, name, value] = /^(#\w+) = (:\w+)/.exec(asked.KeyConditionExpression ?? '') ?? []
  if (name === undefined || value === undefined) return true
  return items.every(item => isJsonObject(item) && hasValue(asked, item, name, value))
}

function areItemsOf({ TransactItems: actions = [] }: Asked, responses: unknown): boolean {
  if (!Array.isArray(responses) || responses.length !== actions.length) return false
  return responses.every((response: unknown, index) => {
    return isJsonObject(response) && isItemAt(actions[index]?.Get?.Key, response['Item'])
  })
}

/** Whether something is of the table that was asked, as far as it says so. */
function isOfTable({ TableName: asked }: Asked, described: unknown): boolean {
  const name = isJsonObject(described) ? described['TableName'] : undefined
  return asked === undefined || typeof name !== 'string' || ownName(name) === ownName(asked)
}

/** A table may be named by its ARN. */
function ownName(table: string): string {
  return table.slice(table.lastIndexOf('/') + 1)
}

/** Whether there is no item, or one that has this key. */
function isItemAt(key: Item | undefined, item: unknown): boolean {
  if (item === undefined || key === undefined) return true
  if (!isJsonObject(item)) return false
  for (const name of Object.keys(key)) {
    const value = key[name]
    if (value !== undefined && !isSameValue(item[name], value)) return false
  }
  return true
}

/** Whether an attribute has the value of the request that these placeholders stand for. */
function hasValue(
  { ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} }: Asked,
  item: JsonObject,
  name: string,
  value: string,
): boolean {
  const expected = values[value]
  return expected === undefined || isSameValue(item[names[name] ?? name], expected)
}

/** Compares what a key can be; of other types, and of numbers, DynamoDB may have written the same in another way. */
function isSameValue(found: unknown, expected: AttributeValue): boolean {
  if (!isJsonObject(found)) return false
  if ('S' in expected) return found['S'] === expected.S
  if ('B' in expected) return found['B'] === expected.B
  return 'N' in expected ? Number(found['N']) === Number(expected.N) : true
}

/** Every field of an output is optional, so that any JSON object is one; but what is not there is left out, and not null. */
function isOutput<Name extends Operation>(value: unknown): value is Output<Name> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { Item: item, Attributes: attributes }: { Item?: unknown; Attributes?: unknown } = value
  return item !== null && attributes !== null
}

/**
 * Whether an answer has anything that DynamoDB's have: the ID, or else the checksum or the content type, which are what
 * the stand-ins for DynamoDB without IDs give.
 */
function isFromDynamoDB({ headers }: TransportResponse): boolean {
  return (
    headers.has('x-amzn-requestid') ||
    headers.has('x-amz-crc32') ||
    headers.get('content-type')?.toLowerCase().startsWith('application/x-amz-json') === true
  )
}

function parseJson(response: TransportResponse): unknown {
  try {
    return JSON.parse(response.body.toString())
  } catch {
    // The text of the SyntaxError quotes the body, which can be session data (G9): it is not passed on.
    return undefined
  }
}
