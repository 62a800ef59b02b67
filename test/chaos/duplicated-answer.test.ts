import { describe, expect, it } from 'vitest'

import { engine } from '../support/engines.ts'
import { payloadOf } from './payload.ts'
import { useRigStore } from './rig-store.ts'

/*
 * The hard case of G8: an answer comes a second time when the next request has already been written on the same
 * connection. Its framing and its checksum are right; that it is not the answer can only be told by what it says.
 */

const mine = payloadOf('mine', 1)
const other = payloadOf('other', 1)
const again = 'duplicate-before-next-answer'

describe('an answer that comes twice', () => {
  it('does not show a session to the read of another one', async () => {
    const { store, transport, plan } = await useRigStore(engine)
    plan.armRequests(undefined, undefined, again)
    await store.write('mine', mine)
    await store.write('other', other)
    expect((await store.read('mine'))?.data).toEqual(mine)
    expect((await store.read('other'))?.data).toEqual(other)
    expect((await store.read('mine'))?.data).toEqual(mine)
    expect(transport.mixedUp).toEqual([])
  })

  it('does not make a session look absent', async () => {
    const { store, transport, plan } = await useRigStore(engine)
    plan.armRequests(undefined, again)
    await store.write('mine', mine)
    expect(await store.read('nobody')).toBeUndefined()
    expect((await store.read('mine'))?.data).toEqual(mine)
    expect(transport.mixedUp).toEqual([])
  })

  it('does not acknowledge a write that never arrived', async () => {
    const { store, transport, plan } = await useRigStore(engine)
    plan.armRequests(again, 'request-swallowed')
    await store.write('mine', mine)
    await store.write('other', other)
    expect((await store.read('other'))?.data).toEqual(other)
    expect(transport.mixedUp).toEqual([])
  })

  it('does not refuse a write whose condition holds', async () => {
    const { store, transport, plan } = await useRigStore(engine)
    plan.armRequests(undefined, again)
    const basis = await store.write('mine', mine)
    expect(await store.touch('nobody')).toBe(false)
    expect((await store.write('mine', payloadOf('mine', 2), { basis }))?.data).toEqual(payloadOf('mine', 2))
    expect(transport.mixedUp).toEqual([])
  })

  it.each([429, 502])(
    'does not shift the answers behind it by one, where it is an error page: %i',
    async status => {
      const { store, transport, plan } = await useRigStore(engine)
      plan.armRequests(undefined, undefined, `html-${status}-again-before-next-answer`)
      await store.write('mine', mine)
      await store.write('other', other)
      const reads = ['mine', 'other', 'mine', 'other'].map(async id => (await store.read(id))?.data)
      expect(await Promise.all(reads)).toEqual([mine, other, mine, other])
      expect(transport.mixedUp).toEqual([])
    },
  )
})
