import { Store } from 'express-session'

import { createDynamoDBStore, type DynamoDBStoreClass } from './express-store.ts'

export type { DynamoDBStoreOptions } from './express-store.ts'

const StoreOfTheApplication: DynamoDBStoreClass = /* @__PURE__ */ createDynamoDBStore(Store)

/**
 * Keeps the sessions of `express-session` in DynamoDB.
 *
 * - Parallel requests that change different top-level keys of one session both keep their changes, and a session
 *   that one request has destroyed is not brought back by the late save or touch of another: the store
 *   remembers what each session object was loaded or last saved as. `onConflict` can decide otherwise.
 * - With `locking`, requests of one session take turns instead: a session is locked when it is loaded, until it is
 *   saved, touched or destroyed, or the request is over. Outside of a request that has a response, in a job or for a
 *   WebSocket, it is locked only while it is read.
 * - A failure reaches the request as an error and is never taken for "no session".
 * - A session expires when its cookie does; sessions whose cookie says nothing live for `ttlSeconds`.
 * - A session that was not changed is not written, and its expiry only when it moves by a worthwhile amount
 *   (`touchAfterSeconds`).
 *
 * Callbacks are optional, and called exactly once and asynchronously. A failure without a callback is emitted as
 * `'error'` where somebody listens for that, else as a process warning.
 *
 * @example
 * ```ts
 * import express from 'express'
 * import session from 'express-session'
 * import { DynamoDBStore } from 'dynamodb-sessions/express'
 *
 * const app = express()
 * app.use(
 *   session({
 *     store: new DynamoDBStore({ table: 'sessions', region: 'eu-west-1' }),
 *     secret: 'a long random text',
 *     resave: false,
 *     saveUninitialized: false,
 *   }),
 * )
 * ```
 */
export class DynamoDBStore extends StoreOfTheApplication {}
