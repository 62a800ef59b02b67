import type { SessionStoreOptions } from '../../src/options/store-options.ts'
import { SessionStore } from '../../src/store/session-store.ts'
import type { Item } from '../../src/types.ts'
import type { Engine } from '../support/engines.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { everyTouch, type TableSubject, tableSubject } from '../support/table-subject.ts'

/** What a layout may be unable to carry; the scenarios about the rest hold for every layout. */
export interface LayoutTraits {
  /** Items say when the session began, so that one that took the place of another can be told from it. */
  readonly beginnings: boolean
  /** A save notices what others have written since the session was read. */
  readonly noticesOthers: boolean
  /** A save changes attributes of an item; otherwise it replaces the item. */
  readonly updatesItems: boolean
  readonly locks: boolean
  /** The store takes `absoluteTimeoutSeconds`. */
  readonly absoluteTimeout: boolean
  /** The expiry is stored to the millisecond; otherwise to the second, rounded up. */
  readonly exactExpiry: boolean
  /** The TTL attribute is in seconds, so that time to live can act on it. */
  readonly ttlInSeconds: boolean
  /** Data are what JSON makes of them. */
  readonly jsonData: boolean
  /** Any text can be a session ID. */
  readonly anyId: boolean
}

/** The traits of a layout that can carry everything. */
export const everything: LayoutTraits = {
  beginnings: true,
  noticesOthers: true,
  updatesItems: true,
  locks: true,
  absoluteTimeout: true,
  exactExpiry: true,
  ttlInSeconds: true,
  jsonData: true,
  anyId: true,
}

/** A way of storing sessions that has to hold everything the contract says. */
export interface ContractLayout {
  readonly name: string
  readonly traits: LayoutTraits
  /** The options of a store that choose it. */
  readonly options: SessionStoreOptions
  /** Name of the table's partition key. */
  readonly partitionKey: string
  /** The attribute that the table's TTL looks at. */
  readonly ttlAttribute: string
  /** Whether the item's key tells the session ID to whoever reads the table. */
  readonly plainIds: boolean
  /** What a key has of a session ID; absent when it is all of it. */
  readonly partInKey?: (id: string) => string
  /** Session data that the layout carries as they are. */
  readonly data: Readonly<Record<string, unknown>>
  /** Items without their key that are there and no sessions; reading them is an error (G6). */
  readonly corruptItems: (expiresMs: number) => Readonly<Record<string, Item>>
}

/** Data of every kind that JSON has. */
export const jsonData: Readonly<Record<string, unknown>> = {
  unicode: 'Grüße 👋🏽 漢字 \u2028\u2029 \u0000 "\\',
  loneSurrogate: '\ud800',
  numbers: [0, -1, 0.1, 1e21, Number.MAX_SAFE_INTEGER],
  nothing: null,
  nested: { list: [{ deep: [true, false] }, []], empty: {}, '': 'empty name' },
  emptyText: '',
  date: '2031-05-06T07:08:09.001Z',
}

/** One layout on one engine, and a table of its own. */
export interface ContractSubject extends TableSubject {
  readonly engine: Engine
  readonly layout: ContractLayout
  /** Options that only a store with connections of its own takes; none where it has a transport of somebody else's. */
  readonly fewSockets: SessionStoreOptions
  /** The shortest time, in milliseconds, that makes a difference to a stored expiry. */
  readonly expiryStepMs: number
  /** The store of a test: in the table of this subject, on a clock that stands still. */
  readonly open: (options?: SessionStoreOptions) => OpenStore
}

/** A store and the clock that it looks at. */
export interface OpenStore {
  readonly store: SessionStore
  readonly clock: ManualClock
}

/** Sets a subject up for the tests of a `describe`; its stores are closed after them. */
export function contractSubject(engine: Engine, layout: ContractLayout): ContractSubject {
  const { partitionKey, traits } = layout
  const subject = tableSubject(engine, { partitionKey, ...everyTouch })
  return Object.assign(subject, {
    engine,
    layout,
    expiryStepMs: traits.exactExpiry ? 1 : 1000,
    fewSockets: layout.options.transport === undefined ? { maxSockets: 8 } : {},
    open: (options?: SessionStoreOptions) => {
      const clock = traits.exactExpiry ? new ManualClock() : new ManualClock(fullSecondMs)
      const all = { ...subject.options, clock, ...layout.options, ...options } as SessionStoreOptions
      const store = new SessionStore(all)
      return { store: subject.closeLater(store), clock }
    },
  })
}

/** A moment that layouts without milliseconds can tell. */
const fullSecondMs = Date.UTC(2031, 4, 6, 7, 8, 9)
