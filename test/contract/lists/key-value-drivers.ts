import assert from 'node:assert/strict'

import type { Scenario } from './scenario.ts'

/** What unstorage calls of a driver, with JSON text as values. */
export interface KeyValueDriver {
  readonly hasItem: (key: string) => Promise<boolean>
  readonly getItem: (key: string) => Promise<unknown>
  readonly setItem: (key: string, value: string) => Promise<void>
  readonly removeItem: (key: string) => Promise<void>
  readonly getKeys: (base: string) => Promise<readonly string[]>
  readonly clear: (base: string) => Promise<void>
}

/** What a driver of unstorage must do. Each scenario needs a storage without keys. */
export const keyValueContract: readonly Scenario<KeyValueDriver>[] = [
  {
    name: 'a value that was set is there for other processes, too, and one that was not is null',
    run: async open => {
      const [driver, other] = [await open(), await open()]
      assert.deepEqual([await driver.hasItem('key'), await driver.getItem('key')], [false, null])
      await driver.setItem('key', '"first"')
      await driver.setItem('key', '"Grüße, 世界 🌍"')
      assert.deepEqual([await other.hasItem('key'), await other.getItem('key')], [true, '"Grüße, 世界 🌍"'])
    },
  },
  {
    name: 'a removed value is gone, and removing it again is no error',
    run: async open => {
      const driver = await open()
      await driver.setItem('key', '1')
      await driver.removeItem('key')
      await driver.removeItem('key')
      assert.deepEqual([await driver.hasItem('key'), await driver.getItem('key')], [false, null])
      assert.deepEqual(await driver.getKeys(''), [])
    },
  },
  {
    name: 'keys are listed and cleared with a base',
    run: async open => {
      const driver = await open()
      for (const key of ['a', 'b:one', 'b:deep:two', 'bb:three']) await driver.setItem(key, '1')
      assert.deepEqual((await driver.getKeys('b:')).toSorted(), ['b:deep:two', 'b:one'])
      await driver.clear('b:')
      assert.deepEqual((await driver.getKeys('')).toSorted(), ['a', 'bb:three'])
      await driver.clear('')
      assert.deepEqual(await driver.getKeys(''), [])
    },
  },
  {
    name: 'values of the same moment do not get mixed up (G8)',
    run: async open => {
      const driver = await open()
      const keys = Array.from({ length: 60 }, (_, index) => `key-${index}`)
      await Promise.all(keys.map(key => driver.setItem(key, `"${key}"`)))
      assert.deepEqual(
        await Promise.all(keys.map(key => driver.getItem(key))),
        keys.map(key => `"${key}"`),
      )
    },
  },
]
