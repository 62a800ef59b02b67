import { integerOption, numberOption } from '../../internal/option.ts'
import { tableRow } from '../../options/store-options.ts'
import type { TableReport } from '../../table/check-table.ts'
import type { CreateTableOptions } from '../../table/create-table.ts'
import { type ReplicaDesign, replicaDesign, type ReplicaOptions } from '../../table/replicas.ts'
import { openLayoutTable } from '../../table/table-state.ts'
import type { Billing } from '../../table/table-state.ts'
import {
  aboutTable,
  type Command,
  type CommandContext,
  declared,
  type ParsedArgs,
  writeResult,
} from '../args.ts'
import { INFRASTRUCTURE_FORMATS, infrastructureCode, type TableDesign } from '../infrastructure.ts'
import { EXIT, UsageError, writeLine } from '../output.ts'
import { storeSettings } from '../store-settings.ts'

const DEFAULT_PROVISIONED_UNITS = 5

/** `dynamodb-sessions create-table` */
export const command: Command = {
  usage: ['', '--print cloudformation|terraform|cdk|cli'],
  description: [
    'Creates the table for sessions: on-demand billing, a partition key of type S, time to live on "expires", and an index ' +
      'by user that costs nothing until sessions have a user. Waits until the table is active.',
    'With --layout the key and the attribute for time to live are those of that layout, and there is no index by user. ' +
      '--partition-key gives the key another name.',
    'A table that is there is never changed: the command says what differs and how to mend it, and fails only when ' +
      'sessions cannot be kept in it. It may run at every deployment.',
    'With --replicas a new table is a global one, for DYNAMODB_SESSIONS_FAILOVER: docs/multi-region.md says what holds between ' +
      'regions. Replicas take some minutes.',
    'It needs the permissions dynamodb:CreateTable, DescribeTable, UpdateTimeToLive and DescribeTimeToLive, which the ' +
      'application does not. With --print nothing is sent to AWS: the same table is printed as infrastructure code, with ' +
      'the policy that the application needs and no more.',
  ],
  optionsOnly: 'takes options only; name the table with --table',
  options: declared({
    'billing <mode>': 'on-demand (default) or provisioned',
    'read-units <number>': 'provisioned read capacity (default: 5)',
    'write-units <number>': 'provisioned write capacity (default: 5)',
    'no-user-index': 'leave the index by user out; sessions of a user cannot be found then',
    'replicas <regions>': 'other regions to have replicas in, with commas between them',
    'consistency <mode>': 'of the replicas: eventual (default) or strong, which takes three regions',
    'witness <region>': 'with strong consistency: the third region, whose copy cannot be read',
    'wait-seconds <number>':
      'how long to wait until the table is active (default: 120, or 1200 with replicas)',
    'dry-run': 'say what would be done, and change nothing',
    'print <format>': 'print cloudformation, terraform, cdk or cli (AWS CLI commands) instead',
  }),
  // A table is the same whatever the keys of its items are.
  without: ['prefix', 'hash-ids'],
  examples: {
    'In a region:': 'create-table --table sessions --region eu-west-1',
    'For the items of other software:': 'create-table --layout connect-dynamodb',
    'On DynamoDB Local, with any AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the same as the application:':
      'create-table --endpoint http://127.0.0.1:8000 --region local',
    'In two regions:': 'create-table --region us-east-1 --replicas us-west-2',
    'As infrastructure code:': 'create-table --print cloudformation > sessions.yaml',
    'What would happen:': 'create-table --dry-run',
  },
  run: async context => {
    const { args } = context
    const billing = billingOf(args)
    const settings = storeSettings(context)
    const asked = await openLayoutTable(settings)
    const replicas = replicasOf(args)
    const design: TableDesign = {
      ...asked,
      replicas: replicaDesign(replicas),
      table: settings.table ?? tableRow.default,
      region: settings.region,
      billing: billing ?? 'on-demand',
      userIndex: args.has('no-user-index') ? undefined : asked.userIndex,
    }
    const format = args.oneOf('print', INFRASTRUCTURE_FORMATS)
    refuseIdle(args)
    if (format !== undefined) {
      const code = await infrastructureCode(format, design)
      return writeResult(context, { format, code }, code.trimEnd())
    }
    const { table, layout, partitionKey, dataAttribute, ttlAttribute, region, endpoint, profile } = settings
    const connection = { table, layout, partitionKey, dataAttribute, ttlAttribute, region, endpoint, profile }
    const options: CreateTableOptions = {
      ...connection,
      ...replicas,
      userIndex: design.userIndex !== undefined,
      signal: context.signal,
    }
    return args.has('dry-run')
      ? dryRun(context, options, design)
      : create(context, { ...options, billing }, design)
  },
}

/** Refuses options that have no effect, because nothing is created or asked for. */
function refuseIdle(args: ParsedArgs): void {
  const mode = ['print', 'dry-run'].find(name => args.has(name))
  if (mode === undefined) return
  const idle = mode === 'print' ? ['dry-run', 'wait-seconds', 'endpoint', 'profile'] : ['wait-seconds']
  const name = idle.find(each => args.has(each))
  if (name !== undefined) throw new UsageError(`--${name} has no effect with --${mode}; leave it out`)
}

function billingOf(args: ParsedArgs): Billing | undefined {
  const bounds = integerOption('capacity units', 1, 1_000_000_000)
  const readCapacityUnits = args.number('read-units', bounds)
  const writeCapacityUnits = args.number('write-units', bounds)
  const mode = args.oneOf('billing', ['on-demand', 'provisioned'])
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

function replicasOf(args: ParsedArgs): ReplicaOptions {
  const names = args.text('replicas')?.split(',')
  return {
    replicas: names?.map(name => name.trim()),
    consistency: args.oneOf('consistency', ['eventual', 'strong']),
    witness: args.text('witness'),
  }
}

async function dryRun(
  context: CommandContext,
  options: CreateTableOptions,
  design: TableDesign,
): Promise<number | void> {
  const { checkTable } = await import('../../table/check-table.ts')
  const { table } = design
  const { replicas, consistency: _consistency, witness: _witness, ...where } = options
  const { state, findings } = await checkTable(
    replicas === undefined ? where : { ...where, failover: { regions: replicas } },
  )
  if (state === undefined) {
    const as = designInWords(design)
    return writeResult(context, { table, wouldCreate: true, as }, `would create table "${table}": ${as}`)
  }
  const text = [
    `table "${table}" is there; nothing would be changed`,
    ...findings.map(finding => findingInWords(finding, options)),
  ]
  await writeResult(context, { table, wouldCreate: false, findings }, text.join('\n'))
  if (findings.some(({ level }) => level === 'fail')) return EXIT.failure
}

async function create(
  context: CommandContext,
  options: CreateTableOptions,
  design: TableDesign,
): Promise<void> {
  const { createTable } = await import('../../table/create-table.ts')
  const { args, progress, stderr } = context
  const { table } = design
  const waitSeconds = args.number('wait-seconds', numberOption('seconds', 1, 3600))
  await progress.show(`creating table "${table}"`)
  const { created, warnings } = await createTable({
    ...options,
    waitTimeoutMs: waitSeconds === undefined ? undefined : Math.round(waitSeconds * 1000),
    // They are in the result, too.
    onWarning: () => {},
  })
  const hasNoTtl = warnings.some(warning => warning.includes('no time to live'))
  const text = created
    ? `created table "${table}": ${designInWords(hasNoTtl ? { ...design, ttlAttribute: undefined } : design)}`
    : `table "${table}" was there; nothing was changed`
  await writeResult(context, { table, created, warnings }, text)
  if (args.has('json')) return
  for (const warning of warnings) await writeLine(stderr, `warning: ${aboutTable(warning, options)}`)
}

function designInWords(design: TableDesign): string {
  const { partitionKey, billing, ttlAttribute, userIndex, replicas } = design
  const paid =
    billing === 'on-demand'
      ? 'on-demand billing'
      : `${billing.readCapacityUnits} read and ${billing.writeCapacityUnits} write units`
  const timeToLive =
    ttlAttribute === undefined || replicas?.consistency === 'strong'
      ? 'no time to live'
      : `time to live on "${ttlAttribute}"`
  const indexed = userIndex === undefined ? 'no index' : `index "${userIndex.name}"`
  return `${paid}, key "${partitionKey}" (S), ${timeToLive}, ${indexed}${replicas === undefined ? '' : inRegions(replicas)}`
}

function inRegions({ regions, consistency, witness }: ReplicaDesign): string {
  const witnessed = witness === undefined ? '' : `, with a witness in ${witness}`
  return `, replicas in ${regions.join(', ')} (${consistency} consistency${witnessed})`
}

function findingInWords(
  { level, what, fix }: TableReport['findings'][number],
  options: CreateTableOptions,
): string {
  return aboutTable(`${level}: ${what}${fix === undefined ? '' : `\n      ${fix}`}`, options)
}
