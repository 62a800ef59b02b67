/** A user ID that no user database knows. */
const NOBODY = 54_321

/**
 * Calls a function as a user that file permissions apply to: the tests may run as root, which they do not. The user has
 * no entry in the user database.
 */
export async function asOrdinaryUser<T>(action: () => T | Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return action()
  process.seteuid?.(NOBODY)
  try {
    return await action()
  } finally {
    process.seteuid?.(0)
  }
}
