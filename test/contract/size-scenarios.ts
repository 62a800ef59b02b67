import { describe, expect, test } from 'vitest'

import { SessionTooLargeError } from '../../src/errors.ts'
import type { SessionStoreOptions } from '../../src/options/store-options.ts'
import type { SessionStore } from '../../src/store/session-store.ts'
import { rejectionOf } from '../support/failure.ts'
import { StubEndpoint } from '../support/stub-endpoint.ts'
import { newId } from '../support/session-ids.ts'
import { type ContractSubject } from './contract-subject.ts'

const LIMIT_BYTES = 400 * 1024

/** Sessions up to the size that an item can have, and beyond. */
export function describeSizes(subject: ContractSubject): void {
  // So that an item is as large as its session.
  const asItIs: SessionStoreOptions =
    (subject.layout.options.layout ?? 'native') === 'native' ? { compression: false } : {}

  describe('size', () => {
    test('a session as large as an item can be is stored and read', async () => {
      const { store } = subject.open(asItIs)
      const id = newId()
      const text = 'x'.repeat(LIMIT_BYTES - (await overheadBytes(store, id)))
      await store.write(id, { text })
      expect((await store.read(id))?.data['text']).toHaveLength(text.length)
    })

    test('a session of one byte more is refused with both sizes, and nothing is sent', async () => {
      const stub = await StubEndpoint.inFrontOf(subject.engine.endpoint)
      try {
        const { store } = subject.open({ ...asItIs, endpoint: stub.url })
        const id = newId()
        const text = 'x'.repeat(LIMIT_BYTES - (await overheadBytes(store, id)) + 1)
        const basis = await store.write(id, { small: true })
        stub.forget()
        for (const options of [{}, { basis }]) {
          const error = await rejectionOf(store.write(id, { text }, options))
          expect(error).toBeInstanceOf(SessionTooLargeError)
          expect(error).toMatchObject({
            code: 'SESSION_TOO_LARGE',
            sizeBytes: LIMIT_BYTES + 1,
            limitBytes: LIMIT_BYTES,
          })
          expect(String(error)).toContain(String(LIMIT_BYTES + 1))
          expect(String(error)).toContain(String(LIMIT_BYTES))
        }
        expect(stub.operations).toEqual([])
        expect((await store.read(id))?.revision).toBe(basis.revision)
      } finally {
        await stub.close()
      }
    })

    test('a large session of characters of several bytes is stored and read', async () => {
      const { store } = subject.open()
      const id = newId()
      const text = '漢'.repeat(100_000)
      await store.write(id, { text })
      expect((await store.read(id))?.data).toEqual({ text })
    })
  })
}

/** How large the item of `{ text: '' }` is, which the store tells when it refuses a session. */
async function overheadBytes(store: SessionStore, id: string): Promise<number> {
  const text = 'x'.repeat(LIMIT_BYTES)
  const error = await rejectionOf(store.write(id, { text }))
  if (error instanceof SessionTooLargeError) return error.sizeBytes - text.length
  throw new Error('a session of more than 400 KB was not refused')
}
