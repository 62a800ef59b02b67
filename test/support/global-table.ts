import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'

import type { AttributeValue, Item } from '../../src/types.ts'
import { userIndex } from '../../src/layouts/user-index.ts'
import type { Engine } from './engines.ts'
import { SessionTable } from './session-table.ts'

const WRITES: ReadonlySet<string> = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems'])

/** One write as it is replicated: the item as it is after that, if there is one. */
interface Replicated {
  readonly key: AttributeValue
  readonly item: Item | undefined
  /** Decides which of two writes is the last one. */
  readonly stamp: number
}

/** A Region: a server in front of a table of its own. */
class Replica {
  readonly table: SessionTable
  readonly server: Server
  readonly #engine: Engine
  readonly #name: string
  readonly #onWrite: (write: Omit<Replicated, 'stamp'>) => number
  readonly #stamps = new Map<string, number>()
  /** What is under way with an item: writes and their replication take turns. */
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(table: SessionTable, name: string, onWrite: (write: Omit<Replicated, 'stamp'>) => number) {
    this.table = table
    this.#engine = table.engine
    this.#name = name
    this.#onWrite = onWrite
    this.server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy())
    })
  }

  get endpoint(): string {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('the replica has no port')
    return `http://127.0.0.1:${address.port}`
  }

  /** Takes a write of another Region over, unless there was a later one here. */
  apply({ key, item, stamp }: Replicated): Promise<void> {
    const id = JSON.stringify(key)
    return this.#inTurn(id, async () => {
      if ((this.#stamps.get(id) ?? 0) > stamp) return
      this.#stamps.set(id, stamp)
      if (item === undefined) await this.table.send('DeleteItem', { Key: { id: key } })
      else await this.table.put(item)
    })
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? ''
    const body = (await text(request)).replaceAll(
      `"TableName":"${this.#name}"`,
      `"TableName":"${this.table.name}"`,
    )
    const keys = WRITES.has(operation) ? keysOf(JSON.parse(body) as WriteInput) : []
    const forward = async (): Promise<void> => {
      const { status, headers, content } = await this.#forward(request, body)
      // What a transaction writes is not replicated at once.
      for (const key of status === 200 ? keys : []) {
        const stamp = this.#onWrite({ key, item: await this.table.item(key.S) })
        this.#stamps.set(JSON.stringify(key), stamp)
      }
      response.writeHead(status, headers).end(content)
    }
    const ids = keys.map(key => JSON.stringify(key)).toSorted()
    await ids.reduce((work, id) => () => this.#inTurn(id, work), forward)()
  }

  async #forward(
    { headers }: IncomingMessage,
    body: string,
  ): Promise<{ status: number; headers: Record<string, string>; content: string }> {
    const passed = ['content-type', 'x-amz-target', 'x-amz-date', 'authorization']
    const response = await fetch(this.#engine.endpoint, {
      method: 'POST',
      headers: [
        ['accept-encoding', 'identity'],
        ...passed.map((name): [string, string] => [name, String(headers[name])]),
      ],
      body,
    })
    const returned = ['content-type', 'x-amzn-requestid']
    const entries = returned.flatMap(name => {
      const value = response.headers.get(name)
      return value === null ? [] : [[name, value] as const]
    })
    // What an operation consumed is told with the name of the table.
    const content = (await response.text()).replaceAll(this.table.name, this.#name)
    return { status: response.status, headers: Object.fromEntries(entries), content }
  }

  async #inTurn<Value>(id: string, work: () => Promise<Value>): Promise<Value> {
    const mine = (this.#turns.get(id) ?? Promise.resolve()).then(work, work)
    this.#turns.set(id, mine)
    try {
      return await mine
    } finally {
      if (this.#turns.get(id) === mine) this.#turns.delete(id)
    }
  }
}

/** The part of what writes have in common that names the items. */
interface WriteInput {
  readonly Key?: Item
  readonly Item?: Item
  readonly TransactItems?: readonly Readonly<Record<string, WriteInput>>[]
}

/** The keys of the items that a request writes. */
function keysOf({ Key, Item: item, TransactItems = [] }: WriteInput): { readonly S: string }[] {
  const key = (Key ?? item)?.['id']
  const own = key !== undefined && 'S' in key ? [key] : []
  const inside = TransactItems.flatMap(action => Object.entries(action))
  return [...own, ...inside.flatMap(([kind, input]) => (kind === 'ConditionCheck' ? [] : keysOf(input)))]
}

/**
 * A global table of eventual consistency, as far as DynamoDB describes it: a table for each Region, and a replicator between
 * them. What is written in one Region arrives in the others after {@link lagMs}, deletions too; of two writes of an item, the last
 * one wins, as a whole. The engines have no such thing.
 */
export class GlobalTable {
  /** The name that stores give the table. */
  readonly name = 'global-sessions'
  /** How long a write takes to the other Regions, in milliseconds; `Infinity` holds what is written until {@link deliver}. */
  lagMs = 0
  readonly #replicas: readonly Replica[]
  readonly #held: (() => Promise<void>)[] = []
  readonly #underWay = new Set<Promise<unknown>>()
  #stamp = 0

  private constructor(tables: readonly SessionTable[]) {
    this.#replicas = tables.map((table, index) => {
      return new Replica(table, this.name, write => this.#replicate(index, write))
    })
  }

  /** Creates it, empty, in two Regions. */
  static async start(engine: Engine): Promise<GlobalTable> {
    const create = (): Promise<SessionTable> => SessionTable.create(engine, 'id', userIndex)
    const global = new GlobalTable([await create(), await create()])
    for (const { server } of global.#replicas) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
    }
    return global
  }

  /** Where each Region is reached. */
  get endpoints(): readonly string[] {
    return this.#replicas.map(({ endpoint }) => endpoint)
  }

  /** The items in one Region, as they are there. */
  items(region: number): Promise<Item[]> {
    return this.#replicas[region]?.table.items() ?? Promise.resolve([])
  }

  /** Waits until what has been written up to now has arrived in the other Regions; not for what is held. */
  async replicated(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }

  /** Delivers what is under way or held; later writes arrive at once. */
  async deliver(): Promise<void> {
    this.lagMs = 0
    for (const send of this.#held.splice(0)) await send()
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  async close(): Promise<void> {
    for (const { server } of this.#replicas) {
      server.closeAllConnections()
      server.close()
    }
    await Promise.allSettled(this.#underWay)
  }

  #replicate(from: number, write: Omit<Replicated, 'stamp'>): number {
    const stamp = ++this.#stamp
    const send = async (): Promise<void> => {
      const others = this.#replicas.filter((_, index) => index !== from)
      await Promise.all(others.map(replica => replica.apply({ ...write, stamp })))
    }
    const { lagMs } = this
    if (lagMs === Infinity) {
      this.#held.push(send)
      return stamp
    }
    const sending = pause(lagMs).then(send)
    this.#underWay.add(sending)
    sending.then(
      () => this.#underWay.delete(sending),
      () => this.#underWay.delete(sending),
    )
    return stamp
  }
}
