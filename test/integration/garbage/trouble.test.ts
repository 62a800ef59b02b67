import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'

import { TableNotFoundError } from '../../../src/errors.ts'
import type {
  GarbageCollectionOptions,
  GarbageCollectionProgress,
} from '../../../src/options/call-options.ts'
import { collectGarbage } from '../../../src/scan/garbage-collection.ts'
import type { ItemTable } from '../../../src/items/item-table.ts'
import { engine } from '../../support/engines.ts'
import { rejectionOf } from '../../support/failure.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { openNativeItemTable } from '../../support/native-item-table.ts'
import { SessionTable } from '../../support/session-table.ts'
import { type StubAnswer, StubEndpoint, type StubRequest } from '../../support/stub-endpoint.ts'
import { keysIn, putAll, sessionItem } from './garbage-table.ts'

const SESSIONS = 60
/** Pages of 16 items, one after the other. */
const PAGED: GarbageCollectionOptions = { segments: 1, maxReadUnitsPerSecond: 2 }

const clock = new ManualClock()

const throttled: StubAnswer = failure('ProvisionedThroughputExceededException')
const refused: StubAnswer = failure('ResourceNotFoundException')

function failure(code: string): StubAnswer {
  return {
    statusCode: 400,
    body: { __type: `com.amazonaws.dynamodb.v20120810#${code}`, message: 'as scripted' },
  }
}

interface Opened {
  readonly table: SessionTable
  readonly items: ItemTable
  readonly stub: StubEndpoint
}

/** A table of expired sessions, behind something that does not let every request through. */
async function open(intercept: (request: StubRequest) => StubAnswer | undefined): Promise<Opened> {
  const table = await SessionTable.create(engine)
  await putAll(
    table,
    Array.from({ length: SESSIONS }, (_, index) => sessionItem(`expired-${index}`, clock.nowMs - 1)),
  )
  const stub = await StubEndpoint.inFrontOf(engine.endpoint, intercept)
  onTestFinished(() => stub.close())
  const items = openNativeItemTable({ clock, endpoint: stub.url, table: table.name, maxAttempts: 1 })
  return { table, items, stub }
}

function inputsOf(stub: StubEndpoint, operation: string): StubRequest['input'][] {
  return stub.requests.filter(request => request.operation === operation).map(({ input }) => input)
}

/** Refuses requests of an operation, chosen by their number from 1. */
function refuse(
  operation: string,
  answer: StubAnswer,
  choose: (number: number) => boolean,
): (request: StubRequest) => StubAnswer | undefined {
  let number = 0
  return request => (request.operation === operation && choose(++number) ? answer : undefined)
}

beforeEach(() => {
  // Full jitter at its least, so that pauses take no time; what they are like is a matter of arithmetic.
  vi.spyOn(Math, 'random').mockReturnValue(0)
  onTestFinished(() => {
    vi.restoreAllMocks()
  })
})

describe('throttling that outlasts the retries of a call', () => {
  test('of a scan is waited out, and the scan goes on with the same page', async () => {
    const { table, items, stub } = await open(refuse('Scan', throttled, number => number >= 2 && number <= 7))
    const result = await collectGarbage(items, PAGED)
    expect(result).toMatchObject({ scanned: SESSIONS, deleted: SESSIONS, pauses: 6 })
    const starts = inputsOf(stub, 'Scan').map(input => JSON.stringify(input['ExclusiveStartKey']))
    expect(starts[0]).toBeUndefined()
    expect(new Set(starts.slice(1, 8))).toEqual(new Set([starts[1]]))
    expect(new Set(starts.slice(7)).size).toBe(starts.length - 7)
    expect(await keysIn(table)).toEqual([])
  })

  test('of deletes is waited out, and none is left out', async () => {
    const { table, items } = await open(refuse('DeleteItem', throttled, number => number % 3 !== 0))
    const result = await collectGarbage(items)
    expect(result).toMatchObject({ scanned: SESSIONS, deleted: SESSIONS, revived: 0, gone: 0 })
    expect(result.pauses).toBeGreaterThan(0)
    expect(await keysIn(table)).toEqual([])
  })

  test('ends with the signal alone, in the middle of a pause', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999)
    const { items, stub } = await open(() => throttled)
    const controller = new AbortController()
    const reason = new Error('the night is over')
    const collection = rejectionOf(collectGarbage(items, { signal: controller.signal }))
    await expect.poll(() => stub.requests.length).toBeGreaterThanOrEqual(4)
    controller.abort(reason)
    expect(await collection).toBe(reason)
  })
})

describe('any other error', () => {
  test.each(['Scan', 'DeleteItem'])(
    'of %s ends the collection; what it did so far is told',
    async operation => {
      const { table, items, stub } = await open(refuse(operation, refused, number => number >= 3))
      const seen: GarbageCollectionProgress[] = []
      const error = await rejectionOf(collectGarbage(items, { ...PAGED, onProgress: keepIn(seen) }))
      expect(error).toBeInstanceOf(TableNotFoundError)
      const left = await keysIn(table)
      expect(left.length).toBeGreaterThan(0)
      expect(seen.at(-1)).toMatchObject({ deleted: SESSIONS - left.length })
      expect(stub.operations.filter(name => name === 'Scan').length).toBeLessThanOrEqual(3)
    },
  )

  test('of one segment ends the others, and nothing goes on afterwards', async () => {
    const { items, stub } = await open(refuse('DeleteItem', refused, number => number === 5))
    expect(await rejectionOf(collectGarbage(items))).toBeInstanceOf(TableNotFoundError)
    const requests = stub.requests.length
    expect(requests).toBeLessThan(4 + SESSIONS)
    // One that was still going on would send its next request before this is answered.
    await items.client.send('GetItem', { TableName: items.name, Key: items.itemKey('nobody') })
    expect(stub.requests).toHaveLength(requests + 1)
  })

  test('a later collection finds the rest', async () => {
    const { table, items } = await open(refuse('DeleteItem', refused, number => number === 20))
    const seen: GarbageCollectionProgress[] = []
    await rejectionOf(collectGarbage(items, { onProgress: keepIn(seen) }))
    const left = await keysIn(table)
    expect(await collectGarbage(items)).toMatchObject({ scanned: left.length, deleted: left.length })
    expect(await keysIn(table)).toEqual([])
  })
})

describe('a signal', () => {
  test('ends the collection with its reason; what it did so far is told', async () => {
    const { table, items } = await open(() => undefined)
    const controller = new AbortController()
    const reason = new Error('the night is over')
    const seen: GarbageCollectionProgress[] = []
    const onProgress = (progress: GarbageCollectionProgress): void => {
      seen.push(progress)
      controller.abort(reason)
    }
    const { signal } = controller
    expect(await rejectionOf(collectGarbage(items, { ...PAGED, signal, onProgress }))).toBe(reason)
    expect(seen.map(({ scanned, deleted }) => [scanned, deleted])).toEqual([
      [16, 16],
      [16, 16],
    ])
    expect(await keysIn(table)).toHaveLength(SESSIONS - 16)
  })

  test('ends it while it waits for an answer', async () => {
    const controller = new AbortController()
    const reason = new Error('the night is over')
    const stub = await StubEndpoint.start(() => {
      controller.abort(reason)
      return new Promise(() => undefined)
    })
    onTestFinished(() => stub.close())
    const items = openNativeItemTable({ clock, endpoint: stub.url, table: 'some-table' })
    expect(await rejectionOf(collectGarbage(items, { signal: controller.signal }))).toBe(reason)
  })
})

describe('onProgress', () => {
  test('that throws ends the collection with its error', async () => {
    const { items } = await open(() => undefined)
    const mistake = new RangeError('no such bar')
    let calls = 0
    const onProgress = (): void => {
      calls++
      throw mistake
    }
    expect(await rejectionOf(collectGarbage(items, { ...PAGED, onProgress }))).toBe(mistake)
    // The page, and the end.
    expect(calls).toBe(2)
  })

  test('that rejects ends the collection with its error', async () => {
    const { items } = await open(() => undefined)
    const mistake = new RangeError('no such bar')
    const onProgress = async (): Promise<void> => {
      throw mistake
    }
    expect(await rejectionOf(collectGarbage(items, { onProgress }))).toBe(mistake)
  })

  test('is waited for before the next page', async () => {
    const { items, stub } = await open(() => undefined)
    const scans: number[] = []
    const onProgress = async (): Promise<void> => {
      scans.push(stub.operations.filter(name => name === 'Scan').length)
      await items.client.send('GetItem', { TableName: items.name, Key: items.itemKey('nobody') })
      scans.push(stub.operations.filter(name => name === 'Scan').length)
    }
    await collectGarbage(items, { ...PAGED, onProgress })
    expect(scans).toEqual([1, 1, 2, 2, 3, 3, 4, 4])
  })

  test('is given snapshots of its own', async () => {
    const { items } = await open(() => undefined)
    const seen: GarbageCollectionProgress[] = []
    await collectGarbage(items, { ...PAGED, onProgress: keepIn(seen) })
    expect(seen.map(({ scanned }) => scanned)).toEqual([16, 32, 48, 60])
  })
})

test('a closed client ends the collection', async () => {
  const { items } = await open(() => undefined)
  const onProgress = (): Promise<void> => items.client.close()
  expect(await rejectionOf(collectGarbage(items, { ...PAGED, onProgress }))).toMatchObject({
    code: 'STORE_CLOSED',
  })
})

function keepIn(seen: GarbageCollectionProgress[]): (progress: GarbageCollectionProgress) => void {
  return progress => {
    seen.push(progress)
  }
}
