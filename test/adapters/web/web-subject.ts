import { webSessions, type WebSessions, type WebSessionSettings } from '../../../src/adapters/web.ts'
import { SessionStore, type SessionStoreOptions } from '../../../src/index.ts'
import type { Engine } from '../../support/engines.ts'
import { type TableSubject, tableSubject } from '../../support/table-subject.ts'

/** What the sessions of the tests hold. */
export interface TestData {
  user?: string
  visits?: number
  cart?: string[]
  [key: `key${string}`]: number
}

/** What the tests of web sessions share on one engine. */
export interface WebSubject extends TableSubject {
  /** Web sessions on a store in the table of this subject. */
  readonly sessions: (
    options?: SessionStoreOptions<TestData>,
    settings?: WebSessionSettings,
  ) => WebSessions<TestData>
}

/** Secret of the sessions of a {@link WebSubject}. */
export const SECRET = 'a long random text'

/** Sets a subject up for the tests of a `describe`; what it opens is closed after them. */
export function webSubject(engine: Engine): WebSubject {
  const subject = tableSubject(engine)
  return Object.assign(subject, {
    sessions: (options?: SessionStoreOptions<TestData>, settings?: WebSessionSettings) => {
      const store = subject.closeLater(new SessionStore<TestData>({ ...subject.options, ...options }))
      return webSessions<TestData>({ store, secrets: [SECRET], ...settings })
    },
  })
}
