import { randomBytes } from 'node:crypto'
import { open, readFile, realpath, rename, rm } from 'node:fs/promises'
import { codeOf } from '../../internal/core-objects.ts'
import type { JsonObject } from './service-call.ts'

/** A file in which AWS tools keep the tokens of a log-in, as it was found. */
export interface CacheFile {
  readonly path: string
  /** What the file on disk says, to tell whether somebody has written it since. */
  readonly text: string
  /** The JSON object in it, or what {@link updateCacheFile} could not write into it. */
  readonly content: JsonObject
}

/** A cache file that is not there or cannot be used. */
export class CacheFileError extends Error {
  static {
    this.prototype.name = 'CacheFileError'
  }

  /** Whether there is no such file, which is how things are before the first log-in. */
  readonly isMissing: boolean

  constructor(message: string, options: { readonly isMissing: boolean }) {
    super(message)
    this.isMissing = options.isMissing
  }
}

/**
 * Content that could not be written, by path: a refresh token works once, so what replaces it must not get lost where
 * the home directory is read-only. One entry at most for each log-in that is configured.
 */
const unwritten = new Map<string, CacheFile>()

/**
 * Reads a cache file.
 *
 * @throws {CacheFileError} when there is none, it cannot be read, or it is no JSON object. The message names the file
 *   and nothing of what is in it.
 */
export async function readCacheFile(path: string): Promise<CacheFile> {
  const text = await textOf(path)
  const kept = unwritten.get(path)
  if (kept?.text === text) return kept
  unwritten.delete(path)
  return { path, text, content: parsed(text, path) }
}

/**
 * Replaces the content of a cache file: readers see the old file or the new one, never a part of one, and only the
 * user may read it (mode 0600).
 *
 * A file that somebody has written or removed since it was read is left as it is: a log-in and a log-out are newer
 * than a refresh. What cannot be written is remembered by this process for as long as the file stays the same.
 *
 * @param file what was read before.
 */
export async function updateCacheFile(file: CacheFile, content: JsonObject): Promise<void> {
  try {
    if ((await readFile(file.path, 'utf8')) !== file.text) return
    await replaceFile(await realpath(file.path), `${JSON.stringify(content, undefined, 2)}\n`)
    unwritten.delete(file.path)
  } catch {
    unwritten.set(file.path, { ...file, content })
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = codeOf(error) ?? 'unknown error'
    if (code === 'ENOENT') throw new CacheFileError(`there is no file ${path}`, { isMissing: true })
    throw new CacheFileError(`the file ${path} cannot be read (${code})`, { isMissing: false })
  }
}

function parsed(text: string, path: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The message of a SyntaxError quotes the text, so it must not become the cause.
    throw new CacheFileError(`the file ${path} is not JSON, or has been cut short`, { isMissing: false })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  throw new CacheFileError(`the file ${path} is not a JSON object`, { isMissing: false })
}

async function replaceFile(path: string, text: string): Promise<void> {
  // Not `.json` at the end: AWS tools take every such file in the folder for a token.
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
