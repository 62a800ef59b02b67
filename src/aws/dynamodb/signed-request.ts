import type { Credentials } from '../../types.ts'
import type { EndpointSettings } from '../config/service-endpoint.ts'
import { type Endpoint, parseEndpoint } from '../http/endpoint.ts'
import { type EncodedRequest, encodeHead, type ResponseRecipient } from '../http/transport.ts'
import { type Header, SignatureTemplate } from '../sigv4/sign.ts'
import { endpointUrlFor, signingRegionFor } from './endpoint-rules.ts'
import type { Operation } from './operations.ts'

/** Settings that the requests of a client depend on. */
export interface RequestSettings extends EndpointSettings {
  /** Name of the application, for the `User-Agent`. */
  readonly appId?: string | undefined
}

/** What a request may take, who may give it up, and who judges the response. */
export type RequestTerms = Pick<
  EncodedRequest,
  'connectTimeoutMs' | 'attemptTimeoutMs' | 'deadlineAtMs' | 'signal' | 'onDoubt'
>

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
      isSame(known.credentials, credentials)
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

/** The request of an operation, signed when it is made. */
export class SignedRequest implements EncodedRequest {
  readonly endpoint: Endpoint
  readonly method = 'POST'
  readonly head: string
  readonly body: string
  readonly connectTimeoutMs: number
  readonly attemptTimeoutMs: number
  readonly deadlineAtMs: number
  readonly signal: AbortSignal | undefined
  readonly recipient: ResponseRecipient
  readonly onDoubt: (() => void) | undefined

  constructor(
    { endpoint, head, signature }: RequestTemplate,
    body: string,
    recipient: ResponseRecipient,
    { connectTimeoutMs, attemptTimeoutMs, deadlineAtMs, signal, onDoubt }: RequestTerms,
  ) {
    this.endpoint = endpoint
    this.head = head + signature.signatureOf(body)
    this.body = body
    this.connectTimeoutMs = connectTimeoutMs
    this.attemptTimeoutMs = attemptTimeoutMs
    this.deadlineAtMs = deadlineAtMs
    this.signal = signal
    this.recipient = recipient
    this.onDoubt = onDoubt
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
}

function isSame(own: Credentials, given: Credentials): boolean {
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
