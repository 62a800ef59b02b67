import { createHash, randomBytes } from 'node:crypto'

/** A session ID that nobody else uses: 40 letters and digits, because Laravel takes no others. */
export function newId(): string {
  return randomBytes(20).toString('hex')
}

/** A prefix that nobody else uses and that is not the beginning of another. */
export function newPrefix(): string {
  return `${randomBytes(6).toString('hex')}:`
}

/** What a store writes instead of a session ID with `hashIds`, worked out without any code of the package. */
export function hashed(id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}
