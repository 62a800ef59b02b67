import { ownVariables, unreadVariables } from '../../session/unread-variables.ts'
import { type Check, check } from './check.ts'

/** Finds environment variables that were meant to be settings of this package and are none. */
export function checkVariables(environment: Readonly<Record<string, string | undefined>>): Check {
  const unread = unreadVariables(environment)
  if (unread.length > 0) {
    return check('warn', 'variables', unread.join('; '), 'correct the name, or remove the variable')
  }
  const own = ownVariables(environment)
  const found = own.length === 0 ? 'no DYNAMODB_SESSIONS_* is set' : `known: ${own.sort().join(', ')}`
  return check('pass', 'variables', found)
}
