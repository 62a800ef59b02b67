import type { Input } from '../aws/dynamodb/operations.ts'
import { isRegionName } from '../aws/dynamodb/endpoint-rules.ts'
import { DynamoDBError, TableNotFoundError } from '../errors.ts'
import type { OptionRow, OptionRows } from '../internal/option.ts'
import { type FailoverRegion, failoverRows, regionListProblem } from '../options/failover-options.ts'
import { enableTimeToLive, findTable, type TableAccess, type TableState } from './table-state.ts'

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

/**
 * The rows of {@link ReplicaOptions}.
 *
 * @internal
 */
export const replicaRows: OptionRows<ReplicaOptions> = {
  replicas: {
    takes: failoverRows.regions.takes,
    accepts: value => failoverRows.regions.accepts(value),
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
  witness: withReplicas({
    takes: 'the name of an AWS region, such as us-east-2',
    accepts: value => typeof value === 'string' && isRegionName(value),
  }),
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
export function missingRegions(
  { replicas }: Pick<TableState, 'replicas'>,
  { regions, witness }: ReplicaDesign,
): readonly string[] {
  const asked = witness === undefined ? regions : [...regions, witness]
  return asked.filter(region => !replicas.some(replica => replica.region === region))
}

type ReplicaUpdate = Omit<Input<'UpdateTable'>, 'TableName'>

/** What makes a table a global one. DynamoDB adds one replica at a time, but all at once with strong consistency. */
export function replicaUpdates({ regions, consistency, witness }: ReplicaDesign): readonly ReplicaUpdate[] {
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
