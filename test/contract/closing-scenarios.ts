import { describe, expect, test } from 'vitest'

import type { CallOptions } from '../../src/options/call-options.ts'
import type { SessionStore } from '../../src/store/session-store.ts'
import { StubEndpoint } from '../support/stub-endpoint.ts'
import { newId } from '../support/session-ids.ts'
import { toArray } from '../support/to-array.ts'
import { type ContractSubject } from './contract-subject.ts'

type Call = (store: SessionStore, options?: CallOptions) => Promise<unknown>

const calls: Readonly<Record<string, Call>> = {
  read: (store, options) => store.read(newId(), options),
  write: (store, options) => store.write(newId(), {}, options),
  touch: (store, options) => store.touch(newId(), options),
  destroy: (store, options) => store.destroy(newId(), options),
  keys: (store, options) => toArray(store.keys(options)),
  records: (store, options) => toArray(store.records(options)),
  count: (store, options) => store.count(options),
  clear: (store, options) => store.clear(options),
}

/** Giving calls up, and the end of a store (G7, G12). */
export function describeClosingAndAborting(subject: ContractSubject): void {
  describe('AbortSignal', () => {
    test.each(Object.entries(calls))(
      '%s is given up with the reason, and before it is sent',
      async (_, call) => {
        const stub = await StubEndpoint.start(() => ({ statusCode: 200, body: {} }))
        try {
          const { store } = subject.open({ endpoint: stub.url })
          const reason = new Error('the visitor has gone')
          await expect(call(store, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
          expect(stub.operations).toEqual([])
        } finally {
          await stub.close()
        }
      },
    )

    test.each(Object.entries(calls))('%s is given up while it waits for the answer', async (_, call) => {
      const controller = new AbortController()
      const reason = new Error('the visitor has gone')
      const stub = await StubEndpoint.start(() => {
        controller.abort(reason)
        return new Promise(() => undefined)
      })
      try {
        const { store } = subject.open({ endpoint: stub.url })
        await expect(call(store, { signal: controller.signal })).rejects.toBe(reason)
      } finally {
        await stub.close()
      }
    })

    test('a signal that is not aborted changes nothing', async () => {
      const { store } = subject.open()
      const { signal } = new AbortController()
      const id = newId()
      await store.write(id, { here: true }, { signal })
      expect((await store.read(id, { signal }))?.data).toEqual({ here: true })
      expect(await store.touch(id, { signal })).toBe(true)
      await store.destroy(id, { signal })
      expect(await store.read(id, { signal })).toBeUndefined()
    })
  })

  describe('close', () => {
    test.each(Object.entries(calls))('refuses %s afterwards', async (_, call) => {
      const { store } = subject.open()
      await store.read(newId())
      await store.close()
      await expect(call(store)).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    })

    test('lets calls under way finish', async () => {
      const stub = await StubEndpoint.inFrontOf(subject.engine.endpoint)
      try {
        const { store } = subject.open({ endpoint: stub.url })
        const id = newId()
        await store.write(id, { here: true })
        const reads = Array.from({ length: 5 }, () => store.read(id))
        await nextRequest(stub)
        await store.close()
        const records = await Promise.all(reads)
        expect(records.map(record => record?.data)).toEqual(Array.from({ length: 5 }, () => ({ here: true })))
      } finally {
        await stub.close()
      }
    })

    test.skipIf(subject.layout.options.transport !== undefined)('closes the connections', async () => {
      const stub = await StubEndpoint.inFrontOf(subject.engine.endpoint)
      try {
        const { store } = subject.open({ endpoint: stub.url })
        await Promise.all(Array.from({ length: 5 }, () => store.write(newId(), {})))
        await store.close()
        await expect.poll(() => stub.openConnections()).toBe(0)
      } finally {
        await stub.close()
      }
    })

    test('may be called twice, at once or before the first call', async () => {
      const { store } = subject.open()
      expect(await Promise.all([store.close(), store.close()])).toEqual([undefined, undefined])
      expect(await store.close()).toBeUndefined()
    })

    test('is what `await using` calls', async () => {
      const { store } = subject.open()
      await store.write(newId(), {})
      expect(await store[Symbol.asyncDispose]()).toBeUndefined()
      await expect(store.read(newId())).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    })
  })
}

async function nextRequest(stub: StubEndpoint): Promise<void> {
  const before = stub.requests.length
  await expect.poll(() => stub.requests.length, { interval: 1 }).toBeGreaterThan(before)
}
