import { askForTableKey, listItems } from '../../scan/scan.ts'
import { listByUser } from '../../scan/user-sessions.ts'
import { textOf } from '../../layouts/attributes.ts'
import { type Command, EXIT, UsageError } from '../command.ts'
import { duration, isoTime, printable, shownKey } from '../format.ts'
import { type CommandLineIo, writeLine } from '../io.ts'
import { type OpenSessions, openSessions, storeSettings } from '../store-settings.ts'
import { painter } from '../style.ts'

interface ListedSession {
  readonly key: string
  readonly createdMs: number | undefined
  readonly expiresMs: number
  readonly user: string | undefined
}

const TIME_WIDTH = '2026-01-31T12:00:00Z'.length

/** `dynamodb-sessions list` */
export const listCommand: Command = {
  usage: ['', '--user <id>'],
  description: [
    'Lists the sessions that are alive, in no particular order, as they come: the key of the item, when the session began ' +
      'and when it expires. The keys are hashes of session IDs, so that nobody can take a session over with them; show ' +
      'and destroy take them with --key. Where session IDs are stored as they are, they are hidden unless --show-data asks.',
    'Without --user it reads the whole table, which costs a read unit for every 8 KB of it (4 KB with consistent reads, ' +
      'the default). With --user it asks the index by user. With --json there is one JSON object a line.',
  ],
  options: [
    { name: 'user', value: 'id', description: 'only the sessions of this user' },
    { name: 'limit', value: 'number', description: 'stop after so many' },
    { name: 'show-data', description: 'show user IDs, and session IDs that are stored as they are' },
  ],
  examples: [
    { what: 'The first sessions of the table:', line: 'list --limit 20' },
    { what: 'Where a user is signed in:', line: 'list --user ada' },
    {
      what: 'How many sessions each user has, with jq:',
      line: 'list --json --show-data | jq -r .user | sort | uniq -c',
    },
  ],
  run: async (invocation, io) => {
    if (invocation.positionals.length > 0)
      throw new UsageError('list takes options only; for one user: --user <id>')
    const limit =
      invocation.number('limit', {
        least: 1,
        most: Number.MAX_SAFE_INTEGER,
        unit: 'sessions',
        whole: true,
      }) ?? Infinity
    const user = invocation.text('user')
    const sessions = await openSessions(storeSettings(invocation, io), invocation, io)
    const write = invocation.has('json') ? jsonWriter(sessions, io) : textWriter(sessions, io)
    try {
      let count = 0
      for await (const session of user === undefined ? all(sessions, io) : ofUser(sessions, user, io)) {
        await write(session)
        if (++count >= limit) break
      }
      if (count === 0 && !invocation.has('json')) await writeLine(io.stderr, 'there are no sessions')
      return EXIT.ok
    } finally {
      await sessions.close()
    }
  },
}

async function* all(
  { items }: OpenSessions,
  { signal }: CommandLineIo,
): AsyncGenerator<ListedSession, void, undefined> {
  const { layout } = items
  for await (const item of listItems(items, false, { signal })) {
    const key = layout.keyOfItem(item)
    if (key === undefined) continue
    const createdMs = layout.createdOf(item)
    yield {
      key,
      createdMs,
      expiresMs: Math.min(layout.expiryOf(item), items.latestExpiryMs(createdMs)),
      user: layout.userIndex === undefined ? undefined : textOf(item[layout.userIndex.attribute]),
    }
  }
}

async function* ofUser(
  { items }: OpenSessions,
  user: string,
  { signal }: CommandLineIo,
): AsyncGenerator<ListedSession, void, undefined> {
  await askForTableKey(items, { signal })
  for await (const session of listByUser(items, user, { signal })) yield { ...session, user }
}

function jsonWriter({ naming }: OpenSessions, { stdout }: CommandLineIo) {
  return async ({ key, createdMs, expiresMs, user }: ListedSession): Promise<void> => {
    const line = {
      key: shownKey(key, naming),
      created: createdMs === undefined ? undefined : isoTime(createdMs),
      expires: isoTime(expiresMs),
      user: naming.showData ? user : undefined,
    }
    await writeLine(stdout, JSON.stringify(line))
  }
}

function textWriter({ items, naming }: OpenSessions, { stdout, environment }: CommandLineIo) {
  const paint = painter(stdout, environment)
  let isFirst = true
  return async ({ key, createdMs, expiresMs, user }: ListedSession): Promise<void> => {
    const shown = shownKey(key, naming)
    if (isFirst) {
      isFirst = false
      const titles = [
        'key'.padEnd(shown.length),
        'created'.padEnd(TIME_WIDTH),
        'expires'.padEnd(TIME_WIDTH),
        'in',
      ]
      if (naming.showData) titles.push('       user')
      await writeLine(stdout, paint('bold', titles.join('  ')))
    }
    const cells = [
      shown,
      (createdMs === undefined ? '' : isoTime(createdMs)).padEnd(TIME_WIDTH),
      isoTime(expiresMs).padEnd(TIME_WIDTH),
      duration(expiresMs - items.clock.now()),
    ]
    if (naming.showData && user !== undefined)
      cells.push(`${' '.repeat(Math.max(0, 7 - (cells.at(-1)?.length ?? 0)))}${printable(user)}`)
    await writeLine(stdout, cells.join('  ').trimEnd())
  }
}
