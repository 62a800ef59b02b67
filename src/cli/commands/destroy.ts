import { destroyEverywhere } from '../../items/lifecycle.ts'
import { askForTableKey } from '../../scan/scan.ts'
import { destroyByUser, listByUser, wasLive } from '../../scan/user-sessions.ts'
import { type Command, type CommandContext, declared, writeResult } from '../args.ts'
import { BULK_LIMITS, deadlineIn, TIMEOUT_OPTION } from '../bulk.ts'
import { counted, UsageError } from '../output.ts'
import {
  chosenSession,
  type OpenSessions,
  storeSettings,
  withSessions,
  writeSignedCookieHint,
} from '../store-settings.ts'

/** `dynamodb-sessions destroy` */
export const command: Command = {
  usage: ['<session ID>', '-', '--key <key>', '--user <id> [--except <session ID>]'],
  description: [
    'Ends one session, locked or not, or every session of a user: "sign out everywhere". Requests that have loaded such a ' +
      'session cannot bring it back. Ending a session that does not exist is no error.',
    'With "-" the session ID is read from the standard input, so that it does not stay in the history of the shell. With ' +
      '--key the session is named by the key that list shows. --user needs the index that create-table makes, and finds ' +
      'the sessions that were written with the option userId of the store.',
  ],
  options: declared({
    'key <key>': 'the key of the item, as list shows it, instead of a session ID',
    'user <id>': 'all sessions of this user',
    'except <session ID>...': 'with --user: a session to keep; may be repeated',
    'dry-run': 'with --user: only count the sessions',
    ...TIMEOUT_OPTION,
  }),
  examples: {
    'A session, by the key that list shows:': 'destroy --key n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
    'By its ID, which does not get into the history of the shell:': 'destroy - < session-id.txt',
    'Sign a user out everywhere:': 'destroy --user ada',
  },
  run: async context => {
    const { args } = context
    const user = args.text('user')
    if (user !== undefined && (args.positionals.length > 0 || args.has('key'))) {
      throw new UsageError('--user ends all sessions of a user; leave the session ID and --key out')
    }
    const stray = user === undefined && ['except', 'dry-run', 'timeout'].find(name => args.has(name))
    if (stray) throw new UsageError(`--${stray} goes with --user`)
    const settings = storeSettings(context, user === undefined ? {} : BULK_LIMITS)
    return withSessions(settings, context, sessions =>
      user === undefined ? destroyOne(context, sessions) : destroyAllOf(user, context, sessions),
    )
  },
}

async function destroyAllOf(user: string, context: CommandContext, { items }: OpenSessions): Promise<void> {
  const { args, signal } = context
  const except = args.texts('except').map(id => items.layout.keyOf(id))
  await askForTableKey(items, { signal })
  const options = { signal, ...deadlineIn(args) }
  if (args.has('dry-run')) {
    let found = 0
    for await (const { key } of listByUser(items, user, options)) if (!except.includes(key)) found++
    return writeResult(context, { found }, `${counted(found, 'session')} would be destroyed`)
  }
  const destroyed = await destroyByUser(items, user, { except, ...options })
  await writeResult(context, { destroyed }, `${counted(destroyed, 'session')} destroyed`)
}

async function destroyOne(context: CommandContext, open: OpenSessions): Promise<void> {
  const { items, sessions, isMoving } = open
  const { args, signal } = context
  const chosen = await chosenSession(context, open)
  if (chosen === undefined) {
    throw new UsageError(
      'destroy needs a session or a user: destroy <session ID>, destroy --key <key> or destroy --user <id>',
    )
  }
  const { Attributes: old } = await items.client.send(
    'DeleteItem',
    { TableName: items.name, Key: items.itemKey(chosen.key), ReturnValues: 'ALL_OLD' },
    { signal },
  )
  // Other Regions are told, too, and a gravestone keeps its place.
  if (items.hasReplicas) await destroyEverywhere(items, chosen.key, { signal })
  // A session that is on the move is where it comes from, too, and would be brought here again.
  if (chosen.id !== undefined && isMoving) await sessions.destroy(chosen.id, { signal })
  const wasAlive = old !== undefined && wasLive(items, old, items.clock.now())
  const text = wasAlive ? 'destroyed' : 'there was no such session'
  await writeResult(context, { destroyed: wasAlive ? 1 : 0 }, text)
  if (old === undefined && !args.has('json')) await writeSignedCookieHint(context)
}
