import { parseEndpoint } from '../../../src/aws/http/endpoint.ts'
import type { SocketTransportOptions } from '../../../src/aws/http/socket-transport.ts'
import type { Transport, TransportRequest, TransportResponse } from '../../../src/aws/http/transport.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import type { AttributeValue, Item } from '../../../src/types.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** What a store did, as far as anybody outside can see. */
export type Observation = readonly unknown[]

const SECRETS = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
const ID = 'aSessionId'.repeat(4)
const MAXIMA = ['connectTimeoutMs', 'attemptTimeoutMs'] as const

/**
 * A DynamoDB that keeps items and writes down how it is asked. Conditional writes fail once for an item that somebody else
 * has written, and always for a locked one.
 */
export class WatchedDynamoDB implements Transport {
  readonly seen: unknown[] = []
  readonly #items = new Map<string, Item>()
  answersWith: 'success' | 'conflict' | 'locked' | 'failure' = 'success'

  async request(request: TransportRequest): Promise<TransportResponse> {
    const operation = headerOf(request, 'x-amz-target').replace(/.*\./, '')
    const input = JSON.parse(request.body) as Record<string, unknown>
    const authorization = headerOf(request, 'authorization').split(',')[0]
    this.seen.push(
      operation,
      input,
      request.endpoint.origin,
      authorization?.replace(/\/\d{8}\//, '/'),
      ...MAXIMA.map(name => request[name]),
      Math.round((request.deadlineAtMs - performance.now()) / 10_000),
    )
    const body = this.#answer(operation, input)
    const statusCode = this.answersWith === 'failure' ? 500 : '__type' in body ? 400 : 200
    return {
      statusCode,
      headers: new Map([['content-type', 'application/x-amz-json-1.0']]),
      body: Buffer.from(JSON.stringify(body)),
    }
  }

  async close(): Promise<void> {
    // It has no connections.
  }

  #answer(operation: string, input: Record<string, unknown>): object {
    const { Item: item, Key: key } = input as { Item?: Item; Key?: Item }
    const conditional = input['ConditionExpression'] !== undefined
    if (conditional && this.answersWith === 'locked') return failedCondition(this.#locked())
    if (conditional && this.answersWith === 'conflict') {
      this.answersWith = 'success'
      return failedCondition(this.#writtenByOthers())
    }
    if (operation === 'PutItem' && item !== undefined) this.#items.set(keyText(item, this.#items), item)
    if (operation === 'GetItem') {
      const found = [...this.#items.values()].find(each => isAt(each, key ?? {}))
      return found === undefined ? {} : { Item: found }
    }
    if (operation === 'UpdateItem' && input['ReturnValues'] === 'ALL_NEW') {
      return { Attributes: [...this.#items.values()].find(each => isAt(each, key ?? {})) ?? key }
    }
    return {}
  }

  #writtenByOthers(): Item {
    const [item = {}] = this.#items.values()
    return { ...item, rev: { S: 'of somebody else' } }
  }

  #locked(): Item {
    return { ...this.#writtenByOthers(), lock: { N: '1' } }
  }
}

/**
 * What a store with these options does with a session, step by step.
 *
 * @param fails whether the last step fails for good, which takes a while.
 */
export async function observe(
  database: WatchedDynamoDB,
  options: SessionStoreOptions,
  opened: readonly (SocketTransportOptions | undefined)[],
  fails: boolean,
): Promise<Observation> {
  const { clock = new ManualClock() } = options
  const store = new SessionStore({ credentials: SECRETS, clock, ...options })
  const results: unknown[] = [
    store.locksSessions,
    opened.length,
    ...(await Promise.all(opened.map(socketOptionsOf))),
  ]
  const step = async (action: () => Promise<unknown>): Promise<void> => {
    results.push(await action().catch((error: unknown) => (error instanceof Error ? error.message : error)))
  }
  const data = { user: 'ada', list: [], visits: 1, note: 'a'.repeat(200) }
  await step(async () => {
    const record = await store.write(ID, data)
    await store.touch(record)
    await store.write(ID, { ...data, visits: 2 }, { basis: record })
    database.answersWith = 'conflict'
    await store.write(ID, { ...data, visits: 3 }, { basis: record })
    return record.expiresMs
  })
  database.answersWith = 'success'
  await step(async () => (await store.read(ID))?.data)
  await step(async () => (await store.read('another-session-id'))?.data)
  await step(async () => {
    const lock = await store.lock(ID, { renew: false })
    await lock?.release()
    return lock?.record.data
  })
  database.answersWith = 'locked'
  await step(
    async () => (await store.lock(ID, { maxWaitMs: 12, minRetryMs: 3, maxRetryMs: 3, renew: false }))?.record,
  )
  if (fails) {
    database.answersWith = 'failure'
    await step(async () => store.read(ID))
  }
  results.push(store.health().regions.map(({ region, hedgedReads }) => [region, hedgedReads !== undefined]))
  await store.close()
  return [...results, ...distinct(database.seen)]
}

/** What the sockets of a store were opened with, and the way that they go. */
async function socketOptionsOf(options: SocketTransportOptions | undefined): Promise<object> {
  const route = await options?.route?.(parseEndpoint('https://dynamodb.eu-west-1.amazonaws.com'))
  return { maxSockets: options?.maxSockets, ...route }
}

/** Retries vary with the load of the machine: what counts is what was sent, and how often when nothing was to be had. */
function distinct(seen: readonly unknown[]): unknown[] {
  return [...new Set(seen.map(each => JSON.stringify(each))), seen.filter(each => each === 'GetItem').length]
}

function failedCondition(item: Item): object {
  return {
    __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',
    message: 'The conditional request failed',
    Item: item,
  }
}

function headerOf({ headers }: TransportRequest, name: string): string {
  return new Map(headers).get(name) ?? ''
}

function keyText(item: Item, items: ReadonlyMap<string, Item>): string {
  return `${items.size} ${JSON.stringify(item)}`
}

function isAt(item: Item, key: Item): boolean {
  return Object.entries(key).every(([name, value]: [string, AttributeValue]) => {
    return JSON.stringify(item[name]) === JSON.stringify(value)
  })
}
