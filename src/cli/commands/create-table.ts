import { openLayoutTable } from '../../table/layout-table.ts'
import { DEFAULT_TABLE } from '../../options/store-options.ts'
import type { TableReport } from '../../table/check-table.ts'
import type { CreateTableOptions } from '../../table/create-table.ts'
import type { Billing } from '../../table/table-state.ts'
import { type Command, EXIT, UsageError } from '../command.ts'
import { designInWords, type TableDesign, tableDesign } from '../infrastructure/table-design.ts'
import type { Invocation } from '../invocation.ts'
import { type CommandLineIo, writeJson, writeLine } from '../io.ts'
import { inOptionNames } from '../failure.ts'
import { Progress } from '../progress.ts'
import { type StoreSettings, storeSettings } from '../store-settings.ts'

const FORMATS = {
  cloudformation: async () => (await import('../infrastructure/cloudformation.ts')).cloudFormation,
  terraform: async () => (await import('../infrastructure/terraform.ts')).terraform,
  cdk: async () => (await import('../infrastructure/cdk.ts')).cdk,
  cli: async () => (await import('../infrastructure/aws-cli.ts')).awsCli,
} as const

const FORMAT_NAMES = Object.keys(FORMATS) as readonly (keyof typeof FORMATS)[]
const DEFAULT_PROVISIONED_UNITS = 5

/** `dynamodb-sessions create-table` */
export const createTableCommand: Command = {
  usage: ['', '--print cloudformation|terraform|cdk|cli'],
  description: [
    'Creates the table for sessions: on-demand billing, a partition key of type S, time to live on "expires", and an index ' +
      'by user that costs nothing until sessions have a user. Waits until the table is active.',
    'With --layout the key and the attribute for time to live are those of that layout, and there is no index by user. ' +
      '--partition-key gives the key another name.',
    'A table that is there is never changed: the command says what differs and how to mend it, and fails only when ' +
      'sessions cannot be kept in it. It may run at every deployment.',
    'It needs the permissions dynamodb:CreateTable, DescribeTable, UpdateTimeToLive and DescribeTimeToLive, which the ' +
      'application does not. With --print nothing is sent to AWS: the same table is printed as infrastructure code, with ' +
      'the policy that the application needs and no more.',
  ],
  options: [
    { name: 'billing', value: 'mode', description: 'on-demand (default) or provisioned' },
    { name: 'read-units', value: 'number', description: 'provisioned read capacity (default: 5)' },
    { name: 'write-units', value: 'number', description: 'provisioned write capacity (default: 5)' },
    {
      name: 'no-user-index',
      description: 'leave the index by user out; sessions of a user cannot be found then',
    },
    {
      name: 'wait-seconds',
      value: 'number',
      description: 'how long to wait until the table is active (default: 120)',
    },
    { name: 'dry-run', description: 'say what would be done, and change nothing' },
    {
      name: 'print',
      value: 'format',
      description: 'print cloudformation, terraform, cdk or cli (AWS CLI commands) instead',
    },
  ],
  // A table is the same whatever the keys of its items are.
  without: ['prefix', 'hash-ids', 'no-hash-ids'],
  examples: [
    { what: 'In a region:', line: 'create-table --table sessions --region eu-west-1' },
    { what: 'For the items of other software:', line: 'create-table --layout connect-dynamodb' },
    { what: 'On DynamoDB Local:', line: 'create-table --endpoint http://127.0.0.1:8000 --region local' },
    { what: 'As infrastructure code:', line: 'create-table --print cloudformation > sessions.yaml' },
    { what: 'What would happen:', line: 'create-table --dry-run' },
  ],
  run: async (invocation, io) => {
    if (invocation.positionals.length > 0)
      throw new UsageError('create-table takes options only; name the table with --table')
    const billing = billingOf(invocation)
    const settings = storeSettings(invocation, io)
    const design = tableDesign({
      table: settings.table ?? DEFAULT_TABLE,
      region: settings.region,
      layout: await openLayoutTable(settings),
      billing,
      userIndex: !invocation.has('no-user-index'),
    })
    const format = invocation.oneOf('print', FORMAT_NAMES)
    refuseIdle(invocation)
    if (format !== undefined) return print(format, design, invocation, io)
    return invocation.has('dry-run')
      ? dryRun(settings, design, invocation, io)
      : create(settings, billing, design, invocation, io)
  },
}

/** Refuses options that have no effect, because nothing is created or asked for. */
function refuseIdle(invocation: Invocation): void {
  const idle = invocation.has('print')
    ? ['dry-run', 'wait-seconds', 'endpoint', 'profile']
    : invocation.has('dry-run')
      ? ['wait-seconds']
      : []
  const name = idle.find(each => invocation.has(each))
  if (name === undefined) return
  throw new UsageError(
    `--${name} has no effect with --${invocation.has('print') ? 'print' : 'dry-run'}; leave it out`,
  )
}

function billingOf(invocation: Invocation): Billing | undefined {
  const bounds = { least: 1, most: 1_000_000_000, unit: 'capacity units', whole: true }
  const readCapacityUnits = invocation.number('read-units', bounds)
  const writeCapacityUnits = invocation.number('write-units', bounds)
  const mode = invocation.oneOf('billing', ['on-demand', 'provisioned'])
  if (mode === 'provisioned') {
    return {
      readCapacityUnits: readCapacityUnits ?? DEFAULT_PROVISIONED_UNITS,
      writeCapacityUnits: writeCapacityUnits ?? DEFAULT_PROVISIONED_UNITS,
    }
  }
  if (readCapacityUnits !== undefined || writeCapacityUnits !== undefined) {
    throw new UsageError('--read-units and --write-units go with --billing provisioned')
  }
  return mode
}

async function print(
  format: keyof typeof FORMATS,
  design: TableDesign,
  invocation: Invocation,
  { stdout }: CommandLineIo,
): Promise<number> {
  if (design.table.startsWith('arn:')) {
    throw new UsageError('--print needs the name of a table that is to be created, not an ARN')
  }
  const code = (await FORMATS[format]())(design)
  if (invocation.has('json')) await writeJson(stdout, { format, code })
  else await stdout.write(code)
  return EXIT.ok
}

async function dryRun(
  settings: StoreSettings,
  design: TableDesign,
  invocation: Invocation,
  io: CommandLineIo,
): Promise<number> {
  const { checkTable } = await import('../../table/check-table.ts')
  const options = { ...connectionOf(settings), userIndex: design.userIndex !== undefined, signal: io.signal }
  const { state, findings } = await checkTable(options)
  const failed = state !== undefined && findings.some(({ level }) => level === 'fail')
  if (invocation.has('json')) {
    await writeJson(io.stdout, {
      table: design.table,
      wouldCreate: state === undefined,
      ...(state === undefined ? { as: designInWords(design) } : { findings }),
    })
  } else if (state === undefined) {
    await writeLine(io.stdout, `would create table "${design.table}": ${designInWords(design)}`)
  } else {
    await writeLine(io.stdout, `table "${design.table}" is there; nothing would be changed`)
    for (const line of findings.map(inWords)) await writeLine(io.stdout, line)
  }
  return failed ? EXIT.failure : EXIT.ok
}

async function create(
  settings: StoreSettings,
  billing: Billing | undefined,
  design: TableDesign,
  invocation: Invocation,
  io: CommandLineIo,
): Promise<number> {
  const { createTable } = await import('../../table/create-table.ts')
  const waitSeconds = invocation.number('wait-seconds', { least: 1, most: 3600, unit: 'seconds' })
  const options: CreateTableOptions = {
    ...connectionOf(settings),
    billing,
    userIndex: design.userIndex !== undefined,
    waitTimeoutMs: waitSeconds === undefined ? undefined : Math.round(waitSeconds * 1000),
    signal: io.signal,
    // They are in the result, too.
    onWarning: () => {},
  }
  const progress = new Progress(io.stderr)
  await progress.show(`waiting for table "${design.table}" to become active`)
  const { created, warnings } = await progress.during(createTable(options))
  if (invocation.has('json')) {
    await writeJson(io.stdout, { table: design.table, created, warnings })
    return EXIT.ok
  }
  await writeLine(
    io.stdout,
    created
      ? `created table "${design.table}": ${designInWords(design)}`
      : `table "${design.table}" was there; nothing was changed`,
  )
  for (const warning of warnings) await writeLine(io.stderr, `warning: ${inOptionNames(warning)}`)
  return EXIT.ok
}

/** The settings that the functions for tables take. */
function connectionOf(settings: StoreSettings): CreateTableOptions {
  const { table, layout, partitionKey, dataAttribute, ttlAttribute, region, endpoint, profile } = settings
  return { table, layout, partitionKey, dataAttribute, ttlAttribute, region, endpoint, profile }
}

function inWords({ level, what, fix }: TableReport['findings'][number]): string {
  return inOptionNames(`${level}: ${what}${fix === undefined ? '' : `\n      ${fix}`}`)
}
