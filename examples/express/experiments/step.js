/** What experiments are made of: an experiment yields steps as they happen, and each becomes a line of its picture. */
import { setTimeout as delay } from 'node:timers/promises'
import { SessionStore } from 'dynamodb-sessions'

/**
 * @typedef {object} Step
 * @property {number} lane who does it, as an index into the experiment's `lanes`
 * @property {string} what one sentence
 * @property {'good' | 'bad'} [tone] whether it is what a user wants; absent when it is neither
 * @property {number} [tookMs] how long it took, to be shown as a bar
 *
 * @typedef {object} Experiment
 * @property {string} id for URLs and anchors
 * @property {string} title
 * @property {string} question what is tried, in a sentence or two
 * @property {readonly string[]} lanes who takes part
 * @property {(table: string) => AsyncGenerator<Step, void, undefined>} run
 */

/** An interrupted experiment cannot remove its session; the session is gone after this. */
const TTL_SECONDS = 60

/** Long enough for the eye to follow. It is never part of what an experiment measures. */
const PAUSE_MS = 250

/** @returns {Promise<void>} */
export function pause() {
  return delay(PAUSE_MS)
}

/**
 * @param {string} table
 * @param {import('dynamodb-sessions').SessionStoreOptions} [options]
 * @returns {SessionStore} to be closed by the experiment
 */
export function openStore(table, options = {}) {
  return new SessionStore({ ttlSeconds: TTL_SECONDS, ...options, table })
}

/**
 * @template Value
 * @param {() => Promise<Value>} work
 * @returns {Promise<{ value: Value, tookMs: number }>}
 */
export async function timed(work) {
  const startedAt = performance.now()
  const value = await work()
  return { value, tookMs: performance.now() - startedAt }
}
