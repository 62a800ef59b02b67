import { describe, expect, test } from 'vitest'

import type { SessionData } from '../../src/types.ts'
import { numberText } from '../support/session-table.ts'
import { newId, newPrefix } from '../support/session-ids.ts'
import { toArray } from '../support/to-array.ts'
import { type ContractSubject } from './contract-subject.ts'

const DAY_MS = 86_400_000
/** Layouts that have nothing but seconds take larger numbers for milliseconds. */
const latestSeconds = 1e11

/** When a session expires, to the millisecond, and what is stored of that (G5). */
export function describeExpiry(subject: ContractSubject): void {
  const { exactExpiry, ttlInSeconds } = subject.layout.traits
  const unitMs = ttlInSeconds ? 1000 : 1
  const storedExpiry = async (key: string): Promise<string | undefined> =>
    numberText(await subject.table.item(key), subject.layout.ttlAttribute)

  describe('expiry', () => {
    test('a session is there one millisecond before it expires and absent from then on', async () => {
      const { store, clock } = subject.open({ prefix: newPrefix(), ttlSeconds: 60 })
      const id = newId()
      const { expiresMs } = await store.write(id, { user: 'ada' })
      expect(expiresMs).toBe(clock.nowMs + 60_000)

      clock.nowMs = expiresMs - 1
      expect((await store.read(id))?.expiresMs).toBe(expiresMs)
      expect(await toArray(store.keys())).toHaveLength(1)
      expect(await toArray(store.records())).toHaveLength(1)
      expect(await store.count()).toBe(1)

      clock.nowMs = expiresMs
      expect(await store.read(id)).toBeUndefined()
      expect(await toArray(store.keys())).toEqual([])
      expect(await toArray(store.records())).toEqual([])
      expect(await store.count()).toBe(0)
    })

    test('one millisecond before it expires a session can be touched and saved', async () => {
      const { store, clock } = subject.open({ ttlSeconds: 60 })
      const id = newId()
      const record = await store.write(id, { visits: 1 })
      clock.nowMs = record.expiresMs - 1
      expect(await store.touch(id, { expiresMs: record.expiresMs })).toBe(true)
      expect(await store.touch(record, { expiresMs: record.expiresMs })).toBe(true)
      expect(await store.write(id, { visits: 2 }, { basis: record })).toBeDefined()
      expect((await store.read(id))?.data).toEqual({ visits: 2 })
    })

    test('from the millisecond in which it expires a session can neither be touched nor saved', async () => {
      const { store, clock } = subject.open({ ttlSeconds: 60 })
      const id = newId()
      const record = await store.write(id, { visits: 1 })
      const before = await subject.table.item(record.key)
      clock.nowMs = record.expiresMs
      expect(await store.touch(id)).toBe(false)
      expect(await store.touch(record)).toBe(false)
      expect(await store.write(id, { visits: 2 }, { basis: record })).toBeUndefined()
      expect(await subject.table.item(record.key)).toEqual(before)
    })

    test('reading does not extend a session', async () => {
      const { store, clock } = subject.open({ ttlSeconds: 60 })
      const id = newId()
      const { expiresMs } = await store.write(id, {})
      clock.advance(30_000)
      await store.read(id)
      expect((await store.read(id))?.expiresMs).toBe(expiresMs)
    })

    test('an expired session can be created anew', async () => {
      const { store, clock } = subject.open({ ttlSeconds: 60 })
      const id = newId()
      const first = await store.write(id, { old: true })
      clock.nowMs = first.expiresMs
      const second = await store.write(id, { new: true })
      expect((await store.read(id))?.data).toEqual({ new: true })
      expect(second.createdMs ?? 1).toBeGreaterThan(first.createdMs ?? 0)
    })

    test.runIf(ttlInSeconds).each([0.0004, 0.5, 1, 59.999, 60, 1e9, 1e30])(
      'with ttlSeconds %d the TTL attribute is an integer that is not early',
      async ttlSeconds => {
        const { store } = subject.open({ ttlSeconds })
        const { key, expiresMs } = await store.write(newId(), {})
        const seconds = Math.ceil(expiresMs / 1000)
        const stored = await storedExpiry(key)
        expect([seconds, Math.min(seconds, latestSeconds)].map(String)).toContain(stored)
        expect(stored).toMatch(/^\d+$/)
      },
    )

    test.runIf(ttlInSeconds)('a touch stores an integer as well', async () => {
      const { store } = subject.open()
      const id = newId()
      const { key } = await store.write(id, {})
      await store.touch(id, { ttlSeconds: 1.2345 })
      const read = await store.read(id)
      expect(await storedExpiry(key)).toBe(String(Math.ceil((read?.expiresMs ?? 0) / 1000)))
    })
  })

  describe('lifetime', () => {
    test('is a day by default', async () => {
      const { store, clock } = subject.open()
      expect((await store.write(newId(), {})).expiresMs).toBe(clock.nowMs + DAY_MS)
    })

    test.runIf(exactExpiry)('can be fractions of a second', async () => {
      const { store, clock } = subject.open({ ttlSeconds: 0.25 })
      expect((await store.write(newId(), {})).expiresMs).toBe(clock.nowMs + 250)
    })

    test('can depend on the data, at a write and at a touch by ID or by record', async () => {
      const { store, clock } = subject.open({ ttlSeconds: longerForMembers })
      const [guest, member] = [newId(), newId()]
      expect((await store.write(guest, {})).expiresMs).toBe(clock.nowMs + 60_000)
      const record = await store.write(member, { member: true })
      expect(record.expiresMs).toBe(clock.nowMs + 3_600_000)

      clock.advance(1000)
      expect(await store.touch(guest)).toBe(true)
      expect(await store.touch(member)).toBe(true)
      expect((await store.read(guest))?.expiresMs).toBe(clock.nowMs + 60_000)
      expect((await store.read(member))?.expiresMs).toBe(clock.nowMs + 3_600_000)

      clock.advance(1000)
      expect(await store.touch(record)).toBe(true)
      expect((await store.read(member))?.expiresMs).toBe(clock.nowMs + 3_600_000)
    })

    test('that depends on the data creates and revives nothing', async () => {
      const { store, clock } = subject.open({ ttlSeconds: longerForMembers })
      const id = newId()
      expect(await store.touch(id)).toBe(false)
      const { key, expiresMs } = await store.write(id, {})
      clock.nowMs = expiresMs
      expect(await store.touch(id)).toBe(false)
      expect(await storedExpiry(key)).toBe(String(Math.ceil(expiresMs / unitMs)))
    })

    test.each([undefined, Number.NaN, 0, -5, Number.POSITIVE_INFINITY])(
      'is a day when the function returns %s',
      async seconds => {
        const { store, clock } = subject.open({ ttlSeconds: () => seconds })
        const id = newId()
        expect((await store.write(id, {})).expiresMs).toBe(clock.nowMs + DAY_MS)
        clock.advance(1000)
        await store.touch(id)
        expect((await store.read(id))?.expiresMs).toBe(clock.nowMs + DAY_MS)
      },
    )

    test('of one write or touch takes precedence over that of the store', async () => {
      const { store, clock } = subject.open({ ttlSeconds: longerForMembers })
      const id = newId()
      expect((await store.write(id, {}, { ttlSeconds: 10 })).expiresMs).toBe(clock.nowMs + 10_000)
      await store.touch(id, { ttlSeconds: 20 })
      expect((await store.read(id))?.expiresMs).toBe(clock.nowMs + 20_000)
    })

    test('can be an exact moment, which takes precedence', async () => {
      const { store, clock } = subject.open()
      const id = newId()
      const expiresMs = clock.nowMs + 12_345 * subject.expiryStepMs
      expect((await store.write(id, {}, { expiresMs, ttlSeconds: 1 })).expiresMs).toBe(expiresMs)
      await store.touch(id, { expiresMs: expiresMs + subject.expiryStepMs, ttlSeconds: 1 })
      expect((await store.read(id))?.expiresMs).toBe(expiresMs + subject.expiryStepMs)
    })

    test('that is over already ends a session at once, and is not dated back', async () => {
      const { store, clock } = subject.open()
      const [written, touched] = [newId(), newId()]
      const record = await store.write(written, {}, { expiresMs: 0 })
      expect(record.expiresMs).toBe(clock.nowMs)
      expect(await store.read(written)).toBeUndefined()
      expect(Number(await storedExpiry(record.key))).toBeGreaterThanOrEqual(clock.nowMs / unitMs)

      const { key } = await store.write(touched, {})
      expect(await store.touch(touched, { expiresMs: clock.nowMs - 5 })).toBe(true)
      expect(await store.read(touched)).toBeUndefined()
      expect(Number(await storedExpiry(key))).toBeGreaterThanOrEqual(clock.nowMs / unitMs)
    })

    test.each([
      { ttlSeconds: 0 },
      { ttlSeconds: -1 },
      { ttlSeconds: Number.NaN },
      { ttlSeconds: Number.POSITIVE_INFINITY },
      { expiresMs: Number.NaN },
      { expiresMs: Number.POSITIVE_INFINITY },
    ])('cannot be %j', async expiry => {
      const { store } = subject.open()
      const id = newId()
      const record = await store.write(id, {})
      const mistake = { name: 'TypeError', code: 'INVALID_OPTION' }
      await expect(store.write(id, { changed: true }, expiry)).rejects.toMatchObject(mistake)
      await expect(store.touch(id, expiry)).rejects.toMatchObject(mistake)
      const read = await store.read(id)
      expect(read?.revision).toBe(record.revision)
      expect(read?.expiresMs).toBe(record.expiresMs)
    })
  })
}

function longerForMembers(data: SessionData): number {
  return data['member'] === true ? 3600 : 60
}
