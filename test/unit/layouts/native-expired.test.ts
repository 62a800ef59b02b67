import { expect, test } from 'vitest'

import { plainNativeLayout } from '../../support/native-item-table.ts'

const nowMs = 1_795_435_200_001

const layout = plainNativeLayout('id', 'app:', true)

test('expired at a moment, by the exact expiry or, without one, by the seconds', () => {
  expect(layout.expiredAt(nowMs)).toEqual({
    expression:
      '#lapsesMs <= :lapsedMs OR (NOT attribute_type(#lapsesMs, :lapsesType) AND (#lapses <= :lapsedSeconds OR ' +
      '(#lapses > :mostSeconds AND #lapses <= :lapsedMs)))',
    names: { '#lapsesMs': 'expiresMs', '#lapses': 'expires' },
    values: {
      ':lapsedMs': { N: '1795435200001' },
      ':lapsedSeconds': { N: '1795435200.001' },
      ':mostSeconds': { N: '100000000000' },
      ':lapsesType': { S: 'N' },
    },
  })
})

test('or by the beginning, of items that say when they expire', () => {
  const expired = layout.expiredAt(nowMs)
  expect(layout.expiredAt(nowMs, 1_795_400_000_500)).toEqual({
    expression:
      `${expired.expression} OR ` +
      '(#began <= :beganUntil AND (#lapsesMs > :lapsedMs OR #lapses > :lapsedSeconds))',
    names: { ...expired.names, '#began': 'created' },
    values: { ...expired.values, ':beganUntil': { N: '1795400000.5' } },
  })
})

test('can be combined with every other condition', () => {
  const { names, values } = layout.expiredAt(nowMs, 0)
  const others = [
    layout.liveAt(nowMs),
    layout.createdAfter(nowMs),
    layout.sameSessionAs({ createdMs: 0 }),
    layout.namespace(),
    layout.lock?.freeFor('owner', nowMs),
  ]
  for (const other of others) {
    expect(Object.keys(other?.names ?? {})).not.toHaveLength(0)
    expect(Object.keys(names).filter(name => name in (other?.names ?? {}))).toEqual([])
    expect(Object.keys(values).filter(name => name in (other?.values ?? {}))).toEqual([])
  }
})

test('uses every placeholder that it brings', () => {
  for (const condition of [layout.expiredAt(nowMs), layout.expiredAt(nowMs, 0)]) {
    const used = new Set(condition.expression.match(/[#:]\w+/g))
    expect(used).toEqual(new Set([...Object.keys(condition.names), ...Object.keys(condition.values)]))
  }
})
