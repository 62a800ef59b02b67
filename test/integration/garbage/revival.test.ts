import { describe, expect, test } from 'vitest'

import { ConnectionError } from '../../../src/errors.ts'
import { collectGarbage, type GarbageCollectionResult } from '../../../src/scan/garbage-collection.ts'
import { type Engine, engines } from '../../support/engines.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { openNativeItemTable } from '../../support/native-item-table.ts'
import { SessionTable } from '../../support/session-table.ts'
import { keysIn, putAll, sessionItem } from './garbage-table.ts'
import { type Hooks, interceptedTransport, type SentRequest } from './intercepted-transport.ts'

const minuteMs = 60_000

interface Collected {
  readonly result: GarbageCollectionResult
  readonly keys: readonly string[]
  readonly operations: readonly string[]
}

/** Collects a table of one expired and one living session, while something else happens. */
async function collectWhile(
  engine: Engine,
  makeHooks: (table: SessionTable, clock: ManualClock) => Hooks,
): Promise<Collected> {
  const clock = new ManualClock()
  const table = await SessionTable.create(engine)
  await putAll(table, [sessionItem('expired', clock.nowMs - 1), sessionItem('alive', clock.nowMs + minuteMs)])
  const operations: string[] = []
  const hooks = makeHooks(table, clock)
  const transport = interceptedTransport({
    ...hooks,
    before: async request => {
      operations.push(request.operation)
      await hooks.before?.(request)
    },
  })
  const items = openNativeItemTable({ clock, endpoint: engine.endpoint, table: table.name, transport })
  const result = await collectGarbage(items, { segments: 1 })
  return { result, keys: await keysIn(table), operations }
}

/** Does something before the first delete leaves: between the scan and the delete. */
function beforeDelete(action: (request: SentRequest) => Promise<unknown>): Hooks {
  let done = false
  return {
    before: async request => {
      if (request.operation !== 'DeleteItem' || done) return
      done = true
      await action(request)
    },
  }
}

function lost(): ConnectionError {
  return new ConnectionError('CONNECTION_LOST', 'the answer was lost on its way', { retryable: true })
}

describe.each(engines)('$name, between the scan and the delete', engine => {
  test('a session that is written again survives', async () => {
    const { result, keys, operations } = await collectWhile(engine, (table, clock) =>
      beforeDelete(() => table.put(sessionItem('expired', clock.nowMs + minuteMs))),
    )
    expect(result).toMatchObject({ scanned: 2, deleted: 0, revived: 1, gone: 0, consumedWriteUnits: 0 })
    expect(keys).toEqual(['alive', 'expired'])
    // One that brings the item with the failed condition does not have to be asked again.
    expect(operations).toEqual([
      'Scan',
      'DeleteItem',
      ...(engine.supports.oldItemOnConditionFailure ? [] : ['GetItem']),
    ])
  })

  test('a session whose expiry alone is moved survives', async () => {
    const { result, keys } = await collectWhile(engine, (table, clock) =>
      beforeDelete(() =>
        table.send('UpdateItem', {
          Key: { id: { S: 'expired' } },
          UpdateExpression: 'SET expiresMs = :expiresMs',
          ExpressionAttributeValues: { ':expiresMs': { N: String(clock.nowMs + 1) } },
        }),
      ),
    )
    expect(result).toMatchObject({ deleted: 0, revived: 1 })
    expect(keys).toEqual(['alive', 'expired'])
  })

  test('a session that is written again and has expired once more is deleted', async () => {
    const { result, keys } = await collectWhile(engine, (table, clock) =>
      beforeDelete(() => table.put(sessionItem('expired', clock.nowMs))),
    )
    expect(result).toMatchObject({ deleted: 1, revived: 0 })
    expect(keys).toEqual(['alive'])
  })

  test('the time of the delete counts, not that of the scan', async () => {
    const { result, keys } = await collectWhile(engine, (table, clock) => ({
      after: async ({ operation }) => {
        if (operation !== 'Scan') return
        await table.put(sessionItem('expired', clock.nowMs + 1))
        clock.advance(1)
      },
    }))
    expect(result).toMatchObject({ deleted: 1, revived: 0 })
    expect(keys).toEqual(['alive'])
  })

  test('a session that somebody else deletes is gone, and that is no error', async () => {
    const { result, keys } = await collectWhile(engine, table =>
      beforeDelete(() => table.send('DeleteItem', { Key: { id: { S: 'expired' } } })),
    )
    expect(result).toMatchObject({ deleted: 0, revived: 0, gone: 1 })
    expect(keys).toEqual(['alive'])
  })

  test('a delete whose answer is lost is recognised when it is sent again (G11)', async () => {
    let losses = 0
    const { result, keys, operations } = await collectWhile(engine, () => ({
      after: ({ operation }) => {
        if (operation === 'DeleteItem' && losses++ === 0) throw lost()
      },
    }))
    expect(result).toMatchObject({ deleted: 1, revived: 0, gone: 0 })
    expect(keys).toEqual(['alive'])
    expect(operations).toEqual(['Scan', 'DeleteItem', 'DeleteItem', 'GetItem'])
  })

  test('a session that begins after a delete whose answer is lost survives the second delete', async () => {
    let losses = 0
    const { result, keys } = await collectWhile(engine, (table, clock) => ({
      after: async ({ operation }) => {
        if (operation !== 'DeleteItem' || losses++ > 0) return
        await table.put(sessionItem('expired', clock.nowMs + minuteMs))
        throw lost()
      },
    }))
    expect(result).toMatchObject({ deleted: 0, revived: 1, gone: 0 })
    expect(keys).toEqual(['alive', 'expired'])
  })
})
