import { ConfigurationError, CredentialsError } from '../../errors.ts'
import { parseEndpoint } from '../http/endpoint.ts'
import type { ServiceFailure } from '../http/error-classification.ts'
import type { ResponseBody, TransportResponse } from '../http/transport.ts'
import { isTypeError } from '../../internal/core-objects.ts'
import type { ProviderContext } from './provider-context.ts'
import { callService } from './service-call.ts'

/** A JSON object whose properties have yet to be looked at. */
export type JsonObject = Readonly<Record<string, unknown>>

/** An unsigned request to a service that answers with JSON: the SSO portal, its token service, sign-in. */
export interface JsonCall {
  /** What the call is, for error messages: `sso:GetRoleCredentials`. */
  readonly name: string
  readonly method: 'GET' | 'POST'
  /** Absolute URL; its query is percent-encoded. */
  readonly url: string
  /** Header fields with lower-case names, without `host`. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
  /** Profile whose settings of calls count. */
  readonly profile: string
  /** Texts that no error may repeat. */
  readonly secrets: readonly string[]
}

/**
 * Sends the request, with retries.
 *
 * Of an error answer only codes reach the error, never its message, which may quote the request: the exception's name
 * as `awsCode`, and a code in the property `error` as `message`.
 *
 * @throws {ServiceCallError} for an error answer, {@link TransportError} or {@link DeadlineExceededError} when there
 *   was none, {@link CredentialsError} when the answer is no JSON object.
 */
export async function callForJson(call: JsonCall, context: ProviderContext): Promise<JsonObject> {
  const { secrets, ...request } = call
  const response = await callService(
    { ...request, readFailure: refusal => failureOf(refusal, secrets) },
    context,
  )
  const answer = jsonObjectIn(response.body)
  if (answer !== undefined) return answer
  throw new CredentialsError(
    `the answer of ${call.name} is not a JSON object; whatever answers at the endpoint may not be the service`,
  )
}

/**
 * URL of an operation: the service's endpoint, which may have a base path, and the path of the operation.
 *
 * @param endpoint what finds the URL of the endpoint.
 * @throws {CredentialsError} when the endpoint that is configured cannot be used.
 */
export function operationUrl(service: string, endpoint: () => string, path: string): string {
  try {
    const { origin, path: basePath } = parseEndpoint(endpoint())
    return origin + basePath + path
  } catch (error) {
    if (error instanceof ConfigurationError || isTypeError(error)) {
      throw new CredentialsError(`the endpoint configured for ${service} cannot be used: ${error.message}`, {
        cause: error,
      })
    }
    throw error
  }
}

/** A property that is a text and not empty. */
export function textIn(object: JsonObject, name: string): string | undefined {
  const value = object[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A property that is an object. */
export function objectIn(object: JsonObject, name: string): JsonObject | undefined {
  const value = object[name]
  return isObject(value) ? value : undefined
}

/** The instant that lies so many seconds ahead; `undefined` unless that is a positive number and a date. */
export function instantAfter(nowMs: number, seconds: unknown): Date | undefined {
  if (typeof seconds !== 'number' || !(seconds > 0)) return undefined
  const instant = new Date(nowMs + seconds * 1000)
  return Number.isNaN(instant.getTime()) ? undefined : instant
}

function jsonObjectIn(body: ResponseBody): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function failureOf(
  { statusCode, headers, body }: TransportResponse,
  secrets: readonly string[],
): ServiceFailure {
  const answer = jsonObjectIn(body) ?? {}
  const reason = codeIn(textIn(answer, 'error'), secrets)
  const name = headers.get('x-amzn-errortype') ?? textIn(answer, '__type') ?? textIn(answer, 'code')
  const awsCode = codeIn(name?.split(/[,:]/)[0]?.replace(/^.*#/, ''), secrets) ?? reason ?? 'Unknown'
  return { statusCode, awsCode, message: reason === undefined || reason === awsCode ? '' : reason }
}

function codeIn(text: string | undefined, secrets: readonly string[]): string | undefined {
  if (text === undefined || !/^[A-Za-z][\w.-]{0,63}$/.test(text)) return undefined
  const isTelling = secrets.some(secret => secret.includes(text) || (secret !== '' && text.includes(secret)))
  return isTelling ? undefined : text
}
