import { SessionStore } from '../../src/store/session-store.ts'
import type { SessionStoreOptions } from '../../src/options/store-options.ts'
import type { Engine } from '../support/engines.ts'
import { type TableSubject, tableSubject } from '../support/table-subject.ts'
import { LoggingTransport } from './logging-transport.ts'

/** What the sessions of these tests hold. */
export interface Content {
  [key: string]: unknown
}

/** A table with as many stores as a test wants; IDs are stored as they are. */
export interface ConcurrencySubject extends TableSubject {
  /** What every store of this subject has sent. */
  readonly log: LoggingTransport
  /** A store of its own: it shares nothing with the others that a store of another process would not. */
  readonly store: (options?: SessionStoreOptions<Content>) => SessionStore<Content>
}

/** Sets a subject up for the tests of a `describe`; what it opens is closed after them. */
export function concurrencySubject(engine: Engine): ConcurrencySubject {
  const subject = tableSubject(engine, { hashIds: false })
  const log = subject.closeLater(new LoggingTransport())
  return Object.assign(subject, {
    log,
    store: (options?: SessionStoreOptions<Content>) =>
      subject.closeLater(new SessionStore<Content>({ ...subject.options, transport: log, ...options })),
  })
}
