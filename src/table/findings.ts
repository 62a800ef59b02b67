import {
  createTableCommand,
  localNote,
  otherRegionOf,
  placeOf,
  type TableSettings,
} from '../aws/dynamodb/wire-error.ts'
import type { TableNotFoundError } from '../errors.ts'
import { addIndexCommand, userIndex } from '../layouts/user-index.ts'
import {
  type Billing,
  isOn,
  isUsable,
  type KeyAttribute,
  type LayoutTable,
  shown,
  type TableAccess,
  type TableState,
} from './table-state.ts'

/** One thing that was looked at. */
export interface Finding {
  /** `fail`: sessions cannot be kept in the table as it is. `warn`: they can, and something is not as it should be. */
  readonly level: 'pass' | 'warn' | 'fail'
  /** What was found. */
  readonly what: string
  /** What to do about it; absent when there is nothing to do. */
  readonly fix?: string
}

/** Everything that there is to say of a table that is there, by what it is about: whether it is as it should be. */
export function findingsOf(
  state: TableState,
  access: Pick<TableAccess, 'layout' | 'partitionKey' | 'ttlAttribute' | 'userIndex'>,
  billing?: Billing,
): Readonly<Record<string, Finding>> {
  return {
    table: statusFinding(state),
    key: keyFinding(state, access.partitionKey),
    billing: billingFinding(state, billing),
    'time to live': timeToLiveFinding(state, access),
    ...(access.userIndex !== undefined && { 'index by user': userIndexFinding(state) }),
  }
}

/**
 * That there is no such table, and how to create it.
 *
 * @param settings what the options say of the table.
 */
export function missingFinding(table: string, error: TableNotFoundError, settings: TableSettings): Finding {
  const place = placeOf(error)
  if (place === undefined) return { level: 'fail', what: `table "${table}" does not exist` }
  const { region, origin } = place
  const what = `table "${table}" does not exist in ${region} at ${origin}`
  const otherRegion = otherRegionOf(place)
  return {
    level: 'fail',
    what,
    fix:
      otherRegion === undefined
        ? `create it with: ${createTableCommand(place, settings)}; or name the region, account or table that it is in${localNote(origin)}`
        : `set the region to ${otherRegion}, as the ARN of the table says, or name a table of ${region}`,
  }
}

/** Whether the table works at this moment. */
export function statusFinding({ table, status }: TableState): Finding {
  if (status === 'ACTIVE') return { level: 'pass', what: `table "${table}" is ACTIVE` }
  if (isUsable(status)) return { level: 'pass', what: `table "${table}" is ${status}, and works meanwhile` }
  return { level: 'fail', what: `table "${table}" is ${status}`, fix: 'wait until it is ACTIVE' }
}

/** Whether the table has the key that is asked for. */
export function keyFinding({ table, key }: TableState, partitionKey: string): Finding {
  const asked = `${partitionKey} (HASH, S)`
  const found = inWords(key)
  if (found === asked) return { level: 'pass', what: `the key is ${asked}` }
  const hasOtherName = key.length === 1 && key[0]?.role === 'HASH' && key[0].type === 'S'
  return {
    level: 'fail',
    what: `the key of table "${table}" is ${found}, not ${asked}, and a key cannot be changed`,
    fix: hasOtherName
      ? 'name its partition key in the option "partitionKey", or use another table'
      : 'use another table: sessions need a partition key of type S and no sort key; npx dynamodb-sessions create-table ' +
        'makes such a table',
  }
}

/** How the table is paid for, and whether that is as asked for. */
export function billingFinding({ table, billing }: TableState, asked: Billing | undefined): Finding {
  const found =
    billing === 'on-demand'
      ? 'on-demand billing'
      : `provisioned capacity of ${billing.readCapacityUnits} read and ${billing.writeCapacityUnits} write units`
  const isAsAsked = asked === undefined || (asked === 'on-demand') === (billing === 'on-demand')
  if (isAsAsked) return { level: 'pass', what: `table "${table}" has ${found}` }
  const other =
    asked === 'on-demand'
      ? '--billing-mode PAY_PER_REQUEST'
      : '--billing-mode PROVISIONED --provisioned-throughput ' +
        `ReadCapacityUnits=${asked.readCapacityUnits},WriteCapacityUnits=${asked.writeCapacityUnits}`
  return {
    level: 'warn',
    what: `table "${table}" has ${found}, which is not what was asked for`,
    fix: `change it: aws dynamodb update-table --table-name ${table} ${other}`,
  }
}

/** Whether DynamoDB deletes the sessions that have expired. */
export function timeToLiveFinding(
  { table, timeToLive, consistency }: TableState,
  { layout, ttlAttribute }: Pick<LayoutTable, 'layout' | 'ttlAttribute'>,
): Finding {
  if (ttlAttribute === undefined) {
    return {
      level: 'warn',
      what:
        `the layout "${layout}" writes no expiry that time to live can act on, so that expired sessions stay in table ` +
        `"${table}" until garbage collection deletes them; they are never read`,
      fix: `collect garbage regularly: collectGarbage, or npx dynamodb-sessions gc --table ${table} --layout ${layout}`,
    }
  }
  if (consistency === 'strong') {
    return {
      level: 'warn',
      what:
        `table "${table}" has strong consistency between regions, which DynamoDB has no time to live with: expired sessions ` +
        'stay until garbage collection deletes them; they are never read',
      fix: `collect garbage regularly: collectGarbage, or npx dynamodb-sessions gc --table ${table}`,
    }
  }
  if (timeToLive === undefined) {
    return {
      level: 'warn',
      what:
        `this DynamoDB engine has no time to live, so that expired sessions stay in table "${table}" until something ` +
        'deletes them; they are never read',
    }
  }
  const { status, attribute } = timeToLive
  if (!isOn(timeToLive)) {
    return {
      level: 'warn',
      what: `time to live is ${status} on table "${table}", so that expired sessions are never deleted`,
      fix:
        `enable it: aws dynamodb update-time-to-live --table-name ${table} --time-to-live-specification ` +
        `Enabled=true,AttributeName=${ttlAttribute}`,
    }
  }
  if (attribute !== ttlAttribute) {
    return {
      level: 'warn',
      what:
        `time to live of table "${table}" is on attribute "${attribute}", not on "${ttlAttribute}", so that expired ` +
        'sessions are never deleted',
      fix:
        `disable it: aws dynamodb update-time-to-live --table-name ${table} --time-to-live-specification ` +
        `Enabled=false,AttributeName=${attribute}; an hour later, enable it on the other attribute: ` +
        `aws dynamodb update-time-to-live --table-name ${table} --time-to-live-specification ` +
        `Enabled=true,AttributeName=${ttlAttribute}`,
    }
  }
  return { level: 'pass', what: `time to live is ${status} on "${ttlAttribute}"` }
}

/** Whether the sessions of a user can be found. */
export function userIndexFinding({ table, billing, userIndex: state }: TableState): Finding {
  const { name, attribute, projected } = userIndex
  const command = addIndexCommand(table, billing === 'on-demand' ? undefined : billing)
  if (state === undefined) {
    return unusableIndex(
      `table "${table}" has no index "${name}"`,
      `set the option "userIndex" to false where nothing needs that, or add the index: ${command}`,
    )
  }
  const asked = `${attribute} (HASH, S)`
  const key = inWords(state.key)
  const addAnew = `delete the index and add it again: ${command}`
  if (key !== asked) {
    return unusableIndex(
      `the key of the index "${name}" of table "${table}" is ${key}, not ${asked}`,
      addAnew,
    )
  }
  const missing = state.projected === 'ALL' ? [] : projected.filter(each => !state.projected.includes(each))
  if (missing.length > 0) {
    return unusableIndex(
      `the index "${name}" of table "${table}" does not have ${missing.join(', ')}`,
      addAnew,
    )
  }
  if (!isUsable(state.status)) {
    return unusableIndex(
      `the index "${name}" of table "${table}" is ${state.status}`,
      'wait until it is ACTIVE',
    )
  }
  return { level: 'pass', what: `the index "${name}" is ${state.status}` }
}

function unusableIndex(what: string, fix: string): Finding {
  return { level: 'warn', what: `${what}, so that the sessions of a user cannot be found`, fix }
}

function inWords(key: readonly KeyAttribute[]): string {
  return key.map(({ name, role, type }) => `${name} (${shown(role)}, ${type ?? 'unknown type'})`).join(', ')
}
