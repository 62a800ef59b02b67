import { hash } from 'node:crypto'

import { openClient } from '../store/open-client.ts'
import type { ItemTable } from '../items/item-table.ts'
import { isNative } from '../layouts/open-layout.ts'
import { SessionStore } from '../store/session-store.ts'
import { readStoreOptions, type StoreOptions } from '../options/store-options.ts'
import type { SessionData } from '../types.ts'
import { type CommandContext, storeOptionsIn } from './args.ts'
import { printable, UsageError, writeLine } from './output.ts'

/** How keys of sessions are made, and whether session IDs may be shown. */
export interface KeyNaming {
  readonly prefix: string
  readonly hashIds: boolean
  readonly showData: boolean
}

/** The sessions that a command is about. */
export interface OpenSessions {
  readonly sessions: SessionStore
  readonly items: ItemTable
  /** Whether sessions are moved here from elsewhere. */
  readonly isMoving: boolean
  readonly naming: KeyNaming
}

/**
 * The options of a store that the command line gives, completed from the environment as the store of the application
 * completes its own.
 *
 * @param more options that the command adds.
 * @throws {UsageError | TypeError} for values that make no sense.
 */
export function storeSettings(
  { args, environment }: Pick<CommandContext, 'args' | 'environment'>,
  more: StoreOptions = {},
): StoreOptions {
  return readStoreOptions<SessionData>({ ...storeOptionsIn(args), ...more }, environment)
}

/** Reaches the sessions of a store with these settings for as long as they are used. */
export async function withSessions(
  settings: StoreOptions,
  { args, environment }: CommandContext,
  use: (sessions: OpenSessions) => Promise<number | void>,
): Promise<number | void> {
  const sessions = new SessionStore(settings, openClient(settings, environment))
  try {
    const items = await sessions.itemTable()
    const naming = {
      prefix: settings.prefix ?? '',
      hashIds: isNative(settings) && (settings.hashIds ?? true),
      showData: args.has('show-data'),
    }
    return await use({ sessions, items, isMoving: settings.migrateFrom !== undefined, naming })
  } finally {
    await sessions.close()
  }
}

/** One session, as a command line names it. */
interface ChosenSession {
  readonly key: string
  /** `undefined` when only the key was given. */
  readonly id: string | undefined
}

/**
 * The session that a command is about: the session ID that stands on its own (`-` has it read from the standard
 * input), or the option `--key`.
 *
 * @returns `undefined` when it names none.
 * @throws {UsageError} when it names several.
 */
export async function chosenSession(
  { args, stdin }: CommandContext,
  { items }: OpenSessions,
): Promise<ChosenSession | undefined> {
  const [argument, ...more] = args.positionals
  const key = args.text('key')
  if (more.length > 0 || (argument !== undefined && key !== undefined)) {
    throw new UsageError(
      `one session at a time: give a session ID or --key (a text with blanks needs quotation marks)`,
    )
  }
  if (argument === undefined) return key === undefined ? undefined : { key, id: undefined }
  const id = argument === '-' ? await firstLine(stdin) : argument
  if (id === '') throw new UsageError('the session ID is empty')
  return { key: items.layout.keyOf(id), id }
}

/** Says so when a session ID leads nowhere because it is not one. */
export async function writeSignedCookieHint({ args, stderr }: CommandContext): Promise<void> {
  const [argument = ''] = args.positionals
  if (!/^s(?::|%3A)/i.test(argument)) return
  await writeLine(
    stderr,
    'this is the value of a signed cookie; the session ID is what is between "s:" and the last "."',
  )
}

const HASH = /^[\w-]{43}$/

/**
 * A key as it may be shown: a hash as it is; a session ID only when that is asked for, else something that tells it from
 * others and leads nowhere.
 */
export function shownKey(key: string, { prefix, hashIds, showData }: KeyNaming): string {
  const name = key.startsWith(prefix) ? key.slice(prefix.length) : key
  if (showData || (hashIds && HASH.test(name))) return printable(key)
  return `${printable(key.startsWith(prefix) ? prefix : '')}(hidden ${hash('sha256', key, 'hex').slice(0, 10)})`
}

async function firstLine(stdin: AsyncIterable<unknown>): Promise<string> {
  let text = ''
  for await (const chunk of stdin) {
    text += String(chunk)
    if (text.includes('\n')) break
  }
  return text.split(/\r?\n/, 1)[0] ?? ''
}
