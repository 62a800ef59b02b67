/**
 * Random values that must not repeat: session IDs, markers of writes, owners of locks, nonces.
 *
 * OpenSSL, of which Node has a copy of its own, keeps the state of its generator in the process, and takes new entropy from the
 * kernel once an hour. With SnapStart, Lambda runs many copies of one process: until then all of them draw the same values,
 * so there each is read from the kernel, which Lambda keeps apart.
 */
import { randomBytes as generatedBytes } from 'node:crypto'

import { processEnvironment } from './process-environment.ts'

const POOL_BYTES = 900

/** Whether this process is to be copied, or is a copy. */
const isCopied = processEnvironment()['AWS_LAMBDA_INITIALIZATION_TYPE'] === 'snap-start'

let device: number | undefined
let pool: Buffer = Buffer.alloc(0)
let usedBytes = 0

/**
 * Random bytes that no other process has, nor a copy of this one.
 *
 * Many are fetched at once: each time, the generator is asked for it, which takes longer than to sign a request. In a process
 * that is copied, nothing is drawn ahead.
 *
 * @param size up to 256: so many the kernel hands out in one piece.
 */
export function randomBytes(size: number): Buffer {
  if (isCopied) {
    const fs = process.getBuiltinModule('node:fs')
    const bytes = Buffer.alloc(size)
    fs.readSync((device ??= fs.openSync('/dev/urandom', 'r')), bytes)
    return bytes
  }
  if (usedBytes + size > pool.length) {
    pool = generatedBytes(POOL_BYTES)
    usedBytes = 0
  }
  return pool.subarray(usedBytes, (usedBytes += size))
}

/** The same in characters of base64url. */
export function randomText(size: number): string {
  return randomBytes(size).toString('base64url')
}
