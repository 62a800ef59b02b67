import { type StoreOptions, tableRow } from '../../options/store-options.ts'
import { chooseTransport, openClient } from '../../store/open-client.ts'
import type { Layout } from '../../layouts/layout.ts'
import { layoutTableOf, type TableAccess } from '../../table/table-state.ts'
import { type Command, type CommandContext, declared, writeResult } from '../args.ts'
import { type Check, check, reportOf, summaryOf } from '../doctor/check.ts'
import {
  checkLatency,
  checkReach,
  checkReachUnsigned,
  ClockComparison,
  findCredentials,
} from '../doctor/connection-checks.ts'
import { checkItems } from '../doctor/item-checks.ts'
import { checkEndpoint, checkRegion, checkVariables } from '../doctor/setting-checks.ts'
import { checkPermissions, checkTableState, missingKey } from '../doctor/table-checks.ts'
import { EXIT } from '../output.ts'
import { SessionStore } from '../../store/session-store.ts'
import { storeSettings } from '../store-settings.ts'

const DEADLINE_MS = 5000

/** `dynamodb-sessions doctor` */
export const command: Command = {
  usage: [''],
  description: [
    'Checks whether sessions can be kept where it runs, as the application would: names of environment variables, ' +
      'credentials and where they come from, region, endpoint, the clock of this machine, the table and its key, time to ' +
      'live and index, who wrote the items, each permission, and how long reads take. A failed check does not stop the ' +
      'others, and says how to mend what it found. With DYNAMODB_SESSIONS_FAILOVER it looks at the replicas in those regions, too.',
    'It changes nothing: permissions are tried on a random key that no item has, with conditions that never hold. It costs about ' +
      'thirty requests. Run it with the role of the application: on the same instance, in the same container.',
    'The exit code is 0 when nothing fails, 3 when something does.',
  ],
  optionsOnly: 'takes options only',
  options: declared({
    strict: 'let the exit code be 3 for warnings, too',
    'no-user-index': 'do without the index by user: the application finds no sessions by user',
  }),
  examples: {
    'Where the application runs, with its environment:': 'doctor',
    'As a profile of this machine:': 'doctor --profile staging --table sessions',
    'What fails, for a script:': 'doctor --json | jq -r \'.checks[] | select(.level == "fail") | .fix\'',
  },
  run: async context => {
    const settings = storeSettings(context)
    const table = settings.table ?? tableRow.default
    await context.progress.show('checking')
    const checks = await examine(context, settings, table)
    const summary = summaryOf(checks)
    await writeResult(context, { table, summary, checks }, reportOf(table, checks, context))
    const isIll = summary.fail > 0 || (summary.warn > 0 && context.args.has('strict'))
    return isIll ? EXIT.doctorFoundFailures : EXIT.ok
  },
}

const AFTER_CONNECTION = ['table', 'permissions', 'item format', 'latency'] as const
const AFTER_ENDPOINT = ['connection', 'clock', ...AFTER_CONNECTION] as const
const AFTER_REGION = ['endpoint', ...AFTER_ENDPOINT] as const

/** Makes every check that can be made. */
async function examine(
  context: CommandContext,
  options: StoreOptions,
  table: string,
): Promise<readonly Check[]> {
  const { args, environment, signal, progress } = context
  const { credentials, check: credentialsCheck } = await findCredentials(context, options)
  const { region, settings } = await checkRegion(context, options)
  const before = [await checkVariables(environment, options.profile), credentialsCheck, region]
  if (settings === undefined) return [...before, ...skipped('there is no region', AFTER_REGION)]

  const { endpoint, url } = checkEndpoint(context, options, settings, credentials)
  before.push(endpoint)
  if (url === undefined) return [...before, ...skipped('there is no endpoint', AFTER_ENDPOINT)]

  await progress.show(`asking ${url}`)
  const transport = new ClockComparison(chooseTransport(options, environment).transport)
  const { ca: _ca, maxSockets: _maxSockets, proxy: _proxy, ...rest } = options
  const client = openClient({ ...rest, credentials, transport, deadlineMs: DEADLINE_MS }, environment)
  try {
    const { layout } = await new SessionStore(options, client).itemTable()
    const asked = layoutTableOf(layout)
    const userIndex = args.has('no-user-index') ? undefined : asked.userIndex
    const access: TableAccess = { ...asked, userIndex, client, table, send: { signal } }
    const { check: connection, obstacle } =
      credentials === undefined
        ? await checkReachUnsigned(transport, url, signal)
        : await checkReach(client, table, settings.region, signal)
    before.push(connection)
    const after =
      obstacle === undefined
        ? await examineTable(context, access, layout, options, url)
        : skipped(obstacle, AFTER_CONNECTION)
    // The result of the clock comes last: each response makes the comparison better.
    return [...before, transport.result(), ...after]
  } finally {
    await client.close()
    await transport.close()
  }
}

async function examineTable(
  { progress }: CommandContext,
  access: TableAccess,
  layout: Layout,
  options: StoreOptions,
  url: string,
): Promise<readonly Check[]> {
  await progress.show('looking at the table')
  const { checks, state, isMissing } = await checkTableState(access, options)
  await progress.show('trying the permissions')
  const permissions = await checkPermissions(access, state)
  if (isMissing) {
    return [...checks, ...permissions.checks, ...skipped('there is no table', ['item format', 'latency'])]
  }
  const items = await checkItems(permissions.sample, layout, options)
  await progress.show('measuring')
  const latency = await checkLatency(access, missingKey(access, state), url)
  const hasUsers = permissions.sample?.some(
    item => access.userIndex !== undefined && access.userIndex.attribute in item,
  )
  const ofTable = state?.userIndex === undefined && hasUsers === false ? checks.map(withoutUsers) : checks
  return [...ofTable, ...items, ...permissions.checks, latency]
}

/** No index by user is needed where no session says whose it is, as far as a few items tell. */
function withoutUsers(each: Check): Check {
  if (each.name !== 'index by user') return each
  const found =
    'there is none; only applications with the option "userId" need it, and no session that was read has a user'
  return check('skip', each.name, found, each.fix)
}

function skipped(reason: string, names: readonly string[]): readonly Check[] {
  return names.map(name => check('skip', name, `not checked: ${reason}`))
}
