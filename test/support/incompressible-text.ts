import { randomBytes } from 'node:crypto'

/** Text of so many bytes of UTF-8 that no compression makes smaller than three quarters of that. */
export function incompressibleText(bytes: number): string {
  return randomBytes(bytes).toString('base64').slice(0, bytes)
}
