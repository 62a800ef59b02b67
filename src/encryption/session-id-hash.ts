import { hash } from 'node:crypto'

/** Length of what {@link hashSessionId} returns. */
export const SESSION_ID_HASH_LENGTH = 43

/**
 * The name under which a session is stored: base64url of the SHA-256 of its ID.
 *
 * Whoever reads the table, a backup or a log of keys cannot get from it to a session ID that a server would
 * accept. Session IDs are long and random, so the hash needs neither salt nor stretching.
 */
export function hashSessionId(id: string): string {
  return hash('sha256', id, 'base64url')
}
