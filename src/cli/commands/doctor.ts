import type { Layout } from '../../layouts/layout.ts'
import { chooseTransport, openClient } from '../../store/open-client.ts'
import { layoutTableOf } from '../../table/layout-table.ts'
import { DEFAULT_TABLE } from '../../options/store-options.ts'
import type { TableAccess } from '../../table/table-state.ts'
import { type Command, EXIT, UsageError } from '../command.ts'
import { type Check, check, type Level } from '../doctor/check.ts'
import { ClockComparison } from '../doctor/clock-check.ts'
import { findCredentials } from '../doctor/credentials-check.ts'
import { checkItems } from '../doctor/item-checks.ts'
import { checkLatency } from '../doctor/latency-check.ts'
import { checkPermissions, keyOfNobody } from '../doctor/permission-checks.ts'
import { checkReach, checkReachUnsigned } from '../doctor/reach-check.ts'
import { checkTableState } from '../doctor/table-checks.ts'
import { checkVariables } from '../doctor/variables-check.ts'
import { checkEndpoint, checkRegion } from '../doctor/where-checks.ts'
import { printable } from '../format.ts'
import type { Invocation } from '../invocation.ts'
import { type CommandLineIo, writeJson, writeLine } from '../io.ts'
import { Progress } from '../progress.ts'
import { type StoreSettings, sessionsAt, storeSettings } from '../store-settings.ts'
import { painter, type Style } from '../style.ts'

const DEADLINE_MS = 5000

const STYLES: Readonly<Record<Level, Style>> = { pass: 'green', warn: 'yellow', fail: 'red', skip: 'dim' }

/** `dynamodb-sessions doctor` */
export const doctorCommand: Command = {
  usage: [''],
  description: [
    'Checks whether sessions can be kept where it runs, as the application would: names of environment variables, ' +
      'credentials and where they come from, region, endpoint, the clock of this machine, the table and its key, time to ' +
      'live and index, who wrote the items, each permission, and how long reads take. Every check is made as far as it can ' +
      'be, even when others fail, and says how to mend what it found.',
    'It changes nothing: permissions are tried on a key that nobody has, with conditions that never hold. It costs about ' +
      'thirty requests. Run it with the role of the application: on the same instance, in the same container.',
    'The exit code is 0 when nothing fails, 3 when something does.',
  ],
  options: [
    { name: 'strict', description: 'let the exit code be 3 for warnings, too' },
    {
      name: 'no-user-index',
      description: 'do without the index by user: the application finds no sessions by user',
    },
  ],
  examples: [
    { what: 'Where the application runs, with its environment:', line: 'doctor' },
    { what: 'As a profile of this machine:', line: 'doctor --profile staging --table sessions' },
    {
      what: 'What fails, for a script:',
      line: 'doctor --json | jq -r \'.checks[] | select(.level == "fail") | .fix\'',
    },
  ],
  run: async (invocation, io) => {
    if (invocation.positionals.length > 0) throw new UsageError('doctor takes options only')
    const settings = storeSettings(invocation, io)
    const progress = new Progress(io.stderr)
    await progress.show('checking')
    const checks = await progress.during(examine(invocation, settings, io, progress))
    if (invocation.has('json'))
      await writeJson(io.stdout, { table: tableOf(settings), summary: summaryOf(checks), checks })
    else await writeReport(checks, settings, io)
    const isIll = checks.some(
      ({ level }) => level === 'fail' || (level === 'warn' && invocation.has('strict')),
    )
    return isIll ? EXIT.doctorFoundFailures : EXIT.ok
  },
}

/** Makes every check that can be made. */
async function examine(
  invocation: Invocation,
  options: StoreSettings,
  { environment, signal }: CommandLineIo,
  progress: Progress,
): Promise<readonly Check[]> {
  const { credentials, check: credentialsCheck } = await findCredentials(options, environment, signal)
  const { region, settings } = await checkRegion(invocation, options, environment)
  const before = [await checkVariables(environment, options.profile), credentialsCheck, region]
  if (settings === undefined) return [...before, ...notMade('there is no region', AFTER_REGION)]

  const { endpoint, url } = checkEndpoint(invocation, options, settings, credentials, environment)
  before.push(endpoint)
  if (url === undefined) return [...before, ...notMade('there is no endpoint', AFTER_ENDPOINT)]

  await progress.show(`asking ${url}`)
  const transport = new ClockComparison(chooseTransport(options, environment).transport)
  const { ca: _ca, maxSockets: _maxSockets, proxy: _proxy, ...rest } = options
  const client = openClient({ ...rest, credentials, transport, deadlineMs: DEADLINE_MS }, environment)
  const { layout } = (await sessionsAt(client, options)).items
  const asked = layoutTableOf(layout)
  const access: TableAccess = {
    ...asked,
    userIndex: invocation.has('no-user-index') ? undefined : asked.userIndex,
    client,
    table: tableOf(options),
    send: { signal },
  }
  try {
    const reach =
      credentials === undefined
        ? await checkReachUnsigned(transport, url, signal)
        : await checkReach(client, access.table, settings.region, signal)
    before.push(...reach.checks)
    if (reach.obstacle !== undefined) {
      return [...before, transport.result(), ...notMade(reach.obstacle, AFTER_CONNECTION)]
    }
    const after = await examineTable(access, layout, options, progress)
    // The clock comes last: each answer makes the comparison better.
    return [...before, transport.result(), ...after]
  } finally {
    await client.close()
    await transport.close()
  }
}

async function examineTable(
  access: TableAccess,
  layout: Layout,
  options: StoreSettings,
  progress: Progress,
): Promise<readonly Check[]> {
  await progress.show('looking at the table')
  const table = await checkTableState(access, options)
  await progress.show('trying the permissions')
  const permissions = await checkPermissions(access, table.state)
  if (table.isMissing) {
    return [
      ...table.checks,
      ...permissions.checks,
      ...notMade('there is no table', ['item format', 'latency']),
    ]
  }
  const items = await checkItems(permissions.sample, layout, options)
  await progress.show('measuring')
  const latency = await checkLatency(access, keyOfNobody(access, table.state))
  return [...table.checks, ...items, ...permissions.checks, latency]
}

const AFTER_CONNECTION = ['table', 'permissions', 'item format', 'latency'] as const
const AFTER_ENDPOINT = ['connection', 'clock', ...AFTER_CONNECTION] as const
const AFTER_REGION = ['endpoint', ...AFTER_ENDPOINT] as const

function notMade(reason: string, names: readonly string[]): readonly Check[] {
  return names.map(name => check('skip', name, `not checked: ${reason}`))
}

function tableOf({ table }: StoreSettings): string {
  return table ?? DEFAULT_TABLE
}

function summaryOf(checks: readonly Check[]): Readonly<Record<Level, number>> {
  const summary = { pass: 0, warn: 0, fail: 0, skip: 0 }
  for (const { level } of checks) summary[level]++
  return summary
}

async function writeReport(
  checks: readonly Check[],
  settings: StoreSettings,
  { stdout, environment }: CommandLineIo,
): Promise<void> {
  const paint = painter(stdout, environment)
  const width = Math.max(...checks.map(({ name }) => name.length))
  await writeLine(stdout, paint('bold', `table "${tableOf(settings)}"`))
  for (const { level, name, found, fix } of checks) {
    await writeLine(stdout, `${paint(STYLES[level], level)}  ${name.padEnd(width)}  ${printable(found)}`)
    if (fix !== undefined)
      await writeLine(stdout, `${' '.repeat(width + 8)}${paint('bold', 'fix:')} ${printable(fix)}`)
  }
  const { pass, warn, fail, skip } = summaryOf(checks)
  const parts = [`${pass} passed`, `${warn} warned`, `${fail} failed`]
  if (skip > 0) parts.push(`${skip} not checked`)
  await writeLine(stdout, paint(fail > 0 ? 'red' : warn > 0 ? 'yellow' : 'green', parts.join(', ')))
}
