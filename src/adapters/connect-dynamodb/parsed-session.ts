import type { SessionData } from 'express-session'

/** Answer of `GetItem` in the format of the AWS SDK, as far as it is looked at. */
export interface GetItemAnswer {
  readonly Item?: Readonly<Record<string, unknown>> | undefined
}

/** More seconds than this are milliseconds, as the first versions of connect-dynamodb wrote them. */
const LARGEST_SECONDS = 1e11

/** The session in an item of connect-dynamodb; `null` when there is none, it cannot be read or it has expired. */
export function parsedSession({ Item: item }: GetItemAnswer, nowMs: number): SessionData | null {
  const text = typed(item?.['sess'], 'S')
  if (text === undefined) return null
  const expires = Number(typed(item?.['expires'], 'N') ?? Infinity)
  if ((expires > LARGEST_SECONDS ? expires : expires * 1000) <= nowMs) return null
  try {
    const session: unknown = JSON.parse(text)
    return isSession(session) ? session : null
  } catch {
    return null
  }
}

function typed(value: unknown, type: 'S' | 'N'): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const text: unknown = Reflect.get(value, type)
  return typeof text === 'string' ? text : undefined
}

function isSession(value: unknown): value is SessionData {
  return typeof value === 'object' && value !== null
}
