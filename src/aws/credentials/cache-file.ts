import { randomBytes } from 'node:crypto'
import { open, readFile, realpath, rename, rm } from 'node:fs/promises'
import { CredentialsError } from '../../errors.ts'
import { codeOf } from '../../internal/core-objects.ts'
import { parseJsonObject } from './credentials-document.ts'
import type { JsonObject } from './provider.ts'

/** A file in which AWS tools keep the tokens of a log-in, as it was found. */
export interface CacheFile {
  readonly path: string
  /** What the file on disk says, to tell whether somebody has written it since. */
  readonly text: string
  /** The JSON object in it, or what {@link updateCacheFile} could not write into it. */
  readonly content: JsonObject
}

/**
 * Content that could not be written, by path: a refresh token works once, so what replaces it must not get lost where
 * the home directory is read-only. One entry at most for each log-in that is configured.
 */
const unwritten = new Map<string, CacheFile>()

/**
 * Reads a cache file.
 *
 * @throws {CredentialsError} when it cannot be read, or is no JSON object; with `tryNextProvider` when there is none, as
 *   before the first log-in. The message names the file and nothing of what is in it.
 */
export async function readCacheFile(path: string): Promise<CacheFile> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const code = codeOf(error) ?? 'unknown error'
    throw code === 'ENOENT'
      ? new CredentialsError(`there is no file ${path}`, { tryNextProvider: true })
      : new CredentialsError(`the file ${path} cannot be read (${code})`)
  })
  const kept = unwritten.get(path)
  if (kept?.text === text) return kept
  unwritten.delete(path)
  return { path, text, content: parseJsonObject(text, `the file ${path}`) }
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
