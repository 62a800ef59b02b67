/** Two experiments about requests of one visitor that run at the same time. */
import { randomUUID } from 'node:crypto'
import { openStore, pause } from './step.js'

/** @typedef {import('./step.js').Experiment} Experiment */
/** @typedef {import('./step.js').Step} Step */

/** @type {Experiment} */
export const parallelSaves = {
  id: 'parallel-saves',
  title: 'Two requests save at the same time',
  question:
    'Each request reads the session, adds something to it and saves it. Most stores let the last write win. What is left in the cart?',
  lanes: ['Request A', 'Request B', 'The table'],
  async *run(table) {
    yield { lane: 2, what: 'First with onConflict: "overwrite", which is what most stores do.' }
    yield* saveInParallel(table, 'overwrite')
    yield { lane: 2, what: 'Now with onConflict: "merge", the default.' }
    yield* saveInParallel(table, 'merge')
  },
}

/** @type {Experiment} */
export const logoutDuringSave = {
  id: 'logout-during-save',
  title: 'A sign-out races a save',
  question:
    'A slow request still has the session in its hands when the visitor signs out. Then it saves. Is the visitor signed in again?',
  lanes: ['Slow request', 'Sign-out', 'The table'],
  async *run(table) {
    yield { lane: 2, what: 'First with a plain write of the whole session, which is what most stores do.' }
    yield* signOutDuringSave(table, false)
    yield { lane: 2, what: 'Now the way the adapters of this package save.' }
    yield* signOutDuringSave(table, true)
  },
}

/**
 * @param {string} table
 * @param {'merge' | 'overwrite'} onConflict
 * @returns {AsyncGenerator<Step, void, undefined>}
 */
async function* saveInParallel(table, onConflict) {
  const store = openStore(table, { onConflict })
  const id = randomUUID()
  try {
    await store.write(id, {})
    const [a, b] = await Promise.all([store.read(id), store.read(id)])
    if (a === undefined || b === undefined) throw new Error('The session of the experiment is gone.')
    yield { lane: 0, what: 'reads the session: it is empty' }
    yield { lane: 1, what: 'reads the session: it is empty' }
    await pause()
    await store.write(id, { ...a.data, tea: 1 }, { basis: a })
    yield { lane: 0, what: 'adds tea and saves' }
    await pause()
    await store.write(id, { ...b.data, coffee: 1 }, { basis: b })
    yield { lane: 1, what: 'adds coffee and saves' }
    await pause()
    const kept = Object.keys((await store.read(id))?.data ?? {})
    yield {
      lane: 2,
      what: `has ${kept.toSorted().join(' and ') || 'nothing'}: ${kept.length} of 2 changes`,
      tone: kept.length === 2 ? 'good' : 'bad',
    }
  } finally {
    await store.destroy(id)
    await store.close()
  }
}

/**
 * @param {string} table
 * @param {boolean} withBasis whether the save says what it was made from
 * @returns {AsyncGenerator<Step, void, undefined>}
 */
async function* signOutDuringSave(table, withBasis) {
  const store = openStore(table)
  const id = randomUUID()
  try {
    await store.write(id, { user: 'Ada' })
    const record = await store.read(id)
    if (record === undefined) throw new Error('The session of the experiment is gone.')
    yield { lane: 0, what: `reads the session: ${String(record.data['user'])} is signed in` }
    await pause()
    await store.destroy(id)
    yield { lane: 1, what: 'destroys the session' }
    await pause()
    const data = { ...record.data, page: '/account' }
    const saved = await (withBasis ? store.write(id, data, { basis: record }) : store.write(id, data))
    yield { lane: 0, what: saved === undefined ? 'saves; the store refuses' : 'saves; the store accepts' }
    await pause()
    const left = await store.read(id)
    yield left === undefined
      ? { lane: 2, what: 'has no session: signed out is signed out', tone: 'good' }
      : {
          lane: 2,
          what: `has the session again: ${String(left.data['user'])} is signed in`,
          tone: 'bad',
        }
  } finally {
    await store.destroy(id)
    await store.close()
  }
}
