import type { Item } from '../../src/types.ts'
import { connectionTo, type Engine, type EngineConnection, uniqueTableName } from './engines.ts'
import { sendToEngine } from './send-to-engine.ts'

/** Options with which a store finds a {@link SessionTable}. */
export interface TableOptions extends EngineConnection {
  readonly table: string
}

/**
 * A table for sessions on an engine, with what a test needs to see and to change its items behind the back of
 * the package.
 */
export class SessionTable {
  readonly engine: Engine
  readonly name: string
  readonly partitionKey: string

  private constructor(engine: Engine, name: string, partitionKey: string) {
    this.engine = engine
    this.name = name
    this.partitionKey = partitionKey
  }

  /** Creates a table of its own for the caller. */
  static async create(
    engine: Engine,
    partitionKey = 'id',
    index?: { readonly name: string; readonly attribute: string },
  ): Promise<SessionTable> {
    const table = new SessionTable(engine, uniqueTableName(), partitionKey)
    await table.send('CreateTable', {
      KeySchema: [{ AttributeName: partitionKey, KeyType: 'HASH' }],
      AttributeDefinitions: [partitionKey, ...(index === undefined ? [] : [index.attribute])].map(name => {
        return { AttributeName: name, AttributeType: 'S' }
      }),
      BillingMode: 'PAY_PER_REQUEST',
      ...(index !== undefined && {
        GlobalSecondaryIndexes: [
          {
            IndexName: index.name,
            KeySchema: [{ AttributeName: index.attribute, KeyType: 'HASH' }],
            Projection: { ProjectionType: 'ALL' },
          },
        ],
      }),
    })
    while (!JSON.stringify(await table.send('DescribeTable', {})).includes('"TableStatus":"ACTIVE"')) {
      // The engines need a few milliseconds; each question takes one.
    }
    return table
  }

  /** Options with which a store finds it, where its partition key is `id`. */
  get options(): TableOptions {
    return { table: this.name, ...connectionTo(this.engine) }
  }

  /** The item as it is stored, or `undefined`. */
  async item(key: string): Promise<Item | undefined> {
    const answer = await this.send('GetItem', {
      Key: { [this.partitionKey]: { S: key } },
      ConsistentRead: true,
    })
    return answer['Item'] as Item | undefined
  }

  /** Stores an item as it is. */
  async put(item: Item): Promise<void> {
    await this.send('PutItem', { Item: item })
  }

  /** Every item whose key begins with `prefix`, in no order. */
  async items(prefix = ''): Promise<Item[]> {
    const items: Item[] = []
    for await (const page of this.pages()) items.push(...page)
    return items.filter(item => keyOf(item, this.partitionKey).startsWith(prefix))
  }

  /** The items as the engine pages them. */
  async *pages(): AsyncGenerator<readonly Item[], void, undefined> {
    let start: unknown
    do {
      const page = await this.send('Scan', {
        ConsistentRead: true,
        ...(start !== undefined && { ExclusiveStartKey: start }),
      })
      yield page['Items'] as readonly Item[]
      start = page['LastEvaluatedKey']
    } while (start !== undefined)
  }

  /** Sends an operation on this table; any answer but success is an error of the test. */
  async send(
    operation: string,
    input: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, unknown>>> {
    const { statusCode, body } = await sendToEngine(this.engine.endpoint, operation, {
      TableName: this.name,
      ...input,
    })
    if (statusCode === 200) return body
    throw new Error(`${operation} was answered with ${statusCode}: ${JSON.stringify(body)}`)
  }
}

function keyOf(item: Item, partitionKey: string): string {
  const key = item[partitionKey]
  return key !== undefined && 'S' in key ? key.S : ''
}

/** The text of an attribute of type N, as it is stored; `undefined` for other types. */
export function numberText(item: Item | undefined, attribute: string): string | undefined {
  const value = item?.[attribute]
  return value !== undefined && 'N' in value ? value.N : undefined
}

/** Whether an item holds nothing of a session but that it has been given a new ID. */
export function isMoveMark(item: Item | undefined): boolean {
  const { id: _, birth: __, movedTo: ___, ...rest } = item ?? {}
  return (
    Object.keys(rest).toSorted().join() === 'expires,expiresMs,lateUntil,moved' &&
    numberText(item, 'expiresMs') === '0'
  )
}
