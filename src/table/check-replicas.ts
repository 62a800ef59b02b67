import { TableNotFoundError } from '../errors.ts'
import { type Finding, statusFinding, timeToLiveFinding, userIndexFinding } from './findings.ts'
import type { ConnectionOptions } from '../options/connection-options.ts'
import { inRegion, missingRegions, type ReplicaDesign, replicaDesign, replicaUpdates } from './replicas.ts'
import { findTable, isUsable, type TableAccess, type TableState, timeToLiveOf } from './table-state.ts'

/** The replicas that a table should have; where nothing is said of consistency, either will do. */
export type AskedReplicas = Omit<ReplicaDesign, 'consistency'> & {
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
