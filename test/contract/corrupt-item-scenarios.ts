import { describe, expect, test } from 'vitest'

import { SessionCorruptError } from '../../src/errors.ts'
import { rejectionOf } from '../support/failure.ts'
import { newId, newPrefix } from '../support/session-ids.ts'
import { toArray } from '../support/to-array.ts'
import { type ContractSubject } from './contract-subject.ts'

const SECRET = 'wine-and-roses'

/** That what is no session is an error, and stays as it is (G6). */
export function describeCorruptItems(subject: ContractSubject): void {
  const names = Object.keys(subject.layout.corruptItems(0))

  describe.runIf(names.length > 0)('corrupt items', () => {
    test.each(names)('%s: reading is an error, and the item stays as it is', async name => {
      const { store, clock } = subject.open({ prefix: newPrefix() })
      const id = newId()
      const { key } = await store.write(id, {})
      const item = {
        [subject.layout.partitionKey]: { S: key },
        ...subject.layout.corruptItems(clock.nowMs + 60_000)[name],
        mark: { S: SECRET },
      }
      await subject.table.put(item)
      const error = await rejectionOf(store.read(id))
      expect(error).toBeInstanceOf(SessionCorruptError)
      expect(error).toHaveProperty('code', 'SESSION_CORRUPT')
      expect(String(error)).not.toContain(SECRET)
      expect(String(error)).not.toContain(id)
      expect(await subject.table.item(key)).toEqual(item)
    })

    test.runIf(names.includes('no data'))('a touch does not extend an item without data', async () => {
      const { store, clock } = subject.open({ prefix: newPrefix() })
      const id = newId()
      const { key } = await store.write(id, {})
      const { 'no data': husk } = subject.layout.corruptItems(clock.nowMs + 60_000)
      await subject.table.put({ [subject.layout.partitionKey]: { S: key }, ...husk })
      expect(await store.touch(id)).toBe(false)
      expect(await store.touch(id, { expiresMs: clock.nowMs })).toBe(false)
      expect(await subject.table.item(key)).toEqual({ [subject.layout.partitionKey]: { S: key }, ...husk })
    })

    test('a list of records ends with the error and does not leave the item out', async () => {
      const { store, clock } = subject.open({ prefix: newPrefix() })
      const { key } = await store.write(newId(), {})
      const [corrupt] = Object.values(subject.layout.corruptItems(clock.nowMs + 60_000))
      await subject.table.put({ [subject.layout.partitionKey]: { S: key }, ...corrupt })
      await expect(toArray(store.records())).rejects.toBeInstanceOf(SessionCorruptError)
    })

    test('a list of records goes on after it when somebody is told', async () => {
      const { store, clock } = subject.open({ prefix: newPrefix() })
      const keys: string[] = []
      for (const data of [{}, {}, {}]) keys.push((await store.write(newId(), data)).key)
      const [bad = ''] = keys
      const [corrupt] = Object.values(subject.layout.corruptItems(clock.nowMs + 60_000))
      await subject.table.put({ [subject.layout.partitionKey]: { S: bad }, ...corrupt })
      const told: unknown[] = []
      const options = { onError: (...entry: unknown[]) => told.push(entry) }
      const records = await toArray(store.records(options))
      expect(records.map(({ key }) => key).toSorted()).toEqual(keys.slice(1).toSorted())
      expect(told).toEqual([[expect.any(SessionCorruptError), bad]])
      const reason = new Error('enough')
      const ending = store.records({
        onError: () => {
          throw reason
        },
      })
      await expect(toArray(ending)).rejects.toBe(reason)
    })

    test('a corrupt item can be destroyed, and goes with clear', async () => {
      const { store, clock } = subject.open({ prefix: newPrefix() })
      const [destroyed, cleared] = [newId(), newId()]
      const keys: string[] = []
      for (const id of [destroyed, cleared]) {
        const { key } = await store.write(id, {})
        const [corrupt] = Object.values(subject.layout.corruptItems(clock.nowMs + 60_000))
        await subject.table.put({ [subject.layout.partitionKey]: { S: key }, ...corrupt })
        keys.push(key)
      }
      await store.destroy(destroyed)
      expect(await store.read(destroyed)).toBeUndefined()
      await store.clear()
      expect(await Promise.all(keys.map(key => subject.table.item(key)))).toEqual([undefined, undefined])
    })
  })
}
