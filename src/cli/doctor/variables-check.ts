import { ownVariables, unreadVariables } from '../../options/environment.ts'
import { type Check, check } from './check.ts'
import { ignoredSettings } from './ignored-settings.ts'

/**
 * Finds environment variables that were meant to be settings of this package and are none, and settings of the AWS SDK that
 * have no effect here.
 */
export async function checkVariables(
  environment: Readonly<Record<string, string | undefined>>,
  profile: string | undefined,
): Promise<Check> {
  const unread = unreadVariables(environment)
  const ignored = await ignoredSettings(environment, profile)
  if (unread.length + ignored.length > 0) {
    const fix =
      ignored.length === 0
        ? 'correct the name, or remove the variable'
        : 'correct or remove them, or leave them to what else reads them'
    return check('warn', 'variables', [...unread, ...ignored].join('; '), fix)
  }
  const own = ownVariables(environment)
  const found = own.length === 0 ? 'no DYNAMODB_SESSIONS_* is set' : `known: ${own.sort().join(', ')}`
  return check('pass', 'variables', found)
}
