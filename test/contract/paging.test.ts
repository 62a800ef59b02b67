import { describe, expect, test } from 'vitest'

import { engines } from '../support/engines.ts'
import { contractSubject, newId, toArray } from './contract-subject.ts'
import { nativeLayouts } from './native-layouts.ts'

const LARGE_BYTES = 130_000

describe.each(engines)('$name, a table of several pages', engine => {
  const [layout] = nativeLayouts
  if (layout === undefined) throw new Error('there is no native layout')
  const subject = contractSubject(engine, layout)

  test('keys, records and count see all of it, and clear deletes all of its own', async () => {
    const mine = subject.open({ prefix: 'mine:' }).store
    const other = subject.open({ prefix: 'other:' }).store
    const text = 'x'.repeat(LARGE_BYTES)
    const keys = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const { key } = await (index % 4 === 0 ? other : mine).write(newId(), { index, text })
        return key
      }),
    )
    expect((await toArray(subject.table.pages())).length).toBeGreaterThan(2)

    expect([...(await toArray(mine.keys())), ...(await toArray(other.keys()))].sort()).toEqual(keys.sort())
    const records = await toArray(mine.records())
    expect(new Set(records.map(({ data }) => data['index'])).size).toBe(15)
    expect(records.every(({ data }) => data['text'] === text)).toBe(true)
    expect(await Promise.all([mine.count(), other.count()])).toEqual([15, 5])

    await mine.clear()
    expect(await Promise.all([mine.count(), other.count()])).toEqual([0, 5])
    await other.clear()
    expect(await subject.table.items()).toEqual([])
  })

  test('clear deletes a few hundred sessions, over few connections', async () => {
    const { store } = subject.open({ prefix: 'many:', maxSockets: 4 })
    await Promise.all(Array.from({ length: 300 }, () => store.write(newId(), {})))
    expect(await store.count()).toBe(300)
    await store.clear()
    expect(await store.count()).toBe(0)
    expect(await subject.table.items('many:')).toEqual([])
  })
})
