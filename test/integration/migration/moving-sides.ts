import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import type { TableSubject } from '../../support/table-subject.ts'
import { type Hooks, interceptedTransport, type SentRequest } from '../garbage/intercepted-transport.ts'

/** Two kinds of processes that serve the same visitors, and each move sessions to where they keep them. */
export interface Sides {
  readonly name: string
  readonly forth: SessionStoreOptions
  readonly back: SessionStoreOptions
}

/** Sessions that say when they began on one side only, and on both. */
export const everySides: readonly Sides[] = [
  {
    name: 'connect-dynamodb and native',
    forth: { migrateFrom: 'connect-dynamodb' },
    back: { layout: 'connect-dynamodb', migrateFrom: 'native' },
  },
  {
    name: 'native and connect-dynamodb',
    forth: { layout: 'connect-dynamodb', migrateFrom: 'native' },
    back: { migrateFrom: 'connect-dynamodb' },
  },
  {
    name: 'plain and hashed IDs',
    forth: { migrateFrom: { prefix: 'sess:', hashIds: false } },
    back: { prefix: 'sess:', hashIds: false, migrateFrom: { prefix: '' } },
  },
]

/** Opens a store in the table of a subject. */
export function openSide(subject: TableSubject, options: SessionStoreOptions, hooks?: Hooks): SessionStore {
  const transport = hooks === undefined ? {} : { transport: interceptedTransport(hooks) }
  return subject.closeLater(new SessionStore({ ...subject.options, ...options, ...transport }))
}

/** Has others do something once, after the first answered request for which `when` holds, and before its caller is told. */
export function meanwhile(when: (request: SentRequest) => boolean, act: () => Promise<unknown>): Hooks {
  let isDone = false
  return {
    after: async request => {
      if (isDone || !when(request)) return
      isDone = true
      await act()
    },
  }
}

/** Changes one key of a session, and by that moves it to the side of the store. */
export async function saveOn(store: SessionStore, id: string, key: string): Promise<void> {
  const basis = await store.read(id)
  if (basis === undefined) throw new Error(`there is no session to save ${key} in`)
  const saved = await store.write(id, { ...basis.data, [key]: 1 }, { basis })
  if (saved === undefined) throw new Error(`there was no session to save ${key} in`)
}
