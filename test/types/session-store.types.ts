/*
 * Compiled and never run: what the types of SessionStore and createTable allow and refuse.
 */
import { expectTypeOf } from 'vitest'

import { DynamoDBStore as ExpressStore } from '../../src/adapters/express.ts'
import { DynamoDBStore as FastifyStore } from '../../src/adapters/fastify.ts'
import { DynamoDBStore as HonoStore } from '../../src/adapters/hono-sessions.ts'
import { webSessions } from '../../src/adapters/web.ts'
import type { CredentialProvider, Credentials } from '../../src/aws/credentials/index.ts'
import {
  type SessionData,
  type SessionRecord,
  SessionStore,
  type SessionStoreOptions,
} from '../../src/index.ts'
import { createTable, type CreateTableResult } from '../../src/table/index.ts'

interface Cart {
  items: string[]
  user?: string
}

const untyped = new SessionStore()
const carts = new SessionStore<Cart>({ ttlSeconds: cart => (cart.user === undefined ? 60 : 3600) })
const cart: Cart = { items: [] }

// What is read has the type of the data; without one it is an object of anything.
expectTypeOf(carts.read('id')).toEqualTypeOf<Promise<SessionRecord<Cart> | undefined>>()
expectTypeOf(untyped.read('id')).toEqualTypeOf<Promise<SessionRecord | undefined>>()
expectTypeOf<SessionRecord<Cart>['data']>().toEqualTypeOf<Cart>()
expectTypeOf<SessionRecord['data']>().toEqualTypeOf<SessionData>()
expectTypeOf(carts.records()).toExtend<AsyncIterable<SessionRecord<Cart>>>()
expectTypeOf(carts.keys()).toExtend<AsyncIterable<string>>()
expectTypeOf(carts.count()).toEqualTypeOf<Promise<number>>()

// A write without basis always happens; with one it may come too late.
const record = {} as SessionRecord<Cart>
const maybeRecord = record as SessionRecord<Cart> | undefined
expectTypeOf(carts.write('id', cart)).toEqualTypeOf<Promise<SessionRecord<Cart>>>()
expectTypeOf(carts.write('id', cart, {})).toEqualTypeOf<Promise<SessionRecord<Cart>>>()
expectTypeOf(carts.write('id', cart, { ttlSeconds: 60 })).toEqualTypeOf<Promise<SessionRecord<Cart>>>()
expectTypeOf(carts.write('id', cart, { basis: undefined })).toEqualTypeOf<Promise<SessionRecord<Cart>>>()
expectTypeOf(carts.write('id', cart, { basis: record })).toEqualTypeOf<
  Promise<SessionRecord<Cart> | undefined>
>()
expectTypeOf(carts.write('id', cart, { basis: maybeRecord, expiresMs: 0 })).toEqualTypeOf<
  Promise<SessionRecord<Cart> | undefined>
>()
expectTypeOf(carts.touch(record, { ttlSeconds: 5 })).toEqualTypeOf<Promise<boolean>>()
expectTypeOf(carts.destroy(record)).toEqualTypeOf<Promise<void>>()
expectTypeOf(carts[Symbol.asyncDispose]()).toEqualTypeOf<Promise<void>>()
expectTypeOf(carts).toExtend<AsyncDisposable>()

/** Mistakes that the compiler finds. */
export const mistakes: readonly (() => unknown)[] = [
  // @ts-expect-error the data is not a cart
  () => carts.write('id', { items: 'apple' }),
  // @ts-expect-error text is no session data
  () => untyped.write('id', 'text'),
  // @ts-expect-error the basis is the record of other data
  () => carts.write('id', cart, { basis: {} as SessionRecord<{ token: string }> }),
  // @ts-expect-error the option is ttlSeconds
  () => carts.write('id', cart, { ttl: 60 }),
  // @ts-expect-error records are made by a store
  () => carts.touch({ data: cart }),
  // @ts-expect-error a session ID is a text
  () => carts.read(undefined),
  // @ts-expect-error the option is table
  () => new SessionStore({ tableName: 'sessions' }),
  // @ts-expect-error seconds are a number
  () => new SessionStore({ ttlSeconds: '60' }),
  // @ts-expect-error the function gets a cart
  () => new SessionStore<Cart>({ ttlSeconds: (data: { token: string }) => data.token.length }),
  // @ts-expect-error the key is not there
  () => new SessionStore({ credentials: { accessKeyId: 'AKIA' } }),
  // @ts-expect-error createTable has no lifetime of sessions
  () => createTable({ ttlSeconds: 60 }),
]

// Options of another layout do not compile, and those of one that is only known when the program runs are for a cast.
export const stores = (
  layout: NonNullable<SessionStoreOptions['layout']>,
  prefix: string,
): SessionStore[] => [
  new SessionStore({ layout, prefix }),
  new SessionStore({ layout: 'php', sessionName: 'APP', locking: true }),
  new SessionStore({ layout: 'laravel', serialization: 'json', hashIds: false }),
  new SessionStore({ layout: 'connect-dynamodb', specialKeys: [{ name: 'user', type: 'S' }] }),
  new SessionStore({ userId: ({ user }) => String(user), encryption: { keys: [new Uint8Array(32)] } }),
  new SessionStore({ layout, sessionName: 'APP' } as SessionStoreOptions),
  // @ts-expect-error only layout php has PHP's session.name
  new SessionStore({ sessionName: 'APP' }),
  // @ts-expect-error only layout php has PHP's session.name
  new SessionStore({ layout: 'native', sessionName: 'APP' }),
  // @ts-expect-error only layout laravel has that
  new SessionStore({ layout: 'php', serialization: 'json' }),
  // @ts-expect-error only layout connect-dynamodb has them
  new SessionStore({ layout: 'adonis', specialKeys: [{ name: 'user', type: 'S' }] }),
  // @ts-expect-error only layout native encrypts
  new SessionStore({ layout: 'php', encryption: { keys: [new Uint8Array(32)] } }),
  // @ts-expect-error only layout native knows users
  new SessionStore({ layout: 'aws-ruby', userId: () => 'ada' }),
  // @ts-expect-error not all layouts have it
  new SessionStore({ layout, sessionName: 'APP' }),
]

type NativeOptions = Extract<SessionStoreOptions, { layout?: 'native' | undefined }>
type PhpOptions = Extract<SessionStoreOptions, { layout: 'php' }>
expectTypeOf<NativeOptions['sessionName']>().toEqualTypeOf<undefined>()
expectTypeOf<PhpOptions['sessionName']>().toEqualTypeOf<string | undefined>()
expectTypeOf<PhpOptions['encryption']>().toEqualTypeOf<undefined>()
export const spread = (all: SessionStoreOptions, php: PhpOptions): SessionStore[] => [
  new SessionStore({ ...all, table: 'sessions' }),
  new SessionStore({ region: 'eu-west-1', ...all }),
  new SessionStore({ ...php, base64: true }),
]

// Adapters' options are of one layout, too; frameworks without a moment to unlock have no `locking`.
export const adapters = (): unknown[] => [
  new ExpressStore({ layout: 'php', sessionName: 'APP', ttl: 60 }),
  new FastifyStore({ layout: 'php', sessionName: 'APP', ttl: 60 }),
  new HonoStore({ layout: 'laravel', serialization: 'php', storeEmptySessions: false }),
  webSessions({ layout: 'php', sessionName: 'APP', cookie: { signed: false } }),
  // @ts-expect-error only layout php has PHP's session.name
  new ExpressStore({ sessionName: 'APP' }),
  // @ts-expect-error only layout php has PHP's session.name
  new FastifyStore({ sessionName: 'APP' }),
  // @ts-expect-error only layout php has PHP's session.name
  new HonoStore({ layout: 'adonis', sessionName: 'APP' }),
  // @ts-expect-error only layout php has PHP's session.name
  webSessions({ sessionName: 'APP', secrets: 'a' }),
  // @ts-expect-error locks would stay until they end by themselves
  new FastifyStore({ locking: true }),
  // @ts-expect-error locks would stay until they end by themselves
  new HonoStore({ locking: true }),
]

// Options may be passed on that are undefined.
expectTypeOf<{ table: string | undefined; region: undefined }>().toExtend<SessionStoreOptions>()
expectTypeOf(createTable({ table: 'sessions' })).toEqualTypeOf<Promise<CreateTableResult>>()

// Identities and providers of the AWS SDK fit as they are.
interface AwsCredentialIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly credentialScope?: string
  readonly accountId?: string
  readonly expiration?: Date
}
type AwsCredentialIdentityProvider = (properties?: Record<string, unknown>) => Promise<AwsCredentialIdentity>
type RuntimeConfigProvider = (properties?: {
  callerClientConfig?: { region?: () => Promise<string> }
}) => Promise<AwsCredentialIdentity & { $source?: Record<string, string> }>

expectTypeOf<AwsCredentialIdentity>().toExtend<Credentials>()
expectTypeOf<AwsCredentialIdentityProvider>().toExtend<CredentialProvider>()
expectTypeOf<RuntimeConfigProvider>().toExtend<CredentialProvider>()
expectTypeOf<() => AwsCredentialIdentity>().toExtend<CredentialProvider>()
expectTypeOf<{ credentials: AwsCredentialIdentityProvider }>().toExtend<SessionStoreOptions>()
expectTypeOf<() => Promise<{ accessKeyId: string }>>().not.toExtend<CredentialProvider>()
