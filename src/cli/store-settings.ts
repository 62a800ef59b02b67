import type { DynamoDBClient } from '../aws/dynamodb/client.ts'
import { openClient } from '../store/open-client.ts'
import type { ItemTable } from '../items/item-table.ts'
import { isNative, openNativeLayout } from '../layouts/open-layout.ts'
import { sessionsOf } from '../store/native-sessions.ts'
import { checkStoreLayout } from '../options/option-layouts.ts'
import { readOptions } from '../options/option.ts'
import type { Sessions } from '../store/sessions.ts'
import { type SessionStoreOptions, storeOptionSpecs } from '../options/store-options.ts'
import type { SessionData } from '../types.ts'
import { UsageError } from './command.ts'
import type { KeyNaming } from './format.ts'
import type { Invocation } from './invocation.ts'
import type { CommandLineIo } from './io.ts'

/** The options of a store as the command line and the environment give them, checked. */
export type StoreSettings = Partial<SessionStoreOptions>

/** The sessions that a command is about. */
export interface OpenSessions {
  readonly sessions: Sessions<SessionData>
  readonly items: ItemTable
  /** Whether sessions are moved here from elsewhere. */
  readonly isMoving: boolean
  readonly naming: KeyNaming
  close(): Promise<void>
}

/**
 * The options of a store that the command line gives, completed from the environment as the store of the application
 * completes its own.
 *
 * @param more options that the command adds.
 * @throws {UsageError | TypeError} for values that make no sense.
 */
export function storeSettings(
  invocation: Invocation,
  { environment }: Pick<CommandLineIo, 'environment'>,
  more: SessionStoreOptions = {},
): StoreSettings {
  if (invocation.has('hash-ids') && invocation.has('no-hash-ids')) {
    throw new UsageError('--hash-ids and --no-hash-ids exclude each other')
  }
  const given: SessionStoreOptions = {
    table: invocation.text('table'),
    region: invocation.text('region'),
    endpoint: invocation.text('endpoint'),
    profile: invocation.text('profile'),
    partitionKey: invocation.text('partition-key'),
    layout: layoutNamed(invocation.text('layout')),
    prefix: invocation.text('prefix'),
    hashIds: invocation.has('hash-ids') ? true : invocation.has('no-hash-ids') ? false : undefined,
    ...more,
  }
  const settings = readOptions<SessionStoreOptions>(given, storeOptionSpecs<SessionData>(), environment)
  checkStoreLayout(settings, given)
  return settings
}

/** Reaches the sessions of a store with these settings. Whoever calls this closes them. */
export async function openSessions(
  settings: StoreSettings,
  invocation: Invocation,
  { environment }: Pick<CommandLineIo, 'environment'>,
): Promise<OpenSessions> {
  const client = openClient(settings, environment)
  const sessions = await sessionsAt(client, settings)
  return {
    sessions,
    items: sessions.items,
    isMoving: settings.migrateFrom !== undefined,
    naming: {
      prefix: settings.prefix ?? '',
      hashIds: isNative(settings) && (settings.hashIds ?? true),
      showData: invocation.has('show-data'),
    },
    close: () => client.close(),
  }
}

/** The sessions of a store with these settings, by way of a client. */
export async function sessionsAt(
  client: DynamoDBClient,
  settings: StoreSettings,
): Promise<Sessions<SessionData>> {
  if (isNative(settings) && settings.migrateFrom === undefined) {
    return sessionsOf(client, settings, openNativeLayout(settings))
  }
  const { openSessions: open } = await import('../store/open-sessions.ts')
  return open(client, settings)
}

/** One session, as an invocation names it. */
export interface ChosenSession {
  readonly key: string
  /** `undefined` when only the key was given. */
  readonly id: string | undefined
}

/**
 * The session that an invocation is about: the session ID that stands on its own (`-` has it read from the standard
 * input), or the option `--key`.
 *
 * @returns `undefined` when it names none.
 * @throws {UsageError} when it names several.
 */
export async function chosenSession(
  invocation: Invocation,
  { items }: OpenSessions,
  { stdin }: CommandLineIo,
): Promise<ChosenSession | undefined> {
  const [argument, ...more] = invocation.positionals
  const key = invocation.text('key')
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

/** What to say when a session ID leads nowhere because it is not one; `undefined` when it looks right. */
export function signedCookieHint(invocation: Invocation): string | undefined {
  const [argument = ''] = invocation.positionals
  if (!/^s(?::|%3A)/i.test(argument)) return undefined
  return 'this is the value of a signed cookie; the session ID is what is between "s:" and the last "."'
}

async function firstLine(stdin: AsyncIterable<unknown>): Promise<string> {
  let text = ''
  for await (const chunk of stdin) {
    text += String(chunk)
    if (text.includes('\n')) break
  }
  return text.split(/\r?\n/, 1)[0] ?? ''
}

/** The specification of the option decides whether there is such a layout. */
function layoutNamed(text: string | undefined): StoreSettings['layout'] {
  return text as StoreSettings['layout']
}
