/*
 * Compiled and never run: what the types of the secondary storage allow and refuse.
 */
import { betterAuth, type BetterAuthOptions } from 'better-auth'
import { expectTypeOf } from 'vitest'

import { type DynamoDBSecondaryStorage, dynamoDBSecondaryStorage } from '../../src/adapters/better-auth.ts'

// It goes where better-auth takes secondary storage.
const secondaryStorage = dynamoDBSecondaryStorage({
  table: 'auth',
  encryption: { keys: ['sixteen characters'] },
})
expectTypeOf(secondaryStorage).toEqualTypeOf<DynamoDBSecondaryStorage>()
expectTypeOf<DynamoDBSecondaryStorage>().toExtend<NonNullable<BetterAuthOptions['secondaryStorage']>>()
expectTypeOf(betterAuth).toBeCallableWith({ secondaryStorage })
expectTypeOf(secondaryStorage.get('key')).toEqualTypeOf<Promise<string | null>>()
expectTypeOf(secondaryStorage.increment('key', 60)).toEqualTypeOf<Promise<number>>()

// @ts-expect-error there is no such option
dynamoDBSecondaryStorage({ tableName: 'auth' })
// @ts-expect-error better-auth says how long values live
dynamoDBSecondaryStorage({ ttlSeconds: 60 })
