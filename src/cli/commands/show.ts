import { itemSizeBytes, MAX_ITEM_BYTES } from '../../aws/dynamodb/item-size.ts'
import { blobFromBase64, readHead } from '../../encryption/blob.ts'
import { DynamoDBSessionsError } from '../../errors.ts'
import type { ItemTable } from '../../items/item-table.ts'
import type { StoredSession } from '../../layouts/layout.ts'
import { binaryOf } from '../../layouts/attributes.ts'
import type { Item } from '../../types.ts'
import { type Command, declared, writeResult } from '../args.ts'
import {
  byteSize,
  counted,
  duration,
  EXIT,
  fields,
  isoTime,
  printable,
  UsageError,
  writeLine,
} from '../output.ts'
import {
  chosenSession,
  type KeyNaming,
  shownKey,
  storeSettings,
  withSessions,
  writeSignedCookieHint,
} from '../store-settings.ts'

interface ShownSession {
  readonly key: string
  readonly nowMs: number
  readonly live: boolean
  readonly createdMs: number | undefined
  readonly expiresMs: number
  readonly lockedUntilMs: number | undefined
  readonly sizeBytes: number
  readonly storedAs: string
  /** What was read, or why it cannot be. */
  readonly content: StoredSession | DynamoDBSessionsError
}

const HIDDEN = 'hidden; --show-data shows it'

/** `dynamodb-sessions show` */
export const command: Command = {
  usage: ['<session ID>', '-', '--key <key>'],
  description: [
    'Shows one session: when it began and expires, its size, how it is stored and whether it is locked. The session data ' +
      'and the user ID are shown only with --show-data.',
    'A session ID on the command line stays in the history of the shell and can be seen by other processes while the ' +
      'command runs. With "-" it is read from the standard input. With --key the session is named by the key that list shows.',
    'An encrypted session needs its key in DYNAMODB_SESSIONS_ENCRYPTION. The exit code is 4 when there is no such ' +
      'session, or it has expired.',
  ],
  options: declared({
    'key <key>': 'the key of the item, as list shows it, instead of a session ID',
    'show-data': 'show the session data and the user ID',
  }),
  examples: {
    'A session, by the key that list shows:': 'show --key n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
    'By its ID, which does not get into the history of the shell:': 'show - < session-id.txt',
    'What is in it:': 'show --show-data --json - < session-id.txt',
  },
  run: context =>
    withSessions(storeSettings(context), context, async sessions => {
      const { items, naming } = sessions
      const chosen = await chosenSession(context, sessions)
      if (chosen === undefined)
        throw new UsageError('show needs a session: show <session ID>, show - or show --key <key>')
      const item = await items.get(chosen.key, true, { signal: context.signal })
      if (item === undefined) {
        await writeLine(context.stderr, 'there is no such session')
        await writeSignedCookieHint(context)
        return EXIT.noSuchSession
      }
      const shown = await readItem(items, chosen.key, item)
      await writeResult(context, asJson(shown, naming), asText(shown, naming))
      if (!shown.live) return EXIT.noSuchSession
      return shown.content instanceof DynamoDBSessionsError ? EXIT.failure : EXIT.ok
    }),
}

async function readItem(items: ItemTable, key: string, item: Item): Promise<ShownSession> {
  const { layout, clock } = items
  const untilMs = layout.lock?.holderOf(item)?.untilMs
  return {
    key,
    nowMs: clock.now(),
    live: items.isLive(item, clock.now()),
    createdMs: layout.createdOf(item),
    expiresMs: items.expiryOf(item),
    lockedUntilMs: untilMs !== undefined && untilMs > clock.serverNow().earliestMs ? untilMs : undefined,
    sizeBytes: itemSizeBytes(item),
    storedAs: storedForm(item),
    content: await contentOf(items, item),
  }
}

async function contentOf(items: ItemTable, item: Item): Promise<ShownSession['content']> {
  try {
    return await items.open(item)
  } catch (error) {
    if (error instanceof DynamoDBSessionsError) return error
    throw error
  }
}

function storedForm(item: Item): string {
  const sealed = binaryOf(item['data'])
  if (sealed === undefined) return 'text'
  try {
    const { compressed, encrypted } = readHead(blobFromBase64(sealed))
    return [compressed ? 'compressed' : '', encrypted ? 'encrypted' : ''].filter(Boolean).join(', ')
  } catch {
    return 'unknown bytes'
  }
}

function asJson(shown: ShownSession, naming: KeyNaming): object {
  const { createdMs, expiresMs, lockedUntilMs, sizeBytes, storedAs, content } = shown
  const isUnreadable = content instanceof DynamoDBSessionsError
  return {
    key: shownKey(shown.key, naming),
    live: shown.live,
    created: createdMs === undefined ? undefined : isoTime(createdMs),
    expires: isoTime(expiresMs),
    expiresMs,
    lockedUntil: lockedUntilMs === undefined ? undefined : isoTime(lockedUntilMs),
    sizeBytes,
    storedAs,
    ...(isUnreadable && { problem: { code: content.code, message: content.message } }),
    ...(naming.showData && !isUnreadable && { user: content.user, data: content.data }),
  }
}

function asText(shown: ShownSession, naming: KeyNaming): string {
  const { nowMs, live, createdMs, expiresMs, lockedUntilMs, content } = shown
  const since = (ms: number): string => duration(nowMs - ms)
  const expiry = live
    ? `in ${since(expiresMs)}`
    : `expired ${since(expiresMs)} ago: applications do not see it any more`
  const rows: [string, string][] = [
    ['key', shownKey(shown.key, naming)],
    ['created', createdMs === undefined ? 'unknown' : `${isoTime(createdMs)} (${since(createdMs)} ago)`],
    ['expires', `${isoTime(expiresMs)} (${expiry})`],
    ['locked', lockedUntilMs === undefined ? 'no' : `for ${since(lockedUntilMs)}, unless that is renewed`],
    ['size', `${byteSize(shown.sizeBytes)} of ${byteSize(MAX_ITEM_BYTES)}`],
    ['stored as', shown.storedAs],
  ]
  if (content instanceof DynamoDBSessionsError) {
    return fields([...rows, ['data', `cannot be read: ${content.message}`]])
  }
  const { user, data } = content
  rows.push(['user', user === undefined ? 'nobody' : naming.showData ? printable(user) : HIDDEN])
  if (naming.showData) return `${fields(rows)}\ndata\n${printable(JSON.stringify(data, undefined, 2))}`
  return fields([...rows, ['data', `${counted(Object.keys(data).length, 'key')}, ${HIDDEN}`]])
}
