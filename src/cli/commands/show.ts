import { itemSizeBytes, MAX_ITEM_BYTES } from '../../aws/dynamodb/item-size.ts'
import { DynamoDBSessionsError } from '../../errors.ts'
import { binaryOf } from '../../layouts/attributes.ts'
import type { StoredSession } from '../../layouts/layout.ts'
import { blobFromBase64, readHead } from '../../encryption/blob-format.ts'
import type { ItemTable } from '../../items/item-table.ts'
import type { Item } from '../../types.ts'
import { type Command, EXIT, UsageError } from '../command.ts'
import { byteSize, counted, duration, fields, isoTime, printable, shownKey } from '../format.ts'
import { type CommandLineIo, writeJson, writeLine } from '../io.ts'
import {
  chosenSession,
  type OpenSessions,
  openSessions,
  signedCookieHint,
  storeSettings,
} from '../store-settings.ts'

interface ShownSession {
  readonly key: string
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
export const showCommand: Command = {
  usage: ['<session ID>', '-', '--key <key>'],
  description: [
    'Shows one session: when it began and expires, its size, how it is stored and whether it is locked. The session data ' +
      'and the user ID are shown only with --show-data.',
    'A session ID on the command line stays in the history of the shell and can be seen by other processes while the ' +
      'command runs. With "-" it is read from the standard input. With --key the session is named by the key that list shows.',
    'An encrypted session needs its key in DYNAMODB_SESSIONS_ENCRYPTION. The exit code is 4 when there is no such ' +
      'session, or it has expired.',
  ],
  options: [
    {
      name: 'key',
      value: 'key',
      description: 'the key of the item, as list shows it, instead of a session ID',
    },
    { name: 'show-data', description: 'show the session data and the user ID' },
  ],
  examples: [
    {
      what: 'A session, by the key that list shows:',
      line: 'show --key n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
    },
    { what: 'By its ID, which does not get into the history of the shell:', line: 'show - < session-id.txt' },
    { what: 'What is in it:', line: 'show --show-data --json - < session-id.txt' },
  ],
  run: async (invocation, io) => {
    const sessions = await openSessions(storeSettings(invocation, io), invocation, io)
    try {
      const chosen = await chosenSession(invocation, sessions, io)
      if (chosen === undefined)
        throw new UsageError('show needs a session: show <session ID>, show - or show --key <key>')
      const { key } = chosen
      const item = await sessions.items.get(key, true, { signal: io.signal })
      if (item === undefined) {
        await writeLine(io.stderr, 'there is no such session')
        const hint = signedCookieHint(invocation)
        if (hint !== undefined) await writeLine(io.stderr, hint)
        return EXIT.noSuchSession
      }
      const shown = await readItem(sessions, key, item)
      if (invocation.has('json')) await writeJson(io.stdout, asJson(shown, sessions))
      else await writeText(shown, sessions, io)
      if (!shown.live) return EXIT.noSuchSession
      return shown.content instanceof DynamoDBSessionsError ? EXIT.failure : EXIT.ok
    } finally {
      await sessions.close()
    }
  },
}

async function readItem({ items }: OpenSessions, key: string, item: Item): Promise<ShownSession> {
  const { layout, clock } = items
  const createdMs = layout.createdOf(item)
  const holder = layout.lock?.holderOf(item)
  return {
    key,
    live: items.isLive(item, clock.now()),
    createdMs,
    expiresMs: Math.min(layout.expiryOf(item), items.latestExpiryMs(createdMs)),
    lockedUntilMs:
      holder?.untilMs !== undefined && holder.untilMs > items.clock.serverNow().earliestMs
        ? holder.untilMs
        : undefined,
    sizeBytes: itemSizeBytes(item),
    storedAs: storedForm(item),
    content: await openOrSayWhyNot(items, item),
  }
}

async function openOrSayWhyNot(items: ItemTable, item: Item): Promise<StoredSession | DynamoDBSessionsError> {
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

function asJson(shown: ShownSession, { naming }: OpenSessions): object {
  const { key, live, createdMs, expiresMs, lockedUntilMs, sizeBytes, storedAs, content } = shown
  const isUnreadable = content instanceof DynamoDBSessionsError
  return {
    key: shownKey(key, naming),
    live,
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

async function writeText(
  shown: ShownSession,
  { naming, items }: OpenSessions,
  { stdout }: CommandLineIo,
): Promise<void> {
  const { content, createdMs, expiresMs, lockedUntilMs } = shown
  const nowMs = items.clock.now()
  const rows: [string, string][] = [
    ['key', shownKey(shown.key, naming)],
    [
      'created',
      createdMs === undefined ? 'unknown' : `${isoTime(createdMs)} (${duration(nowMs - createdMs)} ago)`,
    ],
    [
      'expires',
      shown.live
        ? `${isoTime(expiresMs)} (in ${duration(expiresMs - nowMs)})`
        : `${isoTime(expiresMs)} (expired ${duration(nowMs - expiresMs)} ago: applications do not see it any more)`,
    ],
    [
      'locked',
      lockedUntilMs === undefined ? 'no' : `for ${duration(lockedUntilMs - nowMs)}, unless that is renewed`,
    ],
    ['size', `${byteSize(shown.sizeBytes)} of ${byteSize(MAX_ITEM_BYTES)}`],
    ['stored as', shown.storedAs],
  ]
  if (content instanceof DynamoDBSessionsError) {
    await stdout.write(fields([...rows, ['data', `cannot be read: ${content.message}`]]))
    return
  }
  rows.push([
    'user',
    content.user === undefined ? 'nobody' : naming.showData ? printable(content.user) : HIDDEN,
  ])
  if (!naming.showData) {
    rows.push(['data', `${counted(Object.keys(content.data).length, 'key')}, ${HIDDEN}`])
    await stdout.write(fields(rows))
    return
  }
  await stdout.write(fields(rows))
  await writeLine(stdout, `data\n${printable(JSON.stringify(content.data, undefined, 2))}`)
}
