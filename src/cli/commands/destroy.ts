import { SessionCorruptError } from '../../errors.ts'
import type { ItemTable } from '../../items/item-table.ts'
import { askForTableKey } from '../../scan/scan.ts'
import { destroyByUser } from '../../scan/user-sessions.ts'
import type { Item } from '../../types.ts'
import { type Command, EXIT, UsageError } from '../command.ts'
import { counted } from '../format.ts'
import type { Invocation } from '../invocation.ts'
import { type CommandLineIo, writeJson, writeLine } from '../io.ts'
import {
  chosenSession,
  type OpenSessions,
  openSessions,
  signedCookieHint,
  storeSettings,
} from '../store-settings.ts'

/** `dynamodb-sessions destroy` */
export const destroyCommand: Command = {
  usage: ['<session ID>', '-', '--key <key>', '--user <id> [--except <session ID>]'],
  description: [
    'Ends one session, locked or not, or every session of a user: "sign out everywhere". Requests that have loaded such a ' +
      'session cannot bring it back. Ending a session that does not exist is no error.',
    'With "-" the session ID is read from the standard input, so that it does not stay in the history of the shell. With ' +
      '--key the session is named by the key that list shows. --user needs the index that create-table makes, and finds ' +
      'the sessions that were written with the option userId of the store.',
  ],
  options: [
    {
      name: 'key',
      value: 'key',
      description: 'the key of the item, as list shows it, instead of a session ID',
    },
    { name: 'user', value: 'id', description: 'all sessions of this user' },
    {
      name: 'except',
      value: 'session ID',
      repeatable: true,
      description: 'with --user: a session to keep; may be repeated',
    },
  ],
  examples: [
    {
      what: 'A session, by the key that list shows:',
      line: 'destroy --key n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
    },
    {
      what: 'By its ID, which does not get into the history of the shell:',
      line: 'destroy - < session-id.txt',
    },
    { what: 'Sign a user out everywhere:', line: 'destroy --user ada' },
  ],
  run: async (invocation, io) => {
    const user = invocation.text('user')
    const isSeveral = user !== undefined
    if (isSeveral && (invocation.positionals.length > 0 || invocation.has('key'))) {
      throw new UsageError('--user ends all sessions of a user; leave the session ID and --key out')
    }
    if (!isSeveral && invocation.has('except')) throw new UsageError('--except goes with --user')
    const sessions = await openSessions(storeSettings(invocation, io), invocation, io)
    try {
      const destroyed = isSeveral
        ? await destroyUser(user, sessions, invocation, io)
        : await destroyOne(sessions, invocation, io)
      if (invocation.has('json')) await writeJson(io.stdout, { destroyed })
      return EXIT.ok
    } finally {
      await sessions.close()
    }
  },
}

async function destroyUser(
  user: string,
  { items }: OpenSessions,
  invocation: Invocation,
  { signal, stdout }: CommandLineIo,
): Promise<number> {
  const except = invocation.texts('except').map(id => items.layout.keyOf(id))
  await askForTableKey(items, { signal })
  const destroyed = await destroyByUser(items, user, { except, signal })
  if (!invocation.has('json')) await writeLine(stdout, `${counted(destroyed, 'session')} destroyed`)
  return destroyed
}

async function destroyOne(
  sessions: OpenSessions,
  invocation: Invocation,
  io: CommandLineIo,
): Promise<number> {
  const { items } = sessions
  const chosen = await chosenSession(invocation, sessions, io)
  if (chosen === undefined) {
    throw new UsageError(
      'destroy needs a session or a user: destroy <session ID>, destroy --key <key> or destroy --user <id>',
    )
  }
  const { Attributes: old } = await items.client.send(
    'DeleteItem',
    { TableName: items.name, Key: items.itemKey(chosen.key), ReturnValues: 'ALL_OLD' },
    { signal: io.signal },
  )
  // A session that is on the move is where it comes from, too, and would be brought here again.
  if (chosen.id !== undefined && sessions.isMoving)
    await sessions.sessions.destroy(chosen.id, { signal: io.signal })
  const wasAlive = old !== undefined && isLive(items, old)
  if (!invocation.has('json')) {
    await writeLine(io.stdout, wasAlive ? 'destroyed' : 'there was no such session')
    const hint = old === undefined ? signedCookieHint(invocation) : undefined
    if (hint !== undefined) await writeLine(io.stderr, hint)
  }
  return wasAlive ? 1 : 0
}

function isLive(items: ItemTable, item: Item): boolean {
  try {
    return items.isLive(item, items.clock.now())
  } catch (error) {
    if (error instanceof SessionCorruptError) return false
    throw error
  }
}
