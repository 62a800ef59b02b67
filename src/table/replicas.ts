import type { Input } from '../aws/dynamodb/operations.ts'
import { awsRegionOption } from '../options/region-option.ts'
import { DynamoDBError, TableNotFoundError } from '../errors.ts'
import type { OptionRow, OptionRows } from '../internal/option.ts'
import type { ConnectionOptions } from '../options/connection-options.ts'
import { type FailoverRegion, failoverRows, regionListProblem } from '../options/availability-options.ts'
import { type Finding, statusFinding, timeToLiveFinding, userIndexFinding } from './findings.ts'
import {
  enableTimeToLive,
  findTable,
  isUsable,
  type TableAccess,
  type TableState,
  timeToLiveOf,
} from './table-state.ts'

/** Replicas that a table is to have in other Regions. */
export interface ReplicaOptions {
  /**
   * Other Regions that the table is to have replicas in, which makes it a global table: names, or objects
   * `{ region, endpoint }`. It needs on-demand billing.
   *
   * @default none
   */
  readonly replicas?: readonly (string | FailoverRegion)[] | undefined

  /**
   * How the replicas agree: `eventual` (MREC) within about a second, or `strong` (MRSC) before a write is acknowledged, which
   * takes exactly three Regions and has neither time to live nor transactions. It cannot be changed afterwards.
   *
   * @default 'eventual'
   */
  readonly consistency?: 'eventual' | 'strong' | undefined

  /**
   * With `consistency: 'strong'` and one replica: the third Region, whose copy cannot be read.
   *
   * @default none: there are two replicas
   */
  readonly witness?: string | undefined
}

// There is no variable for it: a table is created once, by a command or by code that says where.
const { fromText: _fromText, ...witnessRow } = awsRegionOption('the name of an AWS region, such as us-east-2')

/**
 * The rows of {@link ReplicaOptions}.
 *
 * @internal
 */
export const replicaRows: OptionRows<ReplicaOptions> = {
  replicas: {
    takes: failoverRows.regions.takes,
    accepts: value => failoverRows.regions.accepts(value),
    problem: value => failoverRows.regions.problem?.(value),
    conflict: (replicas, { name, options, nameOf }) => {
      const problem = regionListProblem(replicas, options) ?? designProblem(replicas, options)
      return problem && `${nameOf(name)} ${problem}`
    },
  },
  consistency: withReplicas({
    takes: "'eventual' or 'strong'",
    accepts: value => value === 'eventual' || value === 'strong',
    words: ['eventual', 'strong'],
  }),
  witness: withReplicas(witnessRow),
}

/** Replicas as asked for. */
export interface ReplicaDesign {
  readonly regions: readonly string[]
  readonly consistency: 'eventual' | 'strong'
  readonly witness: string | undefined
}

/** The replicas that options ask for; `undefined` where they ask for none. */
export function replicaDesign({
  replicas,
  consistency = 'eventual',
  witness,
}: ReplicaOptions): ReplicaDesign | undefined {
  const regions = replicas?.map(replica => (typeof replica === 'string' ? replica : replica.region))
  return regions && { regions, consistency, witness }
}

/** The way to a replica. */
export function inRegion(access: TableAccess, region: string): TableAccess {
  return { ...access, send: { ...access.send, region } }
}

/** The Regions of a design that a table has no replica or witness in. */
function missingRegions(
  { replicas }: Pick<TableState, 'replicas'>,
  { regions, witness }: ReplicaDesign,
): readonly string[] {
  const asked = witness === undefined ? regions : [...regions, witness]
  return asked.filter(region => !replicas.some(replica => replica.region === region))
}

type ReplicaUpdate = Omit<Input<'UpdateTable'>, 'TableName'>

/** What makes a table a global one. DynamoDB adds one replica at a time, but all at once with strong consistency. */
function replicaUpdates({ regions, consistency, witness }: ReplicaDesign): readonly ReplicaUpdate[] {
  if (consistency === 'eventual') return regions.map(region => ({ ReplicaUpdates: [create(region)] }))
  return [
    {
      MultiRegionConsistency: 'STRONG',
      ReplicaUpdates: regions.map(create),
      ...(witness !== undefined && { GlobalTableWitnessUpdates: [create(witness)] }),
    },
  ]
}

/**
 * Adds the replicas to a new table, and enables time to live in them, where they can have it.
 *
 * @param settle waits until the table and the replicas that it has are active.
 */
export async function addReplicas(
  access: TableAccess,
  design: ReplicaDesign,
  settle: () => Promise<TableState>,
): Promise<TableState> {
  let state = await settle()
  for (const update of replicaUpdates(design)) {
    const missing = missingRegions(state, design)
    if (!update.ReplicaUpdates.some(({ Create }) => missing.includes(Create.RegionName))) continue
    await addReplica(access, update)
    state = await settle()
  }
  if (design.consistency === 'eventual') {
    for (const region of design.regions) await enableTimeToLive(inRegion(access, region))
  }
  return state
}

/** The replicas that a table should have; where nothing is said of consistency, either will do. */
type AskedReplicas = Omit<ReplicaDesign, 'consistency'> & {
  readonly consistency?: ReplicaDesign['consistency'] | undefined
}

/** The replicas that the option `failover` asks for. */
export function askedReplicas({ failover }: Pick<ConnectionOptions, 'failover'>): AskedReplicas | undefined {
  const design = replicaDesign({ replicas: failover?.regions })
  return design && { regions: design.regions, witness: undefined }
}

/**
 * Whether a table has its replicas, and whether these are as they should be, by what it is about.
 */
export async function checkReplicas(
  state: TableState,
  access: TableAccess,
  design: AskedReplicas,
): Promise<Readonly<Record<string, Finding>>> {
  const asked: ReplicaDesign = {
    ...design,
    consistency: design.consistency ?? state.consistency ?? 'eventual',
  }
  const missing = missingRegions(state, asked)
  const findings: Record<string, Finding> = {
    replicas: missing.length > 0 ? missingFinding(state, asked, missing) : stateFinding(state),
    consistency: consistencyFinding(state, asked),
  }
  for (const region of design.regions) {
    if (missing.includes(region)) continue
    Object.assign(findings, await checkRegion(inRegion(access, region), region))
  }
  return findings
}

async function addReplica(access: TableAccess, update: ReplicaUpdate): Promise<void> {
  const { client, table, send } = access
  try {
    await client.send('UpdateTable', { TableName: table, ...update }, send)
  } catch (error) {
    if (!(error instanceof DynamoDBError)) throw error
    // Another process may be doing the same, or an attempt whose response was lost has done it: what counts is what there is.
    const found = await findTable(access)
    const regions = update.ReplicaUpdates.map(({ Create }) => Create.RegionName)
    const wanted = { regions, consistency: 'eventual', witness: undefined } as const
    if (found instanceof TableNotFoundError || missingRegions(found, wanted).length > 0) throw error
  }
}

function create(RegionName: string): ReplicaUpdate['ReplicaUpdates'][number] {
  return { Create: { RegionName } }
}

function withReplicas<Value>(row: OptionRow<Value>): OptionRow<Value> {
  return {
    ...row,
    conflict: (_value, { name, options, nameOf }) =>
      options['replicas'] === undefined ? `${nameOf(name)} goes with the option "replicas"` : undefined,
  }
}

function designProblem(
  replicas: readonly unknown[],
  { consistency, witness, billing }: Readonly<Record<string, unknown>>,
): string | undefined {
  if (typeof billing === 'object') {
    return 'needs on-demand billing: with provisioned capacity DynamoDB asks for auto scaling first'
  }
  if (consistency !== 'strong') {
    return witness === undefined ? undefined : 'has a witness only where "consistency" is \'strong\''
  }
  return replicas.length + (witness === undefined ? 0 : 1) === 2
    ? undefined
    : "must name two regions where \"consistency\" is 'strong', or one next to a witness: with the table's own there are three"
}

async function checkRegion(access: TableAccess, region: string): Promise<Record<string, Finding>> {
  const found = await findTable(access)
  const about = (subject: string): string => `${region}: ${subject}`
  const inThere = (finding: Finding): Finding => ({ ...finding, what: about(finding.what) })
  if (found instanceof TableNotFoundError) {
    return { [about('table')]: { level: 'fail', what: about(`table "${access.table}" does not exist`) } }
  }
  if (!isUsable(found.status)) return { [about('table')]: inThere(statusFinding(found)) }
  const state = { ...found, timeToLive: await timeToLiveOf(access) }
  return {
    [about('table')]: inThere(statusFinding(state)),
    [about('time to live')]: inThere(timeToLiveFinding(state, access)),
    ...(access.userIndex !== undefined && { [about('index by user')]: inThere(userIndexFinding(state)) }),
  }
}

function missingFinding({ table }: TableState, design: ReplicaDesign, missing: readonly string[]): Finding {
  const what = `table "${table}" has no replica in ${missing.join(', ')}`
  if (design.consistency === 'strong') {
    return {
      level: 'warn',
      what,
      fix: 'create another table: one with strong consistency gets all of its replicas at once, while it is empty',
    }
  }
  const [update] = replicaUpdates({ ...design, regions: missing })
  const json = JSON.stringify(update?.ReplicaUpdates)
  return {
    level: 'warn',
    what,
    fix: `add it, one region after the other: aws dynamodb update-table --table-name ${table} --replica-updates '${json}'`,
  }
}

function stateFinding({ table, replicas }: TableState): Finding {
  const others = replicas.filter(({ status }) => status !== 'ACTIVE')
  const listed = replicas.map(({ region, isWitness }) => (isWitness ? `${region} (witness)` : region))
  if (others.length === 0) {
    return { level: 'pass', what: `table "${table}" has replicas in ${listed.join(', ')}` }
  }
  const states = others.map(({ region, status }) => `${region} is ${status}`).join(', ')
  return {
    level: 'warn',
    what: `not all replicas of table "${table}" are ACTIVE: ${states}`,
    fix: 'wait until they are',
  }
}

function consistencyFinding({ table, consistency }: TableState, asked: ReplicaDesign): Finding {
  if (consistency !== undefined && consistency !== asked.consistency) {
    return {
      level: 'warn',
      what: `the replicas of table "${table}" have ${consistency} consistency, not ${asked.consistency}`,
      fix: 'use another table: the consistency of replicas cannot be changed',
    }
  }
  if (consistency !== 'strong')
    return { level: 'pass', what: 'the replicas have eventual consistency (MREC)' }
  return {
    level: 'warn',
    what:
      'the replicas have strong consistency (MRSC), which DynamoDB has no transactions with: "migrateFrom" needs them, and so ' +
      'does giving a session a new ID at once (regenerate)',
    fix: 'use a table with eventual consistency where the application does either',
  }
}
