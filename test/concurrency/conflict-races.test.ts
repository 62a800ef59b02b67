import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { SessionConflictError } from '../../src/errors.ts'
import type { SessionRecord } from '../../src/items/session-record.ts'
import type { SessionStoreOptions } from '../../src/options/store-options.ts'
import { engines } from '../support/engines.ts'
import { rejectionOf } from '../support/failure.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { StubEndpoint } from '../support/stub-endpoint.ts'
import { sendToEngine } from '../support/send-to-engine.ts'
import { newId } from '../support/session-ids.ts'
import { type Content, concurrencySubject } from './concurrency-subject.ts'

describe.each(engines)('$name, somebody else between the attempts of a write', engine => {
  const subject = concurrencySubject(engine)

  test('who destroys the session after a conflict wins (G3)', async () => {
    const { id, record, write, updates } = await openSession(async attempt => {
      if (attempt === 1) await change(id, { theirs: 1 })
      if (attempt === 2) await subject.store().destroy(id)
    })
    expect(await write({ user: 'ada', ours: 1 }, record)).toBeUndefined()
    expect(updates()).toHaveLength(2)
    expect(await subject.table.item(id)).toBeUndefined()
  })

  test('who destroys it and signs in anew is not merged with (G3)', async () => {
    const clock = new ManualClock()
    const { id, record, write } = await openSession(
      async attempt => {
        if (attempt === 1) await change(id, { theirs: 1 }, { clock })
        if (attempt === 2) {
          const other = subject.store({ clock })
          await other.destroy(id)
          clock.advance(1000)
          await other.write(id, { user: 'eve' })
        }
      },
      { clock },
    )
    expect(await write({ user: 'ada', ours: 1 }, record)).toBeUndefined()
    expect((await subject.store({ clock }).read(id))?.data).toEqual({ user: 'eve' })
  })

  test('who lets it expire wins, too', async () => {
    const clock = new ManualClock()
    const { id, record, write } = await openSession(
      async attempt => {
        if (attempt > 1) return
        await change(id, { theirs: 1 }, { clock })
        clock.advance(2 * 86_400_000)
      },
      { clock },
    )
    expect(await write({ user: 'ada', ours: 1 }, record)).toBeUndefined()
    expect(await subject.store({ clock }).read(id)).toBeUndefined()
  })

  test('who writes again and again is merged with each time', async () => {
    const { id, record, write, updates } = await openSession(async attempt => {
      if (attempt <= 5) await change(id, { [`theirs${attempt}`]: attempt })
    })
    const saved = await write({ user: 'ada', ours: 1 }, record)
    const everything = { user: 'ada', ours: 1, theirs1: 1, theirs2: 2, theirs3: 3, theirs4: 4, theirs5: 5 }
    expect(saved?.data).toEqual(everything)
    expect((await subject.store().read(id))?.data).toEqual(everything)
    expect(updates()).toHaveLength(6)
  })

  test('who never stops is given way to, with an error that counts the attempts, and nothing is written', async () => {
    // The pauses between the attempts are random parts of what they could be: here, none.
    const random = vi.spyOn(Math, 'random').mockReturnValue(0)
    onTestFinished(() => random.mockRestore())
    const { id, record, write, updates } = await openSession(attempt => change(id, { theirs: attempt }))
    const failure = await rejectionOf(write({ user: 'ada', ours: 1 }, record))
    expect(failure).toBeInstanceOf(SessionConflictError)
    expect(failure).toMatchObject({ attempts: updates().length })
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', theirs: updates().length })
  })

  test('calls a resolver for each conflict, and keeps the session as it is when that fails', async () => {
    const seen: (readonly string[])[] = []
    const failing = new Error('the application cannot decide')
    const { id, record, write } = await openSession(
      async attempt => {
        if (attempt <= 2) await change(id, { shared: `theirs ${attempt}` })
      },
      {
        onConflict: async ({ ours, theirs, merged, conflictingKeys }) => {
          seen.push(conflictingKeys)
          if (theirs['shared'] === 'theirs 2') throw failing
          return { ...merged, shared: `${String(theirs['shared'])} and ${String(ours['shared'])}` }
        },
      },
    )
    await expect(write({ user: 'ada', shared: 'ours' }, record)).rejects.toBe(failing)
    expect(seen).toEqual([['shared'], ['shared']])
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', shared: 'theirs 2' })
  })

  test('is not looked at by a save that changes nothing: it touches, and sends no data', async () => {
    const { id, record, write, updates } = await openSession(() => change(id, { theirs: 1 }), {
      touchAfterSeconds: 0,
    })
    const saved = await write({ user: 'ada' }, record)
    expect(saved).toBeDefined()
    expect(updates()).toHaveLength(1)
    expect(JSON.stringify(updates())).not.toContain('"data"')
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', theirs: 1 })
  })

  test('is kept by a second save of what the first one has not shown, but for what that removes', async () => {
    const { id, record, write } = await openSession(async attempt => {
      if (attempt === 1) await change(id, { theirs: 1, kept: 1 })
      if (attempt === 3) await change(id, { later: 1 })
    })
    const mine: Content = { user: 'ada', ours: 1, passing: 1 }
    const saved = await write(mine, record)
    delete mine['passing']
    mine['ours'] = 2
    const again = await write(mine, saved?.asWritten())
    expect(again?.data).toEqual({ user: 'ada', ours: 2, theirs: 1, kept: 1, later: 1 })
    expect((await subject.store().read(id))?.data).toEqual(again?.data)
  })

  test('does not make a session out of many unchanged saves that expires in use', async () => {
    const clock = new ManualClock()
    const { id, record, write } = await openSession(async () => Promise.resolve(), {
      clock,
      ttlSeconds: 3600,
    })
    let current: SessionRecord<Content> | undefined = record
    for (let minute = 0; minute < 240; minute++) {
      clock.advance(60_000)
      current = await write({ user: 'ada' }, current)
    }
    expect((await subject.store({ clock }).read(id))?.data).toEqual({ user: 'ada' })
  })

  async function change(
    id: string,
    keys: Content,
    options: SessionStoreOptions<Content> = {},
  ): Promise<void> {
    const store = subject.store(options)
    const theirs = await store.read(id)
    await store.write(id, { ...theirs?.data, ...keys }, { basis: theirs })
  }

  /** A session, and a store before whose n-th UpdateItem something happens. */
  async function openSession(
    before: (attempt: number) => Promise<void>,
    options: SessionStoreOptions<Content> = {},
  ) {
    const stub = await StubEndpoint.start(async ({ operation, input }) => {
      if (operation === 'UpdateItem') await before(updates().length)
      return sendToEngine(engine.endpoint, operation, input)
    })
    onTestFinished(() => stub.close())
    const updates = () => stub.requests.filter(({ operation }) => operation === 'UpdateItem')
    const id = newId()
    const store = subject.store({ ...options, endpoint: stub.url, transport: undefined })
    const record = await store.write(id, { user: 'ada' })
    const write = (data: Content, basis: SessionRecord<Content> | undefined) =>
      store.write(id, data, { basis })
    return { id, record, write, updates }
  }
})
