import { DynamoDBStore, type DynamoDBStoreOptions } from '../../src/adapters/express.ts'
import { type AppSessionOptions, type RunningApp, startApp } from './express-app.ts'
import type { Engine } from './engines.ts'
import { everyTouch, type TableSubject, tableSubject } from './table-subject.ts'

/** What the tests of the express-session store share on one engine. */
export interface ExpressSubject extends TableSubject {
  /** A store in the table of this subject. */
  readonly store: (options?: DynamoDBStoreOptions) => DynamoDBStore
  /** An app with such a store, unless the options bring one. */
  readonly app: (options: AppSessionOptions, addRoutes: AddRoutes) => Promise<RunningApp>
}

type AddRoutes = Parameters<typeof startApp>[1]

/** Sets a subject up for the tests of a `describe`; what it opens is closed after them. */
export function expressSubject(engine: Engine): ExpressSubject {
  const subject = tableSubject(engine, everyTouch)
  const store = (options?: DynamoDBStoreOptions): DynamoDBStore =>
    subject.closeLater(new DynamoDBStore({ ...subject.options, ...options }))
  return Object.assign(subject, {
    store,
    app: async (options: AppSessionOptions, addRoutes: AddRoutes) =>
      subject.closeLater(await startApp({ store: store(), ...options }, addRoutes)),
  })
}
