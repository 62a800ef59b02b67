import { beforeAll, describe, expect, test } from 'vitest'

import type { Condition } from '../../../src/layouts/layout.ts'
import type { ItemTable } from '../../../src/items/item-table.ts'
import type { Item } from '../../../src/types.ts'
import { engines } from '../../support/engines.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { openNativeItemTable } from '../../support/native-item-table.ts'
import { SessionTable } from '../../support/session-table.ts'
import { putAll } from './garbage-table.ts'

const clock = new ManualClock()
const { nowMs } = clock
const nowSeconds = Math.floor(nowMs / 1000)
const dayMs = 86_400_000

type Verdict = 'live' | 'expired' | 'neither'

/** What items say about their expiry, and what is to be made of it. */
const expiries: Readonly<Record<string, readonly [Item, Verdict]>> = {
  'both, exactly now': [both(nowMs), 'expired'],
  'both, a millisecond from now': [both(nowMs + 1), 'live'],
  'both, a millisecond ago': [both(nowMs - 1), 'expired'],
  'both, and the exact one counts: past': [{ expires: number(9e9), expiresMs: number(nowMs - 1) }, 'expired'],
  'both, and the exact one counts: future': [{ expires: number(1), expiresMs: number(nowMs + 1) }, 'live'],
  'the exact one alone, past': [{ expiresMs: number(nowMs) }, 'expired'],
  'the exact one alone, future': [{ expiresMs: number(nowMs + 1) }, 'live'],
  'seconds, past': [{ expires: number(nowSeconds) }, 'expired'],
  'seconds, future': [{ expires: number(nowSeconds + 1) }, 'live'],
  'seconds, long ago': [{ expires: number(0) }, 'expired'],
  'fractions of a second, past': [{ expires: number(nowMs / 1000) }, 'expired'],
  'fractions of a second, future': [{ expires: number((nowMs + 1) / 1000) }, 'live'],
  'milliseconds, past': [{ expires: number(nowMs) }, 'expired'],
  'milliseconds, future': [{ expires: number(nowMs + 1) }, 'live'],
  'the smallest number of milliseconds': [{ expires: number(100_000_000_001) }, 'expired'],
  'the largest number of seconds': [{ expires: number(100_000_000_000) }, 'live'],
  none: [{}, 'neither'],
  'another type': [{ expires: { S: '1' }, expiresMs: { S: '1' } }, 'neither'],
  'nothing that is a number': [{ expires: { NULL: true } }, 'neither'],
}

function number(value: number): Item[string] {
  return { N: String(value) }
}

function both(expiresMs: number): Item {
  return { expires: number(Math.ceil(expiresMs / 1000)), expiresMs: number(expiresMs) }
}

describe.each(engines)('$name', engine => {
  let table: SessionTable | undefined
  beforeAll(async () => {
    table = await SessionTable.create(engine)
    await putAll(
      table,
      Object.entries(expiries).flatMap(([name, [expiry]]) => [
        { id: { S: name }, ...expiry },
        { id: { S: `${name}, young` }, created: number(nowSeconds - 60), ...expiry },
        { id: { S: `${name}, old` }, created: number((nowMs - dayMs) / 1000), ...expiry },
        { id: { S: `${name}, of unknown age` }, created: { S: 'yesterday' }, ...expiry },
      ]),
    )
  })

  async function keysFor(condition: Condition): Promise<Set<string>> {
    const answer = await table?.send('Scan', {
      FilterExpression: condition.expression,
      ExpressionAttributeNames: condition.names,
      ExpressionAttributeValues: condition.values,
    })
    const items = answer?.['Items'] as readonly { readonly id: { readonly S: string } }[]
    return new Set(items.map(({ id }) => id.S))
  }

  function open(absoluteTimeoutMs?: number): ItemTable {
    return openNativeItemTable({
      clock,
      endpoint: engine.endpoint,
      table: table?.name ?? '',
      ...(absoluteTimeoutMs !== undefined && { absoluteTimeoutMs }),
    })
  }

  test('expired are those that say so, which is the reverse of live for all that say anything', async () => {
    const items = open()
    const [expired, live] = await Promise.all([
      keysFor(items.expiredAt(nowMs)),
      keysFor(items.layout.liveAt(nowMs)),
    ])
    const verdicts = Object.keys(expiries).map(name => [name, verdictOf(name, expired, live)])
    expect(verdicts).toEqual(Object.entries(expiries).map(([name, [, verdict]]) => [name, verdict]))
  })

  test('it agrees with what is made of the item when it is read', async () => {
    const items = open()
    const expired = await keysFor(items.expiredAt(nowMs))
    const readable = Object.entries(expiries).filter(([, [, verdict]]) => verdict !== 'neither')
    expect(readable.map(([name, [item]]) => [name, items.layout.expiryOf(item) <= nowMs])).toEqual(
      readable.map(([name]) => [name, expired.has(name)]),
    )
  })

  test('the absolute timeout makes old sessions expired, and nothing else', async () => {
    const expired = await keysFor(open(dayMs).expiredAt(nowMs))
    for (const [name, [, verdict]] of Object.entries(expiries)) {
      const found = ['', ', young', ', old', ', of unknown age'].map(age => expired.has(name + age))
      const isExpired = verdict === 'expired'
      expect([name, found]).toEqual([name, [isExpired, isExpired, verdict !== 'neither', isExpired]])
    }
  })

  test('the absolute timeout counts to the millisecond', async () => {
    const young = await keysFor(open(dayMs + 1).expiredAt(nowMs))
    expect(young.has('seconds, future, old')).toBe(false)
    const old = await keysFor(open(dayMs - 1).expiredAt(nowMs))
    expect(old.has('seconds, future, old')).toBe(true)
  })
})

function verdictOf(key: string, expired: ReadonlySet<string>, live: ReadonlySet<string>): string {
  if (expired.has(key)) return live.has(key) ? 'both' : 'expired'
  return live.has(key) ? 'live' : 'neither'
}
