/*
 * Compiled and never run: what the types of the driver for unstorage allow and refuse.
 */
import { createStorage, type Driver } from 'unstorage'
import { expectTypeOf } from 'vitest'

import dynamoDBDriverByDefault, {
  dynamoDBDriver,
  type DynamoDBDriver,
  type DynamoDBDriverOptions,
} from '../../src/adapters/unstorage.ts'

// It is a driver, and goes where unstorage takes one.
expectTypeOf(dynamoDBDriver({ table: 'storage' })).toEqualTypeOf<DynamoDBDriver>()
expectTypeOf<DynamoDBDriver>().toExtend<Driver>()
expectTypeOf(dynamoDBDriverByDefault).toEqualTypeOf(dynamoDBDriver)
createStorage({ driver: dynamoDBDriver() }).mount('cache', dynamoDBDriver({ prefix: 'cache:' }))

// What Astro asks of a session driver.
interface SessionDriver {
  removeItem: (key: string) => Promise<void>
  getItem: (key: string) => Promise<unknown>
  setItem: (key: string, value: string) => Promise<void>
}
expectTypeOf(dynamoDBDriver).toExtend<(config: DynamoDBDriverOptions | undefined) => SessionDriver>()

dynamoDBDriver({ hashKeys: true, defaultTtlSeconds: 3600, encryption: { keys: ['sixteen characters'] } })
// @ts-expect-error there is no such option
dynamoDBDriver({ tableName: 'storage' })
// @ts-expect-error sessions have this option; for values it is defaultTtlSeconds
dynamoDBDriver({ ttlSeconds: 60 })
