import { describe, expect, test } from 'vitest'

import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import type { SessionStore } from '../../../src/store/session-store.ts'
import { engine } from '../../support/engines.ts'
import { newId } from '../../support/session-ids.ts'
import { everyTouch, tableSubject } from '../../support/table-subject.ts'
import { everySides, openSide, saveOn } from './moving-sides.ts'

describe.runIf(engine.supports.transactions).each(everySides)(
  'sessions that are given a new ID while they migrate between $name',
  ({ forth, back }) => {
    const subject = tableSubject(engine, everyTouch)
    const open = (options: SessionStoreOptions): SessionStore => openSide(subject, options)

    test.each([
      ['that is still there', false],
      ['that others have moved here meanwhile', true],
    ])('%s: go on under the new one alone, with all that was saved', async (_name, isHere) => {
      const [here, there, other] = [open(forth), open(back), open(forth)]
      const [oldId, id] = [newId(), newId()]
      await there.write(oldId, { cart: 1 })
      const basis = await here.read(oldId)
      if (isHere) await saveOn(other, oldId, 'other')
      const moved = await here.regenerate(basis ?? never(), id, { data: { cart: 1, user: 'ada' } })
      const expected = { cart: 1, user: 'ada', ...(isHere && { other: 1 }) }
      expect(moved?.data).toEqual(expected)
      for (const store of [here, there]) {
        expect((await store.read(id))?.data).toEqual(expected)
        expect(await store.read(oldId)).toBeUndefined()
      }
    })

    test('are not brought back under the old ID by a request that had read them there', async () => {
      const [here, there] = [open(forth), open(back)]
      const [oldId, id] = [newId(), newId()]
      await there.write(oldId, { cart: 1 })
      const late = await there.read(oldId)
      await here.regenerate((await here.read(oldId)) ?? never(), id, { data: { cart: 1, user: 'ada' } })
      await there.write(oldId, { cart: 2 }, { basis: late })
      for (const store of [here, there]) {
        expect(await store.read(oldId)).toBeUndefined()
        expect((await store.read(id))?.data).toMatchObject({ user: 'ada' })
      }
    })

    test('go on without a change of their data, too, and end for all (G3)', async () => {
      const [here, there] = [open(forth), open(back)]
      const [oldId, id] = [newId(), newId()]
      await there.write(oldId, { cart: 1 })
      const moved = await here.regenerate((await here.read(oldId)) ?? never(), id)
      expect(moved?.data).toEqual({ cart: 1 })
      expect([await here.read(oldId), await there.read(oldId)]).toEqual([undefined, undefined])
      await there.destroy(id)
      for (const store of [here, there]) {
        expect([await store.read(oldId), await store.read(id)]).toEqual([undefined, undefined])
      }
    })
  },
)

function never(): never {
  throw new Error('the session is not there')
}
