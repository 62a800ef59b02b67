/** An experiment about a lock whose holder dies. */
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openStore, pause, timed } from './step.js'

const HOLDER = fileURLToPath(new URL('lock-holder.js', import.meta.url))

const LEASE_SECONDS = 2

/** @type {import('./step.js').Experiment} */
export const killedHolder = {
  id: 'killed-holder',
  title: 'A lock whose holder is killed',
  question: `Another process locks the session and is killed with SIGKILL, so that it cannot give the lock back. Its lease is ${LEASE_SECONDS} seconds. How long does this process wait?`,
  lanes: ['The other process', 'This process'],
  async *run(table) {
    const store = openStore(table, { locking: { leaseSeconds: LEASE_SECONDS } })
    const id = randomUUID()
    await store.write(id, { visits: 1 })
    const holder = fork(HOLDER, [table, id, String(LEASE_SECONDS)], { execArgv: [] })
    const exited = once(holder, 'exit')
    try {
      const told = await Promise.race([once(holder, 'message'), exited])
      if (told[0] !== 'locked') throw new Error('The other process could not lock the session.')
      yield { lane: 0, what: `locks the session (pid ${holder.pid})` }
      await pause()
      holder.kill('SIGKILL')
      await exited
      yield { lane: 0, what: 'is killed', tone: 'bad' }
      yield { lane: 1, what: 'asks for the lock and waits' }
      const { value: lock, tookMs } = await timed(() => store.lock(id))
      if (lock === undefined) throw new Error('The session of the experiment is gone.')
      yield { lane: 1, what: 'has the lock: the lease of the dead ends by itself', tone: 'good', tookMs }
      const visits = Number(lock.record.data['visits']) + 1
      await store.write(id, { visits }, { basis: lock.record })
      yield { lane: 1, what: `saves visit number ${visits}, and gives the lock back with it`, tone: 'good' }
    } finally {
      holder.kill('SIGKILL')
      await store.destroy(id)
      await store.close()
    }
  },
}
