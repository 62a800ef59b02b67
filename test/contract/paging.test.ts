import { describe, expect, test } from 'vitest'

import { engines } from '../support/engines.ts'
import { StubEndpoint } from '../support/stub-endpoint.ts'
import { newId } from '../support/session-ids.ts'
import { toArray } from '../support/to-array.ts'
import { contractSubject } from './contract-subject.ts'
import { nativeLayouts } from './native-layouts.ts'

const LARGE_BYTES = 130_000

/** Compressed, sessions of the same characters would fit on one page. */
const compression = false

describe.each(engines)('$name, a table of several pages', engine => {
  const [layout] = nativeLayouts
  if (layout === undefined) throw new Error('there is no native layout')
  const subject = contractSubject(engine, layout)

  test('keys, records and count see all of it, and clear deletes all of its own', async () => {
    const mine = subject.open({ prefix: 'mine:', compression }).store
    const other = subject.open({ prefix: 'other:', compression }).store
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

  test('a listing reads no page before it is asked for it', async () => {
    const stub = await StubEndpoint.inFrontOf(subject.engine.endpoint)
    try {
      const { store } = subject.open({ prefix: 'slow:', endpoint: stub.url, compression })
      const text = 'x'.repeat(LARGE_BYTES)
      await Promise.all(Array.from({ length: 20 }, (_, index) => store.write(newId(), { index, text })))
      stub.forget()
      let seen = 0
      for await (const { data } of store.records()) {
        // A page has from seven to nine of them.
        expect(stub.requests.length).toBeLessThanOrEqual(1 + Math.floor(seen / 7))
        expect(data['text']).toBe(text)
        seen++
        if (seen === 12) break
      }
      expect(stub.operations).toEqual(['Scan', 'Scan'])
      await store.clear()
    } finally {
      await stub.close()
    }
  })

  test('garbage collection sees all of the table, and deletes all of its own that has expired', async () => {
    const { store: mine, clock } = subject.open({ prefix: 'mine:', ttlSeconds: 60, compression })
    const { store: other } = subject.open({ prefix: 'other:', ttlSeconds: 60, clock, compression })
    const text = 'x'.repeat(LARGE_BYTES)
    const write = (index: number) => (index % 4 === 0 ? other : mine).write(newId(), { index, text })
    await Promise.all(Array.from({ length: 20 }, (_, index) => write(index)))
    clock.advance(60_000)
    await Promise.all([1, 2, 3].map(write))
    let pages = 0
    const result = await mine.collectGarbage({
      segments: 2,
      maxWriteUnitsPerSecond: Infinity,
      onProgress: () => {
        pages++
      },
    })
    expect(result).toMatchObject({ scanned: 23, deleted: 15, revived: 0, gone: 0, segments: 2 })
    expect(pages).toBeGreaterThan(2)
    expect(await mine.count()).toBe(3)
    expect(await subject.table.items('other:')).toHaveLength(5)
    await Promise.all([mine.clear(), other.clear()])
  })

  test('clear deletes a few hundred sessions, over few connections', async () => {
    const { store } = subject.open({ prefix: 'many:', maxSockets: 4 })
    await Promise.all(Array.from({ length: 300 }, () => store.write(newId(), {})))
    expect(await store.count()).toBe(300)
    const { signal } = new AbortController()
    const warnings: unknown[] = []
    const onWarning = (warning: unknown): void => {
      warnings.push(warning)
    }
    process.on('warning', onWarning)
    await store.clear({ signal })
    process.off('warning', onWarning)
    // Node warns of more than ten listeners to one signal.
    expect(warnings).toEqual([])
    expect(await store.count()).toBe(0)
    expect(await subject.table.items('many:')).toEqual([])
  })
})
