import { codeOf, isError } from '../../internal/core-objects.ts'
import { foreignText } from '../../internal/foreign-text.ts'

/** The texts of TLS errors quote certificates. */
const MAX_REASON_LENGTH = 300

const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** The reason to put behind a message: the code of a system error, or its text. */
export function because(cause: Error | undefined): string {
  if (cause === undefined) return ''
  return ` (${foreignText(errorCode(cause) ?? cause.message, MAX_REASON_LENGTH)})`
}

/** Code of a system error; where both address families were tried, the code of the first failure. */
export function errorCode(error: unknown): string | undefined {
  const errors: unknown = isError(error) ? Reflect.get(error, 'errors') : undefined
  return codeOf(error) ?? (Array.isArray(errors) ? codeOf(errors[0]) : undefined)
}

/** Whether a system error with this code may not happen again: the ones that the AWS SDKs retry. */
export function isTransientCode(code: string): boolean {
  return TRANSIENT_CODES.has(code)
}
