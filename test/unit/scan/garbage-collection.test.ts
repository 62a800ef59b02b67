import { getEventListeners } from 'node:events'

import { describe, expect, test } from 'vitest'

import { allOf, type Condition } from '../../../src/layouts/layout.ts'
import { collectGarbage } from '../../../src/scan/garbage-collection.ts'
import type { ItemTable } from '../../../src/items/item-table.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { openNativeItemTable } from '../../support/native-item-table.ts'
import { type RecordedAnswer, RecordingTransport } from '../../support/recording-transport.ts'

const clock = new ManualClock()

function open(...answers: readonly RecordedAnswer[]): { table: ItemTable; transport: RecordingTransport } {
  const transport = new RecordingTransport(...answers)
  return {
    table: openNativeItemTable({ table: 'sessions', prefix: 'app:', clock, transport }),
    transport,
  }
}

function inputsOf({ requests }: RecordingTransport): Readonly<Record<string, unknown>>[] {
  return requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
}

/** What has expired for so long, and is no gravestone that a late request may still meet. */
function collectable(table: ItemTable, graceMs: number): Condition {
  const { lateRequests } = table.layout
  return allOf(table.expiredAt(clock.nowMs - graceMs), lateRequests?.noCreationExpected(clock.nowMs))
}

function scan(units: unknown, last?: string): RecordedAnswer {
  return {
    body: {
      ScannedCount: 1,
      Items: [{ id: { S: 'app:x' } }],
      ConsumedCapacity: { CapacityUnits: units },
      ...(last !== undefined && { LastEvaluatedKey: { id: { S: last } } }),
    },
  }
}

function deleted(units: unknown): RecordedAnswer {
  return { body: { ConsumedCapacity: { CapacityUnits: units } } }
}

describe('options', () => {
  test.each<[string, object, RegExp]>([
    ['an unknown option', { segment: 2 }, /"segment"; did you mean "segments"/],
    ['no segments', { segments: 0 }, /"segments" must be a whole number of segments from 1 to 100/],
    ['too many segments', { segments: 101 }, /"segments"/],
    ['half a segment', { segments: 1.5 }, /"segments"/],
    ['a limit of nothing', { maxReadUnitsPerSecond: 0 }, /"maxReadUnitsPerSecond" must be .* from 1/],
    ['a limit that is no number', { maxWriteUnitsPerSecond: Number.NaN }, /"maxWriteUnitsPerSecond"/],
    ['a limit that is a text', { maxWriteUnitsPerSecond: '25' }, /"maxWriteUnitsPerSecond".*a string/],
    ['a grace before the expiry', { graceSeconds: -1 }, /"graceSeconds" must be a number of seconds from 0/],
    ['a grace without end', { graceSeconds: Infinity }, /"graceSeconds"/],
    ['a listener that is no function', { onProgress: 'console' }, /"onProgress" must be a function/],
    ['a signal that is none', { signal: {} }, /"signal" must be an AbortSignal/],
  ])('refuses %s, and asks for nothing', async (_name, options, message) => {
    const { table, transport } = open()
    const collection = collectGarbage(table, options)
    await expect(collection).rejects.toMatchObject({ name: 'TypeError', code: 'INVALID_OPTION' })
    await expect(collection).rejects.toThrow(message)
    expect(transport.requests).toEqual([])
  })

  test('takes no limits for limits', async () => {
    const { table, transport } = open({ body: { Items: [] } })
    await collectGarbage(table, { maxReadUnitsPerSecond: Infinity, maxWriteUnitsPerSecond: Infinity })
    expect(inputsOf(transport).map(({ Limit }) => Limit)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  test('an aborted signal is the end before the beginning', async () => {
    const { table, transport } = open()
    const reason = new Error('the deployment was cancelled')
    const collection = collectGarbage(table, { signal: AbortSignal.abort(reason) })
    await expect(collection).rejects.toBe(reason)
    expect(transport.requests).toEqual([])
  })

  test('a signal is let go of afterwards', async () => {
    const { signal } = new AbortController()
    await collectGarbage(open({ body: { Items: [] } }).table, { signal })
    const refused = open({ statusCode: 400, body: { __type: 'x#AccessDeniedException' } })
    await expect(collectGarbage(refused.table, { signal })).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

describe('what is asked', () => {
  test('every segment is scanned for the keys of the expired of the namespace, at half the price', async () => {
    const { table, transport } = open({ body: { Items: [] } })
    expect(await collectGarbage(table, { segments: 2, graceSeconds: 60 })).toMatchObject({ segments: 2 })
    const expired = collectable(table, 60_000)
    const common = {
      TableName: 'sessions',
      ConsistentRead: false,
      FilterExpression: `(${expired.expression}) AND (begins_with(#key, :prefix))`,
      ProjectionExpression: '#projectedKey',
      ExpressionAttributeNames: { ...expired.names, '#key': 'id', '#projectedKey': 'id' },
      ExpressionAttributeValues: { ...expired.values, ':prefix': { S: 'app:' } },
      ReturnConsumedCapacity: 'TOTAL',
      TotalSegments: 2,
      Limit: 6000,
    }
    expect(inputsOf(transport)).toEqual([
      { ...common, Segment: 0 },
      { ...common, Segment: 1 },
    ])
  })

  test.each([
    [{ segments: 1, maxReadUnitsPerSecond: 25 }, 200],
    [{ segments: 4, maxReadUnitsPerSecond: 25 }, 50],
    [{ segments: 10, maxReadUnitsPerSecond: 1 }, 1],
  ])('with %j a page has %i items', async (options, limit) => {
    const { table, transport } = open({ body: { Items: [] } })
    const enough = new Error('one page will do')
    const onProgress = (): never => {
      throw enough
    }
    await expect(collectGarbage(table, { ...options, onProgress })).rejects.toBe(enough)
    expect(inputsOf(transport)[0]).toMatchObject({ Limit: limit, TotalSegments: options.segments })
  })

  test('a delete is on condition that the session is expired when it is sent', async () => {
    const { table, transport } = open(
      { body: { Items: [{ id: { S: 'app:x' } }], ScannedCount: 3 } },
      { body: {} },
    )
    const result = await collectGarbage(table, { segments: 1, graceSeconds: 60 })
    const expired = collectable(table, 60_000)
    expect(inputsOf(transport)[1]).toEqual({
      TableName: 'sessions',
      Key: { id: { S: 'app:x' } },
      ConditionExpression: expired.expression,
      ExpressionAttributeNames: expired.names,
      ExpressionAttributeValues: expired.values,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      ReturnConsumedCapacity: 'TOTAL',
    })
    // An engine that does not report what is consumed.
    expect(result).toEqual({
      scanned: 3,
      deleted: 1,
      revived: 0,
      gone: 0,
      consumedReadUnits: 0,
      consumedWriteUnits: 0,
      pauses: 0,
      segments: 1,
      durationMs: expect.any(Number) as number,
    })
  })

  test('what is reported as consumed is added up, and what is no number is not', async () => {
    const { table } = open(scan(1.5, 'a'), deleted(3), scan('7', 'b'), deleted(null), scan(2), deleted(1))
    const result = await collectGarbage(table, { segments: 1 })
    expect(result).toMatchObject({ scanned: 3, deleted: 3, consumedReadUnits: 3.5, consumedWriteUnits: 4 })
  })
})
