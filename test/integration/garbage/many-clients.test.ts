import { describe, expect, test } from 'vitest'

import type { Transport } from '../../../src/aws/http/transport.ts'
import { deferred } from '../../../src/internal/timers.ts'
import { collectGarbage } from '../../../src/scan/garbage-collection.ts'
import type { ItemTable } from '../../../src/items/item-table.ts'
import type { Item } from '../../../src/types.ts'
import { engine } from '../../support/engines.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { openNativeItemTable } from '../../support/native-item-table.ts'
import { SessionTable } from '../../support/session-table.ts'
import { putAll, sessionItem } from './garbage-table.ts'
import { interceptedTransport } from './intercepted-transport.ts'

/** `vitest run --mode long` has ten times as many of everything but clients. */
const SIZE = process.env['MODE'] === 'long' ? 10 : 1
const ITEMS = 2000 * SIZE
const EXPIRED = 500 * SIZE
const CLIENTS = 50
const REVIVALS_PER_CLIENT = 2 * SIZE
const clock = new ManualClock()
const hourMs = 3_600_000

function keyOf(index: number): string {
  return `session-${index}`
}

/** Expired and living sessions are mixed: every fourth has expired. */
const expiredKeys = Array.from({ length: EXPIRED }, (_, index) => keyOf(index * (ITEMS / EXPIRED)))

/** What clients do to an expired session: write it anew, or move its expiry as one whose clock is behind would. */
async function revive(items: ItemTable, key: string, writesAnew: boolean): Promise<boolean> {
  const expiresMs = clock.nowMs + hourMs
  if (writesAnew) {
    await items.put(sessionItem(key, expiresMs, { rev: { S: 'revived' } }), {})
    return true
  }
  const { applied } = await items.update(
    key,
    {
      set: items.layout.expiryAttributes(expiresMs),
      remove: [],
      condition: { expression: 'attribute_exists(#id)', names: { '#id': 'id' }, values: {} },
    },
    {},
  )
  return applied
}

/** Deletes of these keys wait, when they are about to be sent, until somebody has revived the session. */
class HeldDeletes {
  readonly #held = new Map<string, { arrived: () => void; released: Promise<void> }>()
  readonly transport: Transport = interceptedTransport({
    before: async ({ operation, key }) => {
      const held = operation === 'DeleteItem' ? this.#held.get(key ?? '') : undefined
      held?.arrived()
      await held?.released
    },
  })

  /** Resolves when the delete of a key is about to be sent; the function lets it. */
  hold(key: string): Promise<() => void> {
    const arrived = deferred<() => void>()
    const released = deferred<void>()
    this.#held.set(key, {
      arrived: () => arrived.resolve(() => released.resolve()),
      released: released.promise,
    })
    return arrived.promise
  }
}

describe('many clients', () => {
  test(`a collection over ${ITEMS} items loses none that ${CLIENTS} clients revive meanwhile`, async () => {
    const table = await SessionTable.create(engine)
    const open = (transport?: Transport): ItemTable =>
      openNativeItemTable({
        clock,
        endpoint: engine.endpoint,
        table: table.name,
        ...(transport !== undefined && { transport }),
      })
    const all = Array.from({ length: ITEMS }, (_, index) =>
      sessionItem(keyOf(index), clock.nowMs + (index % (ITEMS / EXPIRED) === 0 ? -1 : hourMs)),
    )
    await putAll(table, all)

    const deletes = new HeldDeletes()
    const clients = open()
    const revived = new Set<string>()
    let missed = 0
    const runClient = async (client: number): Promise<void> => {
      const mine = expiredKeys.filter((_, index) => index % CLIENTS === client)
      const [first = '', ...others] = mine
      const release = await deletes.hold(first)
      // Between the scan that has found it and its delete, in any case; the others whenever it is their turn.
      if (await revive(clients, first, client % 2 === 0)) revived.add(first)
      release()
      const step = Math.floor(others.length / (REVIVALS_PER_CLIENT - 1))
      for (let turn = 0; turn < REVIVALS_PER_CLIENT - 1; turn++) {
        const key = others[turn * step] ?? ''
        if (await revive(clients, key, turn % 2 === 0)) revived.add(key)
        else missed++
      }
    }
    const collection = collectGarbage(open(deletes.transport), {
      maxReadUnitsPerSecond: Infinity,
      maxWriteUnitsPerSecond: Infinity,
    })
    const work = Array.from({ length: CLIENTS }, (_, client) => runClient(client))
    const [result] = await Promise.all([collection, ...work])

    const left = new Map<string, Item>()
    for (const item of await table.items()) left.set(textOf(item, 'id'), item)
    const lost = [...revived].filter(key => !left.has(key))
    expect(lost).toEqual([])
    expect(revived.size + missed).toBe(CLIENTS * REVIVALS_PER_CLIENT)
    expect(result.revived).toBeGreaterThanOrEqual(CLIENTS)
    expect(result.gone).toBe(0)

    // All that was alive is still there, and of what had expired nothing but what was revived.
    const expected = new Set(all.map(item => textOf(item, 'id')))
    for (const key of expiredKeys) if (!revived.has(key)) expected.delete(key)
    expect(new Set(left.keys())).toEqual(expected)
    const stillExpired = [...left.values()].filter(item => !clients.isLive(item, clock.nowMs))
    expect(stillExpired).toEqual([])
    // Those that were written anew after their delete were deleted and are there.
    expect(result.deleted).toBeGreaterThanOrEqual(EXPIRED - revived.size)
    expect(result.deleted + result.revived).toBeLessThanOrEqual(EXPIRED)
  })
})

function textOf(item: Item, attribute: string): string {
  const value = item[attribute]
  return value !== undefined && 'S' in value ? value.S : ''
}
