import type { UserIndex } from '../../layouts/layout.ts'
import type { LayoutTable } from '../../table/layout-table.ts'
import type { Billing } from '../../table/table-state.ts'

/** The table that is asked for, as every form of infrastructure code says it. */
export interface TableDesign {
  readonly table: string
  readonly region: string | undefined
  readonly partitionKey: string
  readonly billing: Billing
  /** `undefined` when the layout has no expiry that time to live can act on. */
  readonly ttlAttribute: string | undefined
  /** `undefined` when no index is wanted. */
  readonly userIndex: UserIndex | undefined
}

/** What a table is to be; what is not given is as `createTable` has it. */
export function tableDesign(wanted: {
  readonly table: string
  readonly region: string | undefined
  /** What the layout of the sessions asks of their table. */
  readonly layout: LayoutTable
  readonly billing: Billing | undefined
  readonly userIndex: boolean
}): TableDesign {
  const { table, region, billing, layout } = wanted
  return {
    table,
    region,
    billing: billing ?? 'on-demand',
    partitionKey: layout.partitionKey,
    ttlAttribute: layout.ttlAttribute,
    userIndex: wanted.userIndex ? layout.userIndex : undefined,
  }
}

/**
 * What the application has to be permitted, and no more: reading and writing single items, and asking the index for
 * the sessions of a user. Listing all sessions, garbage collection and `doctor` need more.
 */
export const APPLICATION_ACTIONS: readonly string[] = [
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:DeleteItem',
]

/** What the application has to be permitted on the index. */
export const INDEX_ACTIONS: readonly string[] = ['dynamodb:Query']

/** What an operator has to be permitted besides, for `list`, `gc`, `stats` and `doctor`. */
export const OPERATOR_ACTIONS: readonly string[] = [
  'dynamodb:Scan',
  'dynamodb:DescribeTable',
  'dynamodb:DescribeTimeToLive',
]

/** The table in one line, for people. */
export function designInWords({
  partitionKey,
  billing,
  ttlAttribute,
  userIndex: index,
}: TableDesign): string {
  const paid =
    billing === 'on-demand'
      ? 'on-demand billing'
      : `${billing.readCapacityUnits} read and ${billing.writeCapacityUnits} write units`
  const timeToLive = ttlAttribute === undefined ? 'no time to live' : `time to live on "${ttlAttribute}"`
  const indexed = index === undefined ? 'no index' : `index "${index.name}"`
  return `${paid}, key "${partitionKey}" (S), ${timeToLive}, ${indexed}`
}

/** What a template says in the place of time to live where the layout has no expiry that it could act on. */
export const NO_TIME_TO_LIVE =
  'No time to live: the items have no expiry in seconds. dynamodb-sessions gc deletes what has expired.'

/** A text as a literal of JSON, which is one of YAML and TypeScript, too. */
export function quoted(text: string): string {
  return JSON.stringify(text)
}
