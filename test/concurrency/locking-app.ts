/*
 * A process that locks a session, to be killed or suspended: it is bundled and run by lock-holders.test.ts, which sends it
 * questions and gets answers.
 */
import { type SessionLock, SessionStore, type SessionStoreOptions } from '../../src/index.ts'

/** What the process is asked to do with the session `id`. */
export type Question =
  | { readonly call: 'lock'; readonly id: string }
  /** Whether it believes to have the lock. */
  | { readonly call: 'held'; readonly id: string }
  /** Saves what it read when it locked, with this key set. */
  | { readonly call: 'write'; readonly id: string; readonly key: string }
  | { readonly call: 'release'; readonly id: string }
  /** Adds 1 to `n` that many times, each under the lock, all at once. */
  | { readonly call: 'increment'; readonly id: string; readonly times: number }

/** What it answers: what the call gave, or the name of the error that it failed with. */
export type Reply = { readonly value: unknown } | { readonly error: string }

const options = JSON.parse(process.argv[2] ?? '{}') as SessionStoreOptions
const store = new SessionStore(options)
let lock: SessionLock | undefined

process.on('message', (question: Question) => {
  answer(question).then(
    value => process.send?.({ value }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.name : String(error) }),
  )
})

async function answer(question: Question): Promise<unknown> {
  const { call, id } = question
  if (call === 'increment') {
    await Promise.all(Array.from({ length: question.times }, () => increment(id)))
    return question.times
  }
  if (call === 'lock') {
    lock = await store.lock(id)
    return lock !== undefined
  }
  if (call === 'release') {
    await lock?.release()
    return true
  }
  if (call === 'held' || lock === undefined) return lock?.isHeld === true
  const data = { ...lock.record.data, [question.key]: true }
  return (await store.write(id, data, { basis: lock.record })) !== undefined
}

async function increment(id: string): Promise<void> {
  const mine = await store.lock(id)
  if (mine === undefined) throw new Error('there is no session')
  const { data } = mine.record
  await store.write(id, { ...data, n: Number(data['n']) + 1 }, { basis: mine.record })
}
