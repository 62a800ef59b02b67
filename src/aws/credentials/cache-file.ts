import { randomBytes } from 'node:crypto'
import { open, readFile, realpath, rename, rm } from 'node:fs/promises'
import { CredentialsError } from '../../errors.ts'
import { codeOf, type JsonObject, messageOf } from '../../internal/core-objects.ts'
import { Deadline } from '../../internal/deadline.ts'
import { type Flights, sharedFlight } from '../../internal/keyed-calls.ts'
import type { Clock } from '../../types.ts'
import { parseJsonObject } from './credentials-document.ts'

/** A file in which AWS tools keep the tokens of a log-in, as it was found. */
interface CacheFile {
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

/** Replaces a file: readers see the old one or the new one, and nothing of the new one stays when it cannot be written. */
export async function replaceFile(path: string, text: string, mode = 0o600): Promise<void> {
  // Not `.json` at the end: AWS tools take every such file in the folder for a token.
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`
  try {
    const handle = await open(temporary, 'wx', mode)
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

/** A log-in that an AWS tool made, whose token is in a cache file. */
export interface CachedLogin<Token extends { readonly expiresAtMs: number }> {
  /** Its cache file. */
  readonly path: string
  /** What it is, for error messages: `the SSO session "work"`. */
  readonly described: string
  /** What is wrong when there is no file, to follow the description: `is not logged in`. */
  readonly absent: string
  /** What is wrong when the file is of no use: `has no usable token`. */
  readonly unusable: string
  /** What to do about both: `run "aws sso login --sso-session work"`. */
  readonly remedy: string
  /** Reads the content of the file; a text says what is lacking, and repeats nothing of what is there. */
  readonly tokenIn: (content: JsonObject) => Token | string
  /**
   * Gets a new token, and returns what the file has to say then; `undefined` when it is too early for that. Absent for a
   * log-in that knows no refresh.
   */
  readonly refresh?: (token: Token, content: JsonObject) => Promise<JsonObject | undefined>
  /** What to say before the remedy when a failed refresh shows that the log-in is over, valid though its token seems. */
  readonly endingOf?: (error: unknown) => string | undefined
  /** The same when a refresh failed for a reason and there is no valid token. */
  readonly notRefreshed: (reason: string) => string
}

const REFRESH_WINDOW_MS = 5 * 60_000
/** Longer than the call of a service may take: a refresh token works once, so two refreshes side by side do harm. */
const HUNG_AFTER_MS = 20_000

/** Callers of the same file share one refresh. One entry at most for each log-in that is in use. */
const flights: Flights<CacheFile> = new Map()

/**
 * The token of a log-in: as it is in the cache file while it has more than five minutes left, else refreshed and written
 * back. One that could not be refreshed is used for as long as it is valid, unless the log-in is over.
 *
 * @throws {CredentialsError} when there is no token, or it has expired and could not be refreshed. It ends a chain.
 */
export async function cachedToken<Token extends { readonly expiresAtMs: number }>(
  login: CachedLogin<Token>,
  clock: Clock,
): Promise<Token> {
  // The file is read within the flight: a caller that had read it before would refresh what is refreshed already.
  const current = await sharedFlight(flights, login.path, new Deadline(HUNG_AFTER_MS), async () => {
    const { file, token } = await readToken(login)
    const { refresh, endingOf, notRefreshed, remedy } = login
    if (refresh === undefined || token.expiresAtMs - clock.now() > REFRESH_WINDOW_MS) return file
    try {
      const content = await refresh(token, file.content)
      if (content === undefined) return file
      await updateCacheFile(file, content)
      return { ...file, content }
    } catch (error) {
      // A refresh token works once: another process may have been the one to use it.
      const latest = await readToken(login).catch(() => ({ file, token }))
      const isReplaced = latest.file.text !== file.text
      const ending = endingOf?.(error)
      if (latest.token.expiresAtMs > clock.now() && (isReplaced || ending === undefined)) return latest.file
      const said = ending ?? notRefreshed(messageOf(error) ?? 'unknown error')
      throw new CredentialsError(`${said} ${remedy}`, { cause: error })
    }
  })
  return tokenOf(login, current)
}

async function readToken<Token extends { readonly expiresAtMs: number }>(
  login: CachedLogin<Token>,
): Promise<{ readonly file: CacheFile; readonly token: Token }> {
  const { path, described, absent, unusable, remedy } = login
  const file = await readCacheFile(path).catch((error: unknown) => {
    if (!(error instanceof CredentialsError)) throw error
    const trouble = error.tryNextProvider ? absent : unusable
    throw new CredentialsError(`${described} ${trouble}: ${error.message}; ${remedy}`)
  })
  return { file, token: tokenOf(login, file) }
}

function tokenOf<Token extends { readonly expiresAtMs: number }>(
  { path, described, unusable, remedy, tokenIn }: CachedLogin<Token>,
  { content }: CacheFile,
): Token {
  const found = tokenIn(content)
  if (typeof found !== 'string') return found
  throw new CredentialsError(`${described} ${unusable}: the file ${path} lacks ${found}; ${remedy}`)
}
