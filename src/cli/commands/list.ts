import type { SendOptions } from '../../aws/dynamodb/client-options.ts'
import { shellWord } from '../../aws/dynamodb/wire-error.ts'
import { codeOf } from '../../internal/core-objects.ts'
import { textOf } from '../../layouts/attributes.ts'
import { integerOption } from '../../internal/option.ts'
import { askForTableKey, itemsOf, listInBulk, pagesOfLive } from '../../scan/scan.ts'
import { listByUser, liveSessionOf, type UserSession } from '../../scan/user-sessions.ts'
import type { Item } from '../../types.ts'
import { type Command, type CommandContext, declared } from '../args.ts'
import { BULK_LIMITS, deadlineIn, TIMEOUT_OPTION } from '../bulk.ts'
import { writerOf } from '../doctor/item-checks.ts'
import { counted, duration, isoTime, painter, printable, UsageError, writeLine } from '../output.ts'
import { type OpenSessions, shownKey, storeSettings, withSessions } from '../store-settings.ts'

interface ListedSession extends UserSession {
  readonly user: string | undefined
}

const TIME_WIDTH = '2026-01-31T12:00:00Z'.length
const DURATION_WIDTH = '23h 59m'.length

/** `dynamodb-sessions list` */
export const command: Command = {
  usage: ['', '--user <id>'],
  description: [
    'Lists the sessions that are alive, in no particular order, as they come: the key of the item, when the session began ' +
      'and when it expires. The keys are hashes of session IDs, so that nobody can take a session over with them; show ' +
      'and destroy take them with --key. Where session IDs are stored as they are, they are hidden unless --show-data asks.',
    'Without --user it reads the whole table, which costs a read unit for every 8 KB of it (4 KB with consistent reads, ' +
      'the default). With --user it asks the index by user. With --json there is one JSON object a line.',
  ],
  optionsOnly: 'takes options only; for one user: --user <id>',
  options: declared({
    'user <id>': 'only the sessions of this user',
    'limit <number>': 'stop after so many',
    'after <key>': 'without --user: go on after this key, the last one that an earlier list showed',
    ...TIMEOUT_OPTION,
    'show-data': 'show user IDs, and session IDs that are stored as they are',
  }),
  examples: {
    'The first sessions of the table:': 'list --limit 20',
    'The next ones, or the rest of a list that was interrupted:':
      'list --limit 20 --after n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
    'Where a user is signed in:': 'list --user ada',
    'How many sessions each user has, with jq:': 'list --json --show-data | jq -r .user | sort | uniq -c',
  },
  run: async context => {
    const { args, stderr } = context
    const limit = args.number('limit', integerOption('sessions', 1, Number.MAX_SAFE_INTEGER)) ?? Infinity
    const user = args.text('user')
    if (user !== undefined && args.has('after')) throw new UsageError('--after does not go with --user')
    return withSessions(storeSettings(context, BULK_LIMITS), context, async sessions => {
      const write = args.has('json') ? jsonWriter(sessions, context) : tableWriter(sessions, context)
      let count = 0
      let last: string | undefined
      const listed = user === undefined ? all(sessions, context) : ofUser(sessions, user, context)
      try {
        for await (const session of listed) {
          await write(session)
          last = session.key
          if (++count >= limit) break
        }
      } catch (error) {
        const isUnread = codeOf(error) === 'EPIPE'
        if (last !== undefined && !isUnread)
          await writeLine(stderr, `until then: ${howFar(count, last, sessions, user)}`)
        throw error
      }
      if (count === 0 && !args.has('json')) await writeLine(stderr, await whyNone(sessions, user, context))
    })
  },
}

async function* all(
  { items }: OpenSessions,
  { args, signal }: CommandContext,
): AsyncGenerator<ListedSession, void, undefined> {
  const { layout } = items
  const options = { signal, ...deadlineIn(args) }
  const after = args.text('after')
  const list = (send: SendOptions): AsyncIterable<Item> =>
    itemsOf(pagesOfLive(items, false, send, after), send)
  for await (const item of listInBulk(options, list)) {
    const session = liveSessionOf(items, item)
    const user = layout.userIndex === undefined ? undefined : textOf(item[layout.userIndex.attribute])
    if (session !== undefined) yield { ...session, user }
  }
}

async function* ofUser(
  { items }: OpenSessions,
  user: string,
  { args, signal }: CommandContext,
): AsyncGenerator<ListedSession, void, undefined> {
  await askForTableKey(items, { signal })
  for await (const session of listByUser(items, user, { signal, ...deadlineIn(args) }))
    yield { ...session, user }
}

/** How far a list came that did not come to its end, and how to get the rest. */
function howFar(count: number, last: string, { naming }: OpenSessions, user: string | undefined): string {
  const listed = `${counted(count, 'session')} listed`
  if (user !== undefined) return listed
  const shown = shownKey(last, naming)
  return shown === last
    ? `${listed}; for the rest, repeat the command with --after=${shellWord(last)}`
    : `${listed}; with --show-data, it shows the keys that --after takes`
}

const SAMPLE_SIZE = 10

/** Why nothing was listed: an empty table is something else than one whose items are of another layout, or have expired. */
async function whyNone(
  { items, naming }: OpenSessions,
  user: string | undefined,
  { signal }: CommandContext,
): Promise<string> {
  if (user !== undefined) {
    return 'there are no sessions of this user; only those are found that were written with the option userId of the store'
  }
  const { client, name: TableName, layout } = items
  const { Items: sample = [] } = await client.send('Scan', { TableName, Limit: SAMPLE_SIZE }, { signal })
  if (sample.length === 0) return 'there are no sessions: the table is empty'
  const writers = [...new Set(sample.map(writerOf))].join(', ')
  const under = naming.prefix === '' ? '' : ` under the prefix "${printable(naming.prefix)}"`
  return (
    `there are no sessions of the layout "${layout.name}"${under} that are alive; the table has items, by ${writers}: they ` +
    'have expired, or have another layout (--layout) or prefix (--prefix); doctor tells more'
  )
}

function jsonWriter({ naming }: OpenSessions, { stdout }: CommandContext) {
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

function tableWriter({ items, naming }: OpenSessions, { stdout, environment }: CommandContext) {
  const paint = painter(stdout, environment)
  let isFirst = true
  return async ({ key, createdMs, expiresMs, user }: ListedSession): Promise<void> => {
    const shown = shownKey(key, naming)
    if (isFirst) {
      isFirst = false
      const titles = ['key', 'created', 'expires', 'in', ...(naming.showData ? ['user'] : [])]
      await writeLine(stdout, paint('bold', row(titles, shown.length)))
    }
    const cells = [
      shown,
      createdMs === undefined ? '' : isoTime(createdMs),
      isoTime(expiresMs),
      duration(expiresMs - items.clock.now()),
      naming.showData && user !== undefined ? printable(user) : '',
    ]
    await writeLine(stdout, row(cells, 0))
  }
}

function row(cells: readonly string[], keyWidth: number): string {
  const widths = [keyWidth, TIME_WIDTH, TIME_WIDTH, DURATION_WIDTH]
  const padded = cells.map((cell, column) => cell.padEnd(widths[column] ?? 0))
  return padded.join('  ').trimEnd()
}
