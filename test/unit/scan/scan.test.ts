import { setImmediate } from 'node:timers/promises'

import { describe, expect, test } from 'vitest'

import type { ItemTable } from '../../../src/items/item-table.ts'
import { countItems, deleteItems, forEachAtOnce, listItems } from '../../../src/scan/scan.ts'
import type { Item } from '../../../src/types.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { openNativeItemTable } from '../../support/native-item-table.ts'
import { type RecordedAnswer, RecordingTransport } from '../../support/recording-transport.ts'

interface Opened {
  readonly table: ItemTable
  readonly clock: ManualClock
  /** The inputs of the requests so far. */
  readonly inputs: () => readonly Readonly<Record<string, unknown>>[]
}

function open(...answers: readonly RecordedAnswer[]): Opened {
  const clock = new ManualClock()
  const transport = new RecordingTransport(...answers)
  return {
    table: openNativeItemTable({
      table: 'sessions',
      prefix: 'app:',
      partitionKey: 'sid',
      consistentRead: false,
      clock,
      transport,
    }),
    clock,
    inputs: () => transport.requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>),
  }
}

function page(keys: readonly string[], last?: string): RecordedAnswer {
  return {
    body: {
      Items: keys.map(keyItem),
      Count: keys.length,
      ...(last !== undefined && { LastEvaluatedKey: keyItem(last) }),
    },
  }
}

function keyItem(key: string): Item {
  return { sid: { S: key } }
}

describe('a listing', () => {
  test('reads a page when the one before it has been listed, and goes on behind it', async () => {
    const { table, inputs } = open(page(['a', 'b'], 'b'), page([], 'e'), page(['f']))
    const seen: unknown[] = []
    for await (const item of listItems(table, true, {})) {
      seen.push([item, inputs().length])
    }
    expect(seen).toEqual([
      [keyItem('a'), 1],
      [keyItem('b'), 1],
      [keyItem('f'), 3],
    ])
    expect(inputs().map(input => input['ExclusiveStartKey'])).toEqual([undefined, keyItem('b'), keyItem('e')])
  })

  test('asks for the living of its namespace, and with keyOnly for nothing but their keys', async () => {
    const { table, clock, inputs } = open(page([]))
    for await (const _ of listItems(table, true, {})) throw new Error('there is none')
    for await (const _ of listItems(table, false, {})) throw new Error('there is none')
    const [keys, items] = inputs()
    expect(items).toEqual({
      TableName: 'sessions',
      ConsistentRead: false,
      FilterExpression: `(${table.liveAt(clock.nowMs).expression}) AND (begins_with(#key, :prefix))`,
      ExpressionAttributeNames: { '#expiresMs': 'expiresMs', '#expires': 'expires', '#key': 'sid' },
      ExpressionAttributeValues: { ...table.liveAt(clock.nowMs).values, ':prefix': { S: 'app:' } },
    })
    expect(keys).toEqual({
      ...items,
      ProjectionExpression: '#projectedKey',
      ExpressionAttributeNames: {
        ...(items?.['ExpressionAttributeNames'] as object),
        '#projectedKey': 'sid',
      },
    })
  })

  test('looks at the clock for every page', async () => {
    const { table, clock, inputs } = open(page(['a'], 'a'), page(['b']))
    for await (const _ of listItems(table, true, {})) clock.advance(60_000)
    const times = inputs().map(input => (input['ExpressionAttributeValues'] as Item)[':nowMs'])
    expect(times).toEqual([{ N: String(clock.nowMs - 120_000) }, { N: String(clock.nowMs - 60_000) }])
  })

  test('is given up in the middle of a page', async () => {
    const { table, inputs } = open(page(['a', 'b', 'c'], 'c'))
    const controller = new AbortController()
    const reason = new Error('the visitor has gone')
    const seen: Item[] = []
    const listing = (async () => {
      for await (const item of listItems(table, true, { signal: controller.signal })) {
        seen.push(item)
        if (seen.length === 2) controller.abort(reason)
      }
    })()
    await expect(listing).rejects.toBe(reason)
    expect(seen).toEqual([keyItem('a'), keyItem('b')])
    expect(inputs()).toHaveLength(1)
  })
})

test('a scan ends at its first page when where it goes on shows that the table has another key', async () => {
  const body = { Items: [], Count: 0, ScannedCount: 5, LastEvaluatedKey: { id: { S: 'a' } } }
  const { table, inputs } = open({ body })
  await expect(countItems(table, {})).rejects.toMatchObject({
    code: 'TABLE_MISMATCH',
    differences: ['the key of table "sessions" is not sid (HASH, S)'],
  })
  expect(inputs()).toHaveLength(1)
})

test('a count adds the pages up and transfers no items', async () => {
  const { table, inputs } = open(page(['a', 'b'], 'b'), page([], 'c'), page(['d']))
  expect(await countItems(table, {})).toBe(3)
  expect(inputs().map(input => input['Select'])).toEqual(['COUNT', 'COUNT', 'COUNT'])
})

test('deleting reads consistently, whatever the reads are, and takes the expired as well', async () => {
  const { table, inputs } = open(page(['app:a'], 'x'), { body: {} }, page([]))
  await deleteItems(table, {})
  const [scan, first] = inputs()
  expect(scan).toEqual({
    TableName: 'sessions',
    ConsistentRead: true,
    FilterExpression: 'begins_with(#key, :prefix)',
    ExpressionAttributeNames: { '#key': 'sid', '#projectedKey': 'sid' },
    ExpressionAttributeValues: { ':prefix': { S: 'app:' } },
    ProjectionExpression: '#projectedKey',
  })
  expect(first).toEqual({ TableName: 'sessions', Key: keyItem('app:a') })
  expect(inputs()).toHaveLength(3)
})

describe('doing something with every value', () => {
  test('takes so many at the same time, and every one once', async () => {
    let underWay = 0
    let most = 0
    const done: number[] = []
    await forEachAtOnce([...Array(50).keys()], 7, async value => {
      most = Math.max(most, ++underWay)
      await setImmediate()
      if (value % 3 === 0) await setImmediate()
      underWay--
      done.push(value)
    })
    expect(most).toBe(7)
    expect(done.sort((a, b) => a - b)).toEqual([...Array(50).keys()])
  })

  test('has nothing to do without values', async () => {
    const done: unknown[] = []
    await forEachAtOnce([], 7, async value => {
      done.push(value)
    })
    expect(done).toEqual([])
  })

  test('begins nothing after a failure, and waits for what is under way', async () => {
    const failure = new Error('the third')
    const begun: number[] = []
    const ended: number[] = []
    const work = forEachAtOnce([...Array(50).keys()], 4, async value => {
      begun.push(value)
      await setImmediate()
      if (value === 2) throw failure
      for (let turn = 0; turn < 5; turn++) await setImmediate()
      ended.push(value)
    })
    await expect(work).rejects.toBe(failure)
    expect(begun).toEqual([0, 1, 2, 3])
    expect(ended).toEqual([0, 1, 3])
  })
})
