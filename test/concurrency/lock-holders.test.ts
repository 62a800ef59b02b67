import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import type { AttributeValue } from '../../src/types.ts'
import { engine } from '../support/engines.ts'
import { numberText } from '../support/session-table.ts'
import { newId } from '../support/session-ids.ts'
import { bundleOf, SuspendableProcess } from '../support/suspendable-process.ts'
import { type ConcurrencySubject, concurrencySubject } from './concurrency-subject.ts'
import type { Question, Reply } from './locking-app.ts'
import type { LoggedRequest } from './logging-transport.ts'

/** The shortest there is. */
const LEASE_SECONDS = 1
const PATIENCE = { leaseSeconds: 60, maxWaitMs: 60_000, minRetryMs: 20, maxRetryMs: 100 }
const PROCESSES = 4
const INCREMENTS = 25

type LockingProcess = SuspendableProcess<Question, Reply>

let bundle: string

beforeAll(async () => {
  bundle = await bundleOf(new URL('locking-app.ts', import.meta.url))
})

/** Suspending is a matter of POSIX signals. */
describe.skipIf(process.platform === 'win32')('the holder of a lock', () => {
  const subject = concurrencySubject(engine)

  test('who was killed is waited for until the lease ends, and no longer (G10)', async () => {
    const { id, holder } = await lockInProcess(subject)
    await holder.kill()
    const killedAtMs = Date.now()
    const leaseEndsMs = await leaseEnd(subject, id)
    expect(leaseEndsMs - killedAtMs).toBeLessThanOrEqual(LEASE_SECONDS * 1000)
    const store = subject.store()
    subject.log.forget()
    const lock = await store.lock(id, PATIENCE)
    const asked = subject.log.requests.filter(({ operation }) => operation === 'UpdateItem')
    expect(lock?.record.data).toEqual({ n: 0 })
    // Whoever asks from that moment on gets it, and who asked before did not.
    expect(asked.at(-1)).toMatchObject({ statusCode: 200 })
    expect(askedAtMs(asked.at(-1))).toBeGreaterThanOrEqual(leaseEndsMs)
    for (const refused of asked.slice(0, -1)) {
      expect(refused).toMatchObject({ statusCode: 400 })
      expect(askedAtMs(refused)).toBeLessThan(leaseEndsMs)
    }
    await lock?.release()
  })

  test('who is suspended past the lease cannot write over what the next one wrote (G10)', async () => {
    const { id, holder } = await lockInProcess(subject)
    holder.suspend()
    const store = subject.store()
    const lock = await store.lock(id, PATIENCE)
    await store.write(id, { n: 1, winner: 'the other' }, { basis: lock?.record })
    // It asks as soon as it goes on, before it has noticed anything.
    const reply = holder.ask({ call: 'write', id, key: 'late' })
    holder.resume()
    expect(await reply).toEqual({ error: 'LockLostError' })
    expect((await store.read(id))?.data).toEqual({ n: 1, winner: 'the other' })
  })

  test('who is suspended past the lease cannot write while the next one has the lock (G10)', async () => {
    const { id, holder } = await lockInProcess(subject)
    holder.suspend()
    const store = subject.store()
    const lock = await store.lock(id, PATIENCE)
    const reply = holder.ask({ call: 'write', id, key: 'late' })
    holder.resume()
    expect(await reply).toEqual({ error: 'LockLostError' })
    await store.write(id, { n: 1 }, { basis: lock?.record })
    expect((await store.read(id))?.data).toEqual({ n: 1 })
  })

  test('who has noticed that the lease is over cannot write while the next one has the lock (G10)', async () => {
    const { id, holder } = await lockInProcess(subject)
    holder.suspend()
    const store = subject.store()
    const lock = await store.lock(id, PATIENCE)
    holder.resume()
    expect(await holder.ask({ call: 'held', id })).toEqual({ value: false })
    expect(await holder.ask({ call: 'write', id, key: 'late' })).toEqual({ error: 'LockLostError' })
    expect(lock?.isHeld).toBe(true)
    await store.write(id, { n: 1 }, { basis: lock?.record })
    expect((await store.read(id))?.data).toEqual({ n: 1 })
  })

  test('who is suspended past the lease knows at once that it is over', async () => {
    const { id, holder } = await lockInProcess(subject)
    holder.suspend()
    const leaseEndsMs = await leaseEnd(subject, id)
    await expect.poll(() => Date.now()).toBeGreaterThan(leaseEndsMs)
    const reply = holder.ask({ call: 'held', id })
    holder.resume()
    expect(await reply).toEqual({ value: false })
  })

  test('who is suspended past the lease does not release the lock of the next one', async () => {
    const { id, holder } = await lockInProcess(subject)
    holder.suspend()
    const lock = await subject.store().lock(id, PATIENCE)
    const owner = await lockOwner(subject, id)
    const reply = holder.ask({ call: 'release', id })
    holder.resume()
    expect(await reply).toEqual({ value: true })
    expect(await lockOwner(subject, id)).toEqual(owner)
    await lock?.release()
    expect(await subject.table.item(id)).not.toHaveProperty('lockOwner')
  })

  test('who is suspended past the lease, which nobody wanted, goes on', async () => {
    const { id, holder } = await lockInProcess(subject)
    holder.suspend()
    const leaseEndsMs = await leaseEnd(subject, id)
    await expect.poll(() => Date.now()).toBeGreaterThan(leaseEndsMs)
    holder.resume()
    expect(await holder.ask({ call: 'write', id, key: 'late' })).toEqual({ value: true })
    expect(await subject.table.item(id)).not.toHaveProperty('lock')
    expect((await subject.store().read(id))?.data).toEqual({ n: 0, late: true })
  })

  test(`${PROCESSES} processes increment a counter ${PROCESSES * INCREMENTS} times`, async () => {
    const id = await storedSession(subject)
    const processes = Array.from({ length: PROCESSES }, () =>
      startProcess(subject, { leaseSeconds: 30, maxWaitMs: 120_000 }),
    )
    const replies = await Promise.all(
      processes.map(each => each.ask({ call: 'increment', id, times: INCREMENTS })),
    )
    expect(replies).toEqual(processes.map(() => ({ value: INCREMENTS })))
    expect((await subject.store().read(id))?.data).toEqual({ n: PROCESSES * INCREMENTS })
    expect(await subject.table.item(id)).not.toHaveProperty('lock')
  })
})

async function storedSession(subject: ConcurrencySubject): Promise<string> {
  const id = newId()
  await subject.store().write(id, { n: 0 })
  return id
}

function startProcess(subject: ConcurrencySubject, locking: object): LockingProcess {
  const started = new SuspendableProcess<Question, Reply>(bundle, { ...subject.options, locking })
  onTestFinished(() => started.kill())
  return started
}

/** A session that another process has locked. */
async function lockInProcess(
  subject: ConcurrencySubject,
): Promise<{ readonly id: string; readonly holder: LockingProcess }> {
  const id = await storedSession(subject)
  const holder = startProcess(subject, { leaseSeconds: LEASE_SECONDS })
  expect(await holder.ask({ call: 'lock', id })).toEqual({ value: true })
  return { id, holder }
}

async function leaseEnd(subject: ConcurrencySubject, id: string): Promise<number> {
  return Number(numberText(await subject.table.item(id), 'lock'))
}

async function lockOwner(subject: ConcurrencySubject, id: string): Promise<AttributeValue | undefined> {
  return (await subject.table.item(id))?.['lockOwner']
}

/** What the time was for a request that asked for a lock. */
function askedAtMs(request: LoggedRequest | undefined): number {
  const values = request?.input['ExpressionAttributeValues'] as Readonly<Record<string, unknown>> | undefined
  return Number((values?.[':lockNow'] as { readonly N?: string } | undefined)?.N)
}
