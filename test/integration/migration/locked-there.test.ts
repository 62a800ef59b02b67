import { describe, expect, test } from 'vitest'

import { SessionLockedError } from '../../../src/errors.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import type { SessionStore } from '../../../src/store/session-store.ts'
import { engine } from '../../support/engines.ts'
import { newId } from '../../support/session-ids.ts'
import { everyTouch, tableSubject } from '../../support/table-subject.ts'
import { openSide } from './moving-sides.ts'

/** Processes that keep sessions in two places which both know locks. */
const sides: readonly { name: string; forth: SessionStoreOptions; back: SessionStoreOptions }[] = [
  {
    name: 'PHP and native',
    forth: { migrateFrom: { layout: 'php' } },
    back: { layout: 'php', migrateFrom: 'native' },
  },
  {
    name: 'plain and hashed IDs',
    forth: { migrateFrom: { prefix: 'sess:', hashIds: false } },
    back: { prefix: 'sess:', hashIds: false, migrateFrom: { prefix: '' } },
  },
]

const patient = { maxWaitMs: 60_000, minRetryMs: 5, maxRetryMs: 50, leaseSeconds: 60 }

describe.runIf(engine.supports.transactions)('sessions that are locked where they are', () => {
  const subject = tableSubject(engine, everyTouch)
  const open = (options: SessionStoreOptions): SessionStore => openSide(subject, options)

  describe.each(sides)('between $name', ({ name, forth, back }) => {
    test('a lock waits for the one in the other place, and brings the session then', async () => {
      const [store, old] = [open(forth), open(back)]
      const id = newId()
      await old.write(id, { n: 1 })
      const theirs = await old.lock(id, patient)
      await expect(store.lock(id, { maxWaitMs: 0 })).rejects.toBeInstanceOf(SessionLockedError)
      const waiting = store.lock(id, patient)
      await old.write(id, { n: 2 }, { basis: theirs?.record })
      const lock = await waiting
      expect(lock?.record.data).toEqual({ n: 2 })
      await expect(old.lock(id, { maxWaitMs: 0 })).rejects.toBeInstanceOf(SessionLockedError)
      await store.write(id, { n: 3 }, { basis: lock?.record })
      expect((await old.read(id))?.data).toEqual({ n: 3 })
    })

    test('those who wait in one process are told who has the lock in the other place', async () => {
      const [store, old] = [open(forth), open(back)]
      const id = newId()
      await old.write(id, { n: 1 })
      const theirs = await old.lock(id, patient)
      const attempts = await Promise.allSettled([1, 2, 3].map(() => store.lock(id, { maxWaitMs: 50 })))
      for (const { status, ...rest } of attempts) {
        expect([status, rest]).toMatchObject(['rejected', { reason: { code: 'SESSION_LOCKED' } }])
      }
      await theirs?.release()
      await (await store.lock(id, patient))?.release()
    })

    test('parallel requests of both kinds of processes lose no increment and no lock', async () => {
      const stores = [forth, back, forth, back].map(each => open(each))
      const id = newId()
      await stores[0]?.write(id, { n: 0 })
      const increment = async (store: SessionStore): Promise<void> => {
        const lock = await store.lock(id, patient)
        if (lock === undefined) throw new Error('the session is not there')
        await store.write(id, { n: Number(lock.record.data['n']) + 1 }, { basis: lock.record })
      }
      await Promise.all(stores.flatMap(store => [1, 2, 3, 4, 5].map(() => increment(store))))
      expect((await stores[0]?.read(id))?.data).toEqual({ n: 20 })
    })

    test('a lease that has ended there is no obstacle, and its holder cannot write', async () => {
      const [store, old] = [open(forth), open(back)]
      const id = newId()
      await old.write(id, { n: 1 })
      const lost = await old.lock(id, { leaseSeconds: 1, renew: false })
      const lock = await store.lock(id, patient)
      expect(lock?.record.data).toEqual({ n: 1 })
      await expect(old.write(id, { n: 2 }, { basis: lost?.record })).rejects.toMatchObject({
        code: 'LOCK_LOST',
      })
      await lock?.release()
    })

    test.runIf(name === 'PHP and native')('a lock that PHP has left behind there is taken over', async () => {
      const store = open({ migrateFrom: { layout: 'php', staleLockSeconds: 1 } })
      const old = open(back)
      const id = newId()
      const { key } = await old.write(id, { n: 1 })
      await subject.table.put({ ...(await subject.table.item(key)), lock: { N: '1' } })
      await expect(store.lock(id, { maxWaitMs: 0 })).rejects.toBeInstanceOf(SessionLockedError)
      const lock = await store.lock(id, patient)
      expect(lock?.record.data).toEqual({ n: 1 })
      await lock?.release()
    })
  })
})
