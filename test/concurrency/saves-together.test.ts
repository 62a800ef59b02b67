import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { SessionTooLargeError } from '../../src/errors.ts'
import type { SessionRecord } from '../../src/items/session-record.ts'
import type { SessionStoreOptions } from '../../src/options/store-options.ts'
import type { SessionStore } from '../../src/store/session-store.ts'
import { engine } from '../support/engines.ts'
import { rejectionOf } from '../support/failure.ts'
import { incompressibleText } from '../support/incompressible-text.ts'
import { newId } from '../support/session-ids.ts'
import { type Content, concurrencySubject } from './concurrency-subject.ts'
import { Gate } from './gate.ts'

/** As many as a store tries at once. */
const WRITERS = 8

describe('saves of one session that wait in one store', () => {
  const subject = concurrencySubject(engine)

  test('are written by one request, and each has the session with all changes as data of its own', async () => {
    const { id, gate, saves, sent } = await openStorm()
    await gate.open()
    const records = await Promise.all(saves)
    // The first attempts, the second one of the save that was refused first, and one for all others.
    expect(sent()).toBe(WRITERS + 2)
    const everything = { user: 'ada', ...changes(WRITERS) }
    expect((await subject.store().read(id))?.data).toEqual(everything)
    for (const record of records.slice(2)) expect(record?.data).toEqual(everything)
    expect(new Set(records.map(record => record?.data)).size).toBe(WRITERS)
  })

  test('are saved again without a conflict, and what the next save removes is removed', async () => {
    const { id, gate, store, saves, sent } = await openStorm()
    await gate.open()
    const records = await Promise.all(saves)
    const before = sent()
    await store.write(id, { user: 'ada', again: true }, { basis: records.at(-1) })
    expect(sent()).toBe(before + 1)
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', again: true })
  })

  test('keep what others added when a caller goes on with what it wrote', async () => {
    const { id, gate, store, saves } = await openStorm()
    await gate.open()
    const record = await saves[3]
    await store.write(id, { user: 'ada', key3: 3, again: true }, { basis: record?.asWritten() })
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', ...changes(WRITERS), again: true })
  })

  test('are merged again together when another store has written the session meanwhile', async () => {
    const { id, gate, saves, sent } = await openStorm()
    await change(id, { theirs: 1 })
    await gate.open()
    await Promise.all(saves)
    // Refused, read after a pause, and written.
    expect(sent()).toBe(WRITERS + 4)
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', ...changes(WRITERS), theirs: 1 })
  })

  test('are all stored when the session has grown, so that fewer of them can be written at once', async () => {
    const { id, gate, saves } = await openStorm()
    const large = incompressibleText(380_000)
    await change(id, { theirs: large })
    await gate.open()
    await Promise.all(saves)
    expect((await subject.store().read(id))?.data).toEqual({
      user: 'ada',
      ...changes(WRITERS),
      theirs: large,
    })
  })

  test('do not bring a session back that was destroyed meanwhile (G3)', async () => {
    const { id, gate, saves } = await openStorm()
    await subject.store().destroy(id)
    await gate.open()
    expect((await Promise.all(saves)).slice(2)).toEqual(Array.from({ length: WRITERS - 2 }, () => undefined))
    expect(await subject.table.item(id)).toBeUndefined()
  })

  test('do not change the session that has taken the ID since (G3)', async () => {
    const { id, gate, saves } = await openStorm()
    await subject.store().destroy(id)
    await subject.store().write(id, { user: 'eve' })
    await gate.open()
    expect((await Promise.all(saves)).slice(2)).toEqual(Array.from({ length: WRITERS - 2 }, () => undefined))
    expect((await subject.store().read(id))?.data).toEqual({ user: 'eve' })
  })

  test('are stored although one of them is too large, which alone fails', async () => {
    const large = incompressibleText(380_000)
    const { id, gate, saves } = await openStorm({
      keys: index => (index === 3 || index === 5 ? { [`key${index}`]: large } : changeOf(index)),
    })
    await gate.open()
    const results = await Promise.allSettled(saves)
    const failed = results.flatMap((result, index) => (result.status === 'rejected' ? [index] : []))
    // The one that comes first has the place.
    expect(failed).toEqual([5])
    expect(await rejectionOf(saves[5])).toBeInstanceOf(SessionTooLargeError)
    const { key5: _, ...others } = changes(WRITERS)
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', ...others, key3: large })
  })

  test('do without one whose caller has given up waiting', async () => {
    const abort = new AbortController()
    const { id, gate, saves } = await openStorm({ signals: { 4: abort.signal }, isRetryHeld: true })
    abort.abort(new Error('the caller is gone'))
    await expect(saves[4]).rejects.toThrow('the caller is gone')
    await gate.open()
    await Promise.allSettled(saves)
    const { key4: _, ...others } = changes(WRITERS)
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', ...others })
  })

  test('are not sent when their time is over, and say that they may be stored by the one that hangs', async () => {
    const { id, gate, saves, sent } = await openStorm({ deadlineMs: 5000 })
    const before = sent()
    const outcomes = await Promise.allSettled(saves)
    for (const outcome of outcomes.slice(3)) {
      expect(outcome).toMatchObject({
        reason: {
          code: 'DEADLINE_EXCEEDED',
          message:
            'the save did not succeed within 5000 ms: it waited behind other saves of the session; ' +
            'one of those may have stored it along with its own',
        },
      })
    }
    expect(sent()).toBe(before)
    await gate.open()
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', ...changes(WRITERS) })
  })

  test.each(['lose', 'drop'] as const)(
    'are stored when the one that writes them is given up on the way (%s)',
    async fate => {
      const abort = new AbortController()
      const { id, gate, saves } = await openStorm({ signals: { 2: abort.signal } })
      abort.abort(new Error('the caller is gone'))
      await gate.pass(0, fate)
      await expect(saves[2]).rejects.toThrow('the caller is gone')
      if (fate === 'drop') await change(id, { key5: 'theirs, later' })
      await gate.open()
      await Promise.allSettled(saves)
      const { data } = (await subject.store().read(id)) ?? {}
      const { key2: _, ...others } = changes(WRITERS)
      expect(data).toMatchObject(fate === 'drop' ? { ...others, key5: 'theirs, later' } : others)
    },
  )

  test('each have the last word where that is how a store resolves conflicts', async () => {
    const { id, gate, saves } = await openStorm({ onConflict: 'overwrite' })
    await gate.open()
    const records = await Promise.all(saves)
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', ...changeOf(WRITERS - 1) })
    // Each has what it wrote, not what others put in its place.
    for (const [index, record] of records.entries()) {
      expect(record?.data).toEqual({ user: 'ada', ...changeOf(index) })
    }
  })

  test('wait for their own turn where the application resolves conflicts', async () => {
    const onConflict = vi.fn<(conflict: { readonly merged: Content }) => Content>(({ merged }) => merged)
    const { id, gate, saves, sent } = await openStorm({ onConflict })
    await gate.open()
    await Promise.all(saves)
    expect(onConflict).toHaveBeenCalledTimes(WRITERS - 1)
    expect(sent()).toBe(2 * WRITERS - 1)
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', ...changes(WRITERS) })
  })

  test('leave one out that depends on a lock', async () => {
    const { id, gate, saves, sent } = await openStorm({ locks: 6 })
    await gate.open()
    await Promise.all(saves)
    // The one with the lock has a write of its own.
    expect(sent()).toBe(WRITERS + 3)
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', ...changes(WRITERS) })
    expect((await subject.table.item(id))?.['lockOwner']).toBeUndefined()
  })

  test('wait before their first attempt when there are many', async () => {
    const { id, gate, saves, sent } = await openStorm({ writers: 30, isFirstHeld: true })
    expect(sent()).toBe(WRITERS + 1)
    await gate.open()
    await Promise.all(saves)
    // One of those stores the session; the first of those that wait is refused, reads it, and writes it for all.
    expect(sent()).toBeLessThanOrEqual(WRITERS + 5)
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', ...changes(30) })
  })

  interface Storm {
    /** @default WRITERS: as many as are tried at once */
    readonly writers?: number
    /** Whether the first attempts are still to be passed. */
    readonly isFirstHeld?: boolean
    readonly onConflict?: SessionStoreOptions<Content>['onConflict']
    readonly deadlineMs?: number
    readonly keys?: (index: number) => Content
    readonly signals?: Readonly<Record<number, AbortSignal>>
    /** The writer that has locked the session. */
    readonly locks?: number
    /** Whether the second attempt of the save that was refused first is still to be passed. */
    readonly isRetryHeld?: boolean
  }

  /**
   * Writers of one session in one store: the first has stored it, the second as well at its second attempt, and the others wait
   * for the request at the gate that the third has sent for all.
   */
  async function openStorm(storm: Storm = {}) {
    const { writers = WRITERS, onConflict, deadlineMs, keys = changeOf, signals = {}, locks } = storm
    const gate = new Gate()
    onTestFinished(() => gate.end())
    const transport = gate.transport(() => undefined)
    let requests = 0
    const store: SessionStore<Content> = subject.store({
      ...(onConflict !== undefined && { onConflict }),
      ...(deadlineMs !== undefined && {
        deadlineMs,
        attemptTimeoutMs: deadlineMs,
        connectTimeoutMs: deadlineMs,
      }),
      transport: {
        request: request => {
          requests++
          return transport.request(request)
        },
        close: () => transport.close(),
      },
    })
    const id = newId()
    const read = await store.write(id, { user: 'ada' })
    const lock = locks === undefined ? undefined : await store.lock(id, { renew: false })
    const basisOf = (index: number): SessionRecord<Content> =>
      index === locks && lock !== undefined ? lock.record : read
    requests = 0
    gate.close()
    const saves = Array.from({ length: writers }, async (_, index) => {
      const options = { basis: basisOf(index), signal: signals[index] }
      return store.write(id, { user: 'ada', ...keys(index) }, options)
    })
    for (const save of saves) save.catch(() => undefined)
    const sent = (): number => requests
    if (storm.isFirstHeld === true) {
      await atGate(gate, WRITERS + 1)
      return { id, gate, store, saves, sent }
    }
    await atGate(gate, WRITERS)
    for (let index = 0; index < WRITERS; index++) await gate.pass(0, 'answer')
    await atGate(gate, 1)
    if (storm.isRetryHeld !== true) {
      await gate.pass(0, 'answer')
      await atGate(gate, 1)
    }
    return { id, gate, store, saves, sent }
  }

  async function change(id: string, keys: Content): Promise<void> {
    const store = subject.store()
    const theirs = await store.read(id)
    await store.write(id, { ...theirs?.data, ...keys }, { basis: theirs })
  }
})

function changeOf(index: number): Content {
  return { [`key${index}`]: index }
}

function changes(writers: number): Content {
  return Object.assign({}, ...Array.from({ length: writers }, (_, index) => changeOf(index))) as Content
}

async function atGate(gate: Gate, requests: number): Promise<void> {
  await expect.poll(() => gate.waiting).toHaveLength(requests)
}
