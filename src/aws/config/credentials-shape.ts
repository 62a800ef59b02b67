import type { Credentials } from '../../types.ts'
import { isDate } from '../../internal/core-objects.ts'

/** Whether a value can be used as credentials: the shape that {@link Credentials} describes. */
export function isCredentials(value: unknown): value is Credentials {
  if (typeof value !== 'object' || value === null) return false
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = value as Partial<
    Record<keyof Credentials, unknown>
  >
  return (
    isHeaderText(accessKeyId) &&
    isHeaderText(secretAccessKey) &&
    (sessionToken === undefined || isHeaderText(sessionToken)) &&
    (expiration === undefined || (isDate(expiration) && !Number.isNaN(expiration.getTime())))
  )
}

function isHeaderText(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)
}
