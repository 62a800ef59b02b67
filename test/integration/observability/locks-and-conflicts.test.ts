import { randomUUID } from 'node:crypto'

import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'

import { SessionStore } from '../../../src/store/session-store.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { engine } from '../../support/engines.ts'
import { rejectionOf } from '../../support/failure.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { SessionTable } from '../../support/session-table.ts'
import { subscribeForTest, TraceRecorder } from './trace-recorder.ts'

const aDuration = expect.any(Number) as number
const failed = ['start', 'end', 'error', 'asyncStart', 'asyncEnd']

describe('on an engine', () => {
  let table: SessionTable
  beforeAll(async () => {
    table = await SessionTable.create(engine)
  })

  function open(options: SessionStoreOptions = {}): SessionStore {
    const store = new SessionStore({
      ...table.options,
      ...options,
    })
    onTestFinished(() => store.close())
    return store
  }

  /** Two requests read a session and save it; the second save meets the first one. */
  async function collide(
    onConflict: NonNullable<SessionStoreOptions['onConflict']>,
  ): Promise<{ recorder: TraceRecorder; error: unknown }> {
    const store = open({ onConflict })
    const id = randomUUID()
    await store.write(id, { cart: 0, theme: 'dark', note: 'same' })
    const [first, second] = await Promise.all([store.read(id), store.read(id)])
    await store.write(id, { cart: 1, theme: 'light', note: 'same' }, { basis: first })
    const recorder = new TraceRecorder('conflict')
    const late = store.write(id, { cart: 2, theme: 'light', note: 'other' }, { basis: second })
    return { recorder, error: await late.then(() => undefined).catch((error: unknown) => error) }
  }

  describe('the channel "lock"', () => {
    test('tells of a lock that was to be had, and of one on nothing', async () => {
      const store = open()
      const id = randomUUID()
      await store.write(id, {})
      const recorder = new TraceRecorder('lock')
      const lock = await store.lock(id)
      expect(recorder.order).toEqual(['lock start', 'lock end', 'lock asyncStart', 'lock asyncEnd'])
      expect(recorder.published[0]?.held).toEqual({ table: table.name, attempts: 0 })
      await lock?.release()
      await store.lock(randomUUID())
      expect(recorder.ended('lock')).toEqual([
        { table: table.name, attempts: 1, outcome: 'acquired', durationMs: aDuration },
        { table: table.name, attempts: 1, outcome: 'absent', durationMs: aDuration },
      ])
    })

    test('tells of waiting in vain', async () => {
      const [store, other] = [open(), open()]
      const id = randomUUID()
      await store.write(id, {})
      const lock = await store.lock(id, { leaseSeconds: 30 })
      const recorder = new TraceRecorder('lock')
      await rejectionOf(other.lock(id, { maxWaitMs: 60, minRetryMs: 10 }))
      await lock?.release()
      const [refused] = recorder.ended('lock')
      expect(recorder.published.map(({ event }) => event)).toEqual(failed)
      expect(refused).toMatchObject({ outcome: 'refused', error: { code: 'SESSION_LOCKED' } })
      expect(Number(refused?.['attempts'])).toBeGreaterThan(0)
    })

    test('tells of waiting with success', async () => {
      const [store, other] = [open(), open()]
      const id = randomUUID()
      await store.write(id, {})
      // A process that does not know the server's time yet asks twice in its first attempt.
      await other.read(id)
      const lock = await store.lock(id, { leaseSeconds: 30 })
      const recorder = new TraceRecorder('lock')
      const wasRefused = new Promise<void>(resolve => {
        subscribeForTest('operation', 'error', () => resolve())
      })
      const waiting = other.lock(id, { maxWaitMs: 15_000, minRetryMs: 10, maxRetryMs: 20 })
      await wasRefused
      await lock?.release()
      await (await waiting)?.release()
      const [acquired] = recorder.ended('lock')
      expect(acquired).toMatchObject({ outcome: 'acquired' })
      expect(acquired).not.toHaveProperty('error')
      expect(Number(acquired?.['attempts'])).toBeGreaterThan(1)
    })

    test('tells of those who wait in this process, who ask no more than the one whose turn it is', async () => {
      const store = open()
      const id = randomUUID()
      await store.write(id, {})
      const lock = await store.lock(id)
      const recorder = new TraceRecorder('lock')
      await rejectionOf(store.lock(id, { maxWaitMs: 30 }))
      expect(recorder.ended('lock')).toMatchObject([{ outcome: 'refused', attempts: 0 }])
      await lock?.release()
    })

    test('tells of a request that gives up waiting', async () => {
      const [store, other] = [open(), open()]
      const id = randomUUID()
      await store.write(id, {})
      const lock = await store.lock(id, { leaseSeconds: 30 })
      const recorder = new TraceRecorder('lock')
      await rejectionOf(other.lock(id, { maxWaitMs: 15_000, signal: AbortSignal.timeout(30) }))
      expect(recorder.ended('lock')).toMatchObject([{ outcome: 'failed', error: { name: 'TimeoutError' } }])
      await lock?.release()
    })

    test('tells of a lock that was lost when its holder writes', async () => {
      const clock = new ManualClock()
      const [store, other] = [open({ clock }), open({ clock })]
      const id = randomUUID()
      await store.write(id, { visits: 1 }, { ttlSeconds: 600 })
      const lock = await store.lock(id, { leaseSeconds: 10, renew: false })
      clock.advance(11_000)
      const second = await other.lock(id)
      const recorder = new TraceRecorder('lock')
      const write = store.write(id, { visits: 2 }, { basis: lock?.record })
      expect(await rejectionOf(write)).toMatchObject({ code: 'LOCK_LOST' })
      expect(recorder.published.map(({ event }) => event)).toEqual(failed)
      expect(recorder.ended('lock')).toMatchObject([
        { table: table.name, attempts: 0, outcome: 'lost', durationMs: 0, error: { name: 'LockLostError' } },
      ])
      await second?.release()
    })
  })

  describe('the channel "conflict"', () => {
    test('tells of versions that were merged', async () => {
      const { recorder, error } = await collide('merge')
      expect(error).toBeUndefined()
      expect(recorder.published[0]?.held).toEqual({ table: table.name, attempt: 1, policy: 'merge' })
      expect(recorder.order).toEqual([
        'conflict start',
        'conflict end',
        'conflict asyncStart',
        'conflict asyncEnd',
      ])
      expect(recorder.ended('conflict')).toEqual([
        {
          table: table.name,
          attempt: 1,
          policy: 'merge',
          outcome: 'merged',
          conflictingKeys: 1,
          durationMs: aDuration,
        },
      ])
    })

    test('tells of a function that resolves them', async () => {
      const { recorder } = await collide(({ theirs }) => Promise.resolve(theirs))
      expect(recorder.ended('conflict')).toMatchObject([
        { attempt: 1, policy: 'resolver', outcome: 'resolved', conflictingKeys: 1 },
      ])
    })

    test('tells of a function that throws, and not what', async () => {
      const { recorder, error } = await collide(({ ours }) => {
        throw new Error(`cannot decide about ${JSON.stringify(ours)}`)
      })
      expect(error).toMatchObject({ message: expect.stringContaining('light') as string })
      expect(recorder.ended('conflict')).toMatchObject([
        {
          policy: 'resolver',
          outcome: 'failed',
          error: { name: 'Error', message: 'the message is withheld' },
        },
      ])
      expect(JSON.stringify(recorder.published)).not.toContain('light')
    })

    test('tells of a save that was rejected', async () => {
      const { recorder, error } = await collide('reject')
      expect(error).toMatchObject({ code: 'SESSION_CONFLICT' })
      expect(recorder.published.map(({ event }) => event)).toEqual(failed)
      expect(recorder.ended('conflict')).toMatchObject([
        { attempt: 1, policy: 'reject', outcome: 'rejected', error: { code: 'SESSION_CONFLICT' } },
      ])
      expect(recorder.ended('conflict')[0]).not.toHaveProperty('conflictingKeys')
    })

    test('tells every attempt of a save that others do not let through, and its end', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0)
      onTestFinished(() => {
        vi.restoreAllMocks()
      })
      const rival = open()
      const id = randomUUID()
      let visits = 0
      const overtake = async (): Promise<void> => {
        await rival.write(id, { visits: ++visits }, { basis: await rival.read(id) })
      }
      // Whoever resolves the conflict is overtaken once more before the result is written.
      const store = open({
        connectTimeoutMs: 15_000,
        attemptTimeoutMs: 15_000,
        deadlineMs: 15_000,
        onConflict: async ({ merged }) => {
          await overtake()
          return merged
        },
      })
      await rival.write(id, { visits })
      const stale = await store.read(id)
      await overtake()
      const recorder = new TraceRecorder('conflict')
      const error = await rejectionOf(store.write(id, { name: 'ada' }, { basis: stale }))
      expect(error).toMatchObject({ code: 'SESSION_CONFLICT', attempts: 20 })
      const ended = recorder.ended('conflict')
      const mine = ended.filter(({ policy }) => policy === 'resolver')
      expect(mine.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
      expect(mine.map(({ outcome }) => outcome)).toEqual([...Array<string>(19).fill('resolved'), 'gave-up'])
    })

    test('is quiet about a session that was destroyed meanwhile', async () => {
      const store = open()
      const id = randomUUID()
      const record = await store.write(id, { user: 'ada' })
      await store.destroy(id)
      const recorder = new TraceRecorder('conflict', 'operation')
      expect(await store.write(id, { user: 'bob' }, { basis: record })).toBeUndefined()
      expect(recorder.ended('conflict')).toEqual([])
      expect(recorder.ended('operation')[0]).toMatchObject({
        operation: 'UpdateItem',
        error: { awsCode: 'ConditionalCheckFailedException' },
      })
    })
  })
})
