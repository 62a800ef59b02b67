import { randomBytes } from 'node:crypto'

const REVISION_BYTES = 9
const REVISIONS_AT_ONCE = 100

let random: Buffer | undefined
let used = 0

/**
 * A random mark for one write: what tells it from every other write of the session.
 *
 * The randomness for many marks is fetched at once: each time, the system is asked for it, which takes longer than to sign a
 * request.
 */
export function newRevision(): string {
  if (random === undefined || used === random.length) {
    random = randomBytes(REVISION_BYTES * REVISIONS_AT_ONCE)
    used = 0
  }
  const start = used
  used += REVISION_BYTES
  return random.toString('base64url', start, used)
}
