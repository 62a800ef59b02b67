import { ConnectionError } from '../../errors.ts'
import { isJsonObject } from '../../internal/core-objects.ts'
import type { Credentials, Item } from '../../types.ts'
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
import { isOwnError, isOwnOutput } from './response-match.ts'
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
export type RequestLimits = Pick<
  EncodedRequest,
  'connectTimeoutMs' | 'attemptTimeoutMs' | 'deadlineAtMs' | 'limitAtMs'
>

/** How a request is sent that may have a hedge, in place of the signal of its caller: both are the same there. */
export type HedgedSending = Pick<EncodedRequest, 'signal' | 'sentTo' | 'isHedge'>

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
  readonly limitAtMs: number
  readonly signal: AbortSignal | undefined
  readonly onDoubt: (() => void) | undefined
  readonly sentTo: Set<string> | undefined
  readonly isHedge: boolean
  readonly #template: RequestTemplate
  readonly #asked: AskedOperation<Name>
  #accepted: TransportResponse | undefined
  #read: ReadResponse<Name> | undefined

  constructor(
    template: RequestTemplate,
    asked: AskedOperation<Name>,
    { connectTimeoutMs, attemptTimeoutMs, deadlineAtMs, limitAtMs = deadlineAtMs }: RequestLimits,
    { signal, sentTo, isHedge = false }: HedgedSending = asked,
  ) {
    const { endpoint, head, signature } = template
    this.endpoint = endpoint
    this.head = head + signature.signatureOf(asked.body)
    this.body = asked.body
    this.connectTimeoutMs = connectTimeoutMs
    this.attemptTimeoutMs = attemptTimeoutMs
    this.deadlineAtMs = deadlineAtMs
    this.limitAtMs = limitAtMs
    this.signal = signal
    this.onDoubt = asked.onDoubt
    this.sentTo = sentTo
    this.isHedge = isHedge
    this.#template = template
    this.#asked = asked
  }

  /**
   * The same request once more, to be sent while this one is under way.
   *
   * @param afterMs how long this one has been under way: both end at the same time, at the latest.
   */
  hedge(afterMs: number): OperationRequest<Name> {
    const { connectTimeoutMs, attemptTimeoutMs, deadlineAtMs, limitAtMs, signal, sentTo } = this
    const limits = {
      connectTimeoutMs,
      attemptTimeoutMs: Math.max(1, attemptTimeoutMs - afterMs),
      deadlineAtMs,
      limitAtMs,
    }
    return new OperationRequest(this.#template, this.#asked, limits, { signal, sentTo, isHedge: true })
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
      `${this.endpoint.origin} responded to ${operation} with the response to another request`,
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
    `${origin} responded to ${operation} with HTTP status ${response.statusCode} and something that is not DynamoDB's JSON; ` +
      'check that the endpoint is DynamoDB',
    { retryable: false },
  )
}

/** Every field of an output is optional, so that any JSON object is one; but what is not there is left out, and not null. */
function isOutput<Name extends Operation>(value: unknown): value is Output<Name> {
  return isJsonObject(value) && value['Item'] !== null && value['Attributes'] !== null
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
