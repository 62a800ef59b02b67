import { describe, expect, test } from 'vitest'

import type { GarbageCollectionProgress } from '../../../src/options/call-options.ts'
import { collectGarbage } from '../../../src/scan/garbage-collection.ts'
import type { ItemTable } from '../../../src/items/item-table.ts'
import { hashSessionId } from '../../../src/layouts/native.ts'
import type { Item } from '../../../src/types.ts'
import { engine } from '../../support/engines.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { type NativeItemTableOptions, openNativeItemTable } from '../../support/native-item-table.ts'
import { SessionTable } from '../../support/session-table.ts'
import { keysIn, putAll, sessionItem } from './garbage-table.ts'

const clock = new ManualClock()
const { nowMs } = clock
const past = nowMs - 1
const future = nowMs + 1
const minuteMs = 60_000

interface Opened {
  readonly table: SessionTable
  readonly items: ItemTable
}

async function open(options: Partial<NativeItemTableOptions> = {}): Promise<Opened> {
  const table = await SessionTable.create(engine)
  const items = openNativeItemTable({ clock, endpoint: engine.endpoint, table: table.name, ...options })
  return { table, items }
}

function lock(untilMs: number): Item {
  return { lock: { N: String(untilMs) }, lockOwner: { S: 'somebody' } }
}

function began(ms: number): Item {
  return { created: { N: String(ms / 1000) } }
}

describe('garbage collection', () => {
  test('deletes what has expired, and nothing else', async () => {
    const { table, items } = await open()
    await putAll(table, [
      sessionItem('expired', past),
      sessionItem('expired this millisecond', nowMs),
      sessionItem('expired, in seconds beside another type', past, { expiresMs: { NULL: true } }),
      sessionItem('alive', future),
      { id: { S: 'expired, in seconds alone' }, expires: { N: String(past / 1000) } },
      { id: { S: 'expired, in milliseconds' }, expires: { N: String(past) } },
      { id: { S: 'alive, in milliseconds' }, expires: { N: String(future) } },
      { id: { S: 'alive, in seconds' }, expires: { N: String(future / 1000) } },
    ])
    const { durationMs, consumedReadUnits, consumedWriteUnits, ...result } = await collectGarbage(items)
    expect(result).toEqual({ scanned: 8, deleted: 5, revived: 0, gone: 0, pauses: 0, segments: 4 })
    expect(durationMs).toBeGreaterThanOrEqual(0)
    expect(consumedReadUnits).toBeGreaterThan(0)
    expect(consumedWriteUnits).toBe(5)
    expect(await keysIn(table)).toEqual(['alive', 'alive, in milliseconds', 'alive, in seconds'])
  })

  test('leaves the items of other software alone that do not say when they expire', async () => {
    const { table, items } = await open({ absoluteTimeoutMs: minuteMs })
    const foreign = [
      { id: { S: 'counter' }, count: { N: '1' } },
      { id: { S: 'old' }, created: { N: '1' }, data: { S: '{}' } },
      { id: { S: 'text' }, expires: { S: '2020-01-01' } },
      { id: { S: 'never' }, expires: { NULL: true }, created: { N: '1' } },
    ]
    await putAll(table, [...foreign, sessionItem('expired', past)])
    expect(await collectGarbage(items)).toMatchObject({ scanned: 5, deleted: 1 })
    expect(await keysIn(table)).toEqual(['counter', 'never', 'old', 'text'])
  })

  test('deletes expired sessions that are locked, whoever holds the lock', async () => {
    const { table, items } = await open()
    await putAll(table, [
      sessionItem('expired, lease ended', past, lock(past)),
      sessionItem('expired, lease goes on', past, lock(nowMs + minuteMs)),
      sessionItem('alive, locked', future, lock(nowMs + minuteMs)),
      sessionItem('alive, lease ended', future, lock(past)),
    ])
    expect(await collectGarbage(items)).toMatchObject({ deleted: 2 })
    expect(await keysIn(table)).toEqual(['alive, lease ended', 'alive, locked'])
  })

  test('sees one namespace of the table', async () => {
    const { table, items } = await open({ prefix: 'mine:', hashIds: true })
    const [abc, def] = [hashSessionId('abc'), hashSessionId('def')]
    await putAll(table, [
      sessionItem(`mine:${abc}`, past),
      sessionItem(`mine:${def}`, future),
      sessionItem(`mine:more:${abc}`, past),
      sessionItem(`other:${abc}`, past),
      sessionItem(abc, past),
    ])
    expect(await collectGarbage(items)).toMatchObject({ scanned: 5, deleted: 1 })
    const kept = [abc, `mine:${def}`, `mine:more:${abc}`, `other:${abc}`]
    expect(await keysIn(table)).toEqual(kept.sort())
  })

  test('deletes what has reached the absolute timeout', async () => {
    const { table, items } = await open({ absoluteTimeoutMs: minuteMs })
    await putAll(table, [
      sessionItem('old', nowMs + minuteMs, began(nowMs - minuteMs)),
      sessionItem('young', nowMs + minuteMs, began(nowMs - minuteMs + 1)),
      sessionItem('young, expired', past, began(nowMs - 1)),
    ])
    expect(await collectGarbage(items)).toMatchObject({ deleted: 2 })
    expect(await keysIn(table)).toEqual(['young'])
  })

  test('waits out the grace that it is asked for', async () => {
    const { table, items } = await open({ absoluteTimeoutMs: 60 * minuteMs })
    await putAll(table, [
      sessionItem('a minute ago', nowMs - minuteMs),
      sessionItem('almost a minute ago', nowMs - minuteMs + 1, began(nowMs - minuteMs)),
      sessionItem('timed out a minute ago', future, began(nowMs - 61 * minuteMs)),
      sessionItem('timed out almost a minute ago', future, began(nowMs - 61 * minuteMs + 1)),
    ])
    expect(await collectGarbage(items, { graceSeconds: 60 })).toMatchObject({ deleted: 2 })
    expect(await keysIn(table)).toEqual(['almost a minute ago', 'timed out almost a minute ago'])
  })

  test('finds nothing in an empty table', async () => {
    const { items } = await open()
    expect(await collectGarbage(items)).toMatchObject({ scanned: 0, deleted: 0, revived: 0, gone: 0 })
  })

  test.each([1, 3, 100])('reads every page of %i segments, once', async segments => {
    const { table, items } = await open()
    const all = Array.from({ length: 150 }, (_, index) => {
      return sessionItem(`${index % 3 === 0 ? 'expired' : 'alive'}-${index}`, index % 3 === 0 ? past : future)
    })
    await putAll(table, all)
    const seen: GarbageCollectionProgress[] = []
    // Pages of 80 items for one segment, of one for a hundred.
    const result = await collectGarbage(items, {
      segments,
      maxReadUnitsPerSecond: segments === 100 ? 100 : 10,
      onProgress: progress => {
        seen.push(progress)
      },
    })
    expect(result).toMatchObject({ scanned: 150, deleted: 50, revived: 0, gone: 0, segments })
    expect(await keysIn(table)).toHaveLength(100)
    expect(seen.length).toBeGreaterThan(Math.min(segments, 99))
    const { durationMs: _durationMs, segments: _segments, ...last } = result
    expect(seen.at(-1)).toEqual(last)
    expect(seen.map(({ deleted }) => deleted)).toEqual(
      seen.map(({ deleted }) => deleted).toSorted((a, b) => a - b),
    )
  })

  test('two collections at the same time delete everything once', async () => {
    const { table, items } = await open()
    await putAll(
      table,
      Array.from({ length: 200 }, (_, index) => sessionItem(`expired-${index}`, past)),
    )
    const results = await Promise.all([collectGarbage(items), collectGarbage(items)])
    expect(results.map(({ deleted }) => deleted).reduce((sum, deleted) => sum + deleted)).toBe(200)
    expect(results.map(({ revived }) => revived)).toEqual([0, 0])
    expect(await keysIn(table)).toEqual([])
  })
})
