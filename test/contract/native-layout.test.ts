import { describe, expect, test } from 'vitest'

import { engine as usual, engines } from '../support/engines.ts'
import { newId } from '../support/session-ids.ts'
import { toArray } from '../support/to-array.ts'
import { contractSubject } from './contract-subject.ts'
import { nativeLayouts } from './native-layouts.ts'
import { describeSessionStore } from './session-store.ts'

for (const engine of engines) {
  // To an engine the variants are the same; one of them shows how engines differ.
  const layouts = engine === usual ? nativeLayouts : nativeLayouts.slice(0, 1)
  for (const layout of layouts) describeSessionStore(engine, layout)
}

describe.each(engines)('$name, native items', engine => {
  const [layout] = nativeLayouts
  if (layout === undefined) throw new Error('there is no native layout')
  const subject = contractSubject(engine, layout)

  test('have the attributes that the storage schema names, and no others', async () => {
    const { store, clock } = subject.open({ ttlSeconds: 60 })
    const record = await store.write(newId(), { user: 'ada' })
    expect(await subject.table.item(record.key)).toEqual({
      id: { S: record.key },
      data: { S: '{"user":"ada"}' },
      expires: { N: String(Math.ceil((clock.nowMs + 60_000) / 1000)) },
      expiresMs: { N: String(clock.nowMs + 60_000) },
      rev: { S: record.revision },
      created: { N: String(Math.floor(clock.nowMs / 1000)) },
      birth: { S: expect.stringMatching(new RegExp(`^${clock.nowMs}[\\w-]{8}$`)) as string },
    })
  })

  test('are found under the SHA-256 of the session ID, behind the prefix', async () => {
    const { store } = subject.open({ prefix: 'app:' })
    const { key } = await store.write('abc', {})
    expect(key).toBe('app:ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0')
  })

  test.each([
    ['whole seconds', (ms: number) => String(Math.floor(ms / 1000))],
    ['fractions of a second', (ms: number) => String(Math.floor(ms / 1000) + 0.5)],
    ['milliseconds', (ms: number) => String(ms)],
  ])('whose expiry somebody else wrote in %s are read', async (_, toText) => {
    const { store, clock } = subject.open()
    const id = newId()
    const { key } = await store.write(id, {})
    await store.destroy(id)
    await subject.table.put({
      id: { S: key },
      data: { S: '{"user":"ada"}' },
      expires: { N: toText(clock.nowMs + 60_000) },
    })
    expect((await store.read(id))?.data).toEqual({ user: 'ada' })
    expect(await toArray(store.keys())).toContain(key)
    clock.advance(61_000)
    expect(await store.read(id)).toBeUndefined()
    expect(await store.touch(id)).toBe(false)
    expect(await toArray(store.keys())).not.toContain(key)
    clock.advance(-61_000)
    const basis = await store.read(id)
    expect(await store.write(id, { user: 'bob' }, { basis })).toBeDefined()
    expect(await store.touch(id)).toBe(true)
  })
})
