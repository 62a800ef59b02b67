/*
 * Compiled and never run: what the types of the session storage for React Router allow and refuse.
 */
import { createCookie, type SessionStorage } from 'react-router'
import { expectTypeOf } from 'vitest'

import { createDynamoDBSessionStorage, type DynamoDBSessionStorage } from '../../src/adapters/react-router.ts'
import { SessionStore } from '../../src/index.ts'

interface Data {
  user: string
  visits: number
}

interface Flash {
  message: string
}

const storage = createDynamoDBSessionStorage<Data, Flash>({
  table: 'sessions',
  cookie: { name: 'sid', secrets: ['a long random text'], maxAge: 3600 },
  userId: data => data.user,
})

// It is session storage, with the data of the app.
expectTypeOf(storage).toEqualTypeOf<DynamoDBSessionStorage<Data, Flash>>()
expectTypeOf(storage).toExtend<SessionStorage<Data, Flash>>()
const session = await storage.getSession('sid=1')
expectTypeOf(session.get('visits')).toEqualTypeOf<number | undefined>()
expectTypeOf(session.get('message')).toEqualTypeOf<string | undefined>()
session.set('visits', 1)
session.flash('message', 'saved')
// @ts-expect-error visits is a number
session.set('visits', 'one')
// @ts-expect-error nobody declared this key
session.get('undeclared')

// Without types, anything goes.
const untyped = createDynamoDBSessionStorage({ cookie: createCookie('sid') })
expectTypeOf((await untyped.getSession()).get('anything')).toBeAny()

// Flashes are data of the store as well.
type Stored = Partial<Data & { __flash_message__: string }>
createDynamoDBSessionStorage<Data, Flash>({ store: new SessionStore<Stored>(), cookie: { name: 'sid' } })
expectTypeOf((await storage.store.read('id'))?.data.__flash_message__).toEqualTypeOf<string | undefined>()

// @ts-expect-error React Router cannot keep locks
createDynamoDBSessionStorage({ locking: true })
// @ts-expect-error there is no such option
createDynamoDBSessionStorage({ tableName: 'sessions' })
