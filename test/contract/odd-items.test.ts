import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'

import type { Condition, SessionIdentity } from '../../src/layouts/layout.ts'
import type { ItemTable } from '../../src/items/item-table.ts'
import { scanInput } from '../../src/scan/scan.ts'
import type { AttributeValue, Item } from '../../src/types.ts'
import { connectionTo, engines } from '../support/engines.ts'
import { openNativeItemTable } from '../support/native-item-table.ts'
import { SessionTable } from '../support/session-table.ts'

const nowMs = 1_795_305_600_250
const absoluteTimeoutMs = 3_600_000
const ITEMS = 400
const ITEMS_AT_ONCE = 25

const moments = [nowMs - 1000, nowMs - 1, nowMs, nowMs + 1, nowMs + 1000, nowMs - absoluteTimeoutMs - 1000]
const numbers = [
  ...moments,
  ...moments.map(ms => ms / 1000),
  ...moments.map(ms => Math.floor(ms / 1000)),
  0,
  -1,
  1e11,
  1e11 + 1,
  1e30,
].map(String)
const births = ['1795305600249abcdefgh', '1795305600250abcdefgh', '1795305600251abcdefgh', 'x']

const values = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 6, arbitrary: fc.constantFrom(...numbers).map(number => ({ N: number })) },
  fc.constantFrom(...numbers).map(text => ({ S: text })),
  fc.constantFrom<AttributeValue>(
    { B: 'AAAA' },
    { BOOL: true },
    { NULL: true },
    { L: [{ N: numbers[0] ?? '' }] },
    { M: { N: { N: '1' } } },
    { NS: [numbers[0] ?? ''] },
  ),
)
const strings = (...texts: readonly string[]) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 4, arbitrary: fc.constantFrom(...texts).map(text => ({ S: text })) },
    values,
  )
const oddItems = fc
  .record({
    expires: values,
    expiresMs: values,
    created: values,
    lock: values,
    lockOwner: strings('me', 'other'),
    birth: strings(...births),
  })
  .map(attributes => JSON.parse(JSON.stringify(attributes)) as Item)

/** Rules that exist twice: as a condition, which an engine evaluates, and in code. */
describe.each(engines)('$name, items with attributes of any type', engine => {
  const items: Item[] = []
  let table: SessionTable

  beforeAll(async () => {
    table = await SessionTable.create(engine)
    for (const [index, item] of fc.sample(oddItems, { numRuns: ITEMS, seed: 12 }).entries()) {
      items.push({ ...item, id: { S: String(index) }, data: { S: '{}' } })
    }
    for (let start = 0; start < ITEMS; start += ITEMS_AT_ONCE) {
      const puts = items.slice(start, start + ITEMS_AT_ONCE).map(Item => ({ PutRequest: { Item } }))
      await table.send('BatchWriteItem', { RequestItems: { [table.name]: puts } })
    }
  })

  test('are alive for a condition when they are for a read', async () => {
    const bounded = open({ absoluteTimeoutMs })
    const unbounded = open()
    for (const each of [bounded, unbounded]) {
      const isLive = (item: Item): boolean => each.isLive(item, nowMs)
      expect(await differences(each.liveAt(nowMs), item => orFalse(() => isLive(item)))).toEqual([])
      expect(await differences(each.expiredAt(nowMs), item => orFalse(() => !isLive(item)))).toEqual([])
    }
  })

  test.each<[string, SessionIdentity]>([
    ['born at a moment', { birth: births[1], createdMs: undefined }],
    ['that began at a second', { createdMs: Math.floor(nowMs / 1000) * 1000 }],
    ['that began in the middle of a second', { createdMs: nowMs }],
    ['that does not say when it began', { createdMs: undefined }],
  ])('are the session %s for a condition when they are in code', async (_name, session) => {
    const { layout } = open()
    const differing = differences(layout.sameSessionAs(session), item => layout.isSameSession(item, session))
    expect(await differing).toEqual([])
  })

  test('have a lock for a condition when they have one in code', async () => {
    const { lock } = open().layout
    const differing = differences(lock?.freeFor('me', nowMs), item => {
      const holder = lock?.holderOf(item)
      const isOurs = JSON.stringify(item['lockOwner']) === '{"S":"me"}'
      return holder === undefined || isOurs || (holder.untilMs ?? Infinity) <= nowMs
    })
    expect(await differing).toEqual([])
  })

  function open(options: { readonly absoluteTimeoutMs?: number } = {}): ItemTable {
    return openNativeItemTable({ ...connectionTo(engine), ...options, table: table.name })
  }

  /** The items of which an engine says otherwise than the code; the condition must hold for some of them only. */
  async function differences(
    condition: Condition | undefined,
    inCode: (item: Item) => boolean,
  ): Promise<readonly Item[]> {
    const found = new Set<string>()
    for (let start: unknown; ;) {
      const page = await table.send('Scan', {
        ...scanInput(open(), condition, true),
        ...(start !== undefined && { ExclusiveStartKey: start }),
      })
      for (const item of page['Items'] as Item[]) found.add(JSON.stringify(item['id']))
      start = page['LastEvaluatedKey']
      if (start === undefined) break
    }
    if (found.size === 0 || found.size === ITEMS) throw new Error('the condition tells nothing')
    return items.filter(item => found.has(JSON.stringify(item['id'])) !== inCode(item))
  }
})

function orFalse(decide: () => boolean): boolean {
  try {
    return decide()
  } catch {
    return false
  }
}
