import { weakProperty } from '../../internal/weak-property.ts'
import { partitionOf } from '../config/partitions.ts'

/** Where a table was looked for. */
export interface TablePlace {
  /** Name or ARN of the table. */
  readonly table: string
  readonly region: string
  /** Scheme, host and port of the endpoint. */
  readonly origin: string
}

/** What a store has that its table depends on; what is absent is as it is by default. */
export interface TableSettings {
  readonly layout?: string | undefined
  readonly partitionKey?: string | undefined
}

const places = weakProperty<TablePlace>()

/** Keeps where a table was looked for, for {@link placeOf}. */
export function rememberPlace(error: Error, place: TablePlace): void {
  places.set(error, place)
}

/** Where the table of a `TableNotFoundError` was looked for. */
export function placeOf(error: Error): TablePlace | undefined {
  return places.of(error)
}

/** The region in the ARN of a table, where that is another than requests go to. */
export function otherRegionOf({ table, region }: Pick<TablePlace, 'table' | 'region'>): string | undefined {
  const [arn, , , ofTable] = table.split(':')
  return arn === 'arn' && ofTable !== region ? ofTable : undefined
}

/** The command that creates a table where it was looked for, for people to run. */
export function createTableCommand(
  { table, region, origin }: TablePlace,
  { layout, partitionKey }: TableSettings = {},
): string {
  const words = ['npx dynamodb-sessions create-table', `--table ${nameOf(table)}`, `--region ${region}`]
  if (!isOwnEndpoint(origin, region)) words.push(`--endpoint ${origin}`)
  if (layout !== undefined && layout !== 'native') words.push(`--layout ${layout}`)
  if (partitionKey !== undefined) words.push(`--partition-key ${shellWord(partitionKey)}`)
  return words.join(' ')
}

function nameOf(table: string): string {
  return table.slice(table.lastIndexOf('/') + 1)
}

/** Whether an endpoint is one that AWS has for the region, so that whoever names the region gets there. */
function isOwnEndpoint(origin: string, region: string): boolean {
  const { dnsSuffix, dualStackDnsSuffix } = partitionOf(region)
  return [dnsSuffix, dualStackDnsSuffix].some(suffix => {
    const end = `.${region}.${suffix}`
    return (
      origin.endsWith(end) &&
      /^https:\/\/(?:dynamodb|dynamodb-fips|[a-z\d-]+\.ddb)$/.test(origin.slice(0, -end.length))
    )
  })
}

function shellWord(text: string): string {
  return /^[\w.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
