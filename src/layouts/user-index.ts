/** The secondary index that finds the sessions of a user. */
export interface UserIndex {
  readonly name: string
  /** Its partition key, an attribute of type S. Items without it are not in the index. */
  readonly attribute: string
  /** The attributes that it has of an item, besides its own key and the table's. */
  readonly projected: readonly string[]
}

/** Capacity that is paid for by the hour, whether or not it is used. */
export interface ProvisionedCapacity {
  /** Read capacity units: each is one consistent read of up to 4 KB a second. */
  readonly readCapacityUnits: number
  /** Write capacity units: each is one write of up to 1 KB a second. */
  readonly writeCapacityUnits: number
}

/** The index of the native layout, which `createTable` makes. It has what tells whether a session is alive, so that listing reads nothing else. */
export const userIndex: UserIndex = {
  name: 'user-index',
  attribute: 'user',
  projected: ['expires', 'expiresMs', 'created'],
}

const MAX_INDEX_KEY_BYTES = 2048

/** Whether a value can be written down as the user of a session: DynamoDB takes 1 to 2048 bytes as key of an index. */
export function isUserId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= MAX_INDEX_KEY_BYTES
}

/**
 * The command that adds an index to a table, for people to run: it works while the table is in use, and takes as long
 * as the table is large.
 *
 * @param capacity what the index is to have in a table with provisioned capacity; `undefined` for on-demand tables.
 */
export function addIndexCommand(table: string, capacity?: ProvisionedCapacity): string {
  const { name, attribute, projected } = userIndex
  const throughput =
    capacity === undefined
      ? ''
      : `,ProvisionedThroughput={ReadCapacityUnits=${capacity.readCapacityUnits},` +
        `WriteCapacityUnits=${capacity.writeCapacityUnits}}`
  return (
    `aws dynamodb update-table --table-name ${table} ` +
    `--attribute-definitions AttributeName=${attribute},AttributeType=S --global-secondary-index-updates ` +
    `"Create={IndexName=${name},KeySchema=[{AttributeName=${attribute},KeyType=HASH}],` +
    `Projection={ProjectionType=INCLUDE,NonKeyAttributes=[${projected.join(',')}]}${throughput}}"`
  )
}
