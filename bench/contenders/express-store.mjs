import expressSession from 'express-session'

import { expiresMs, sessionData, sessionId } from '../lib/fixture.mjs'

/** @typedef {import('../lib/fixture.mjs').Operation} Operation */
/**
 * @typedef {object} Store The part of an express-session store that requests use.
 * @property {(sid: string, callback: (error: unknown, session?: object | null) => void) => void} get
 * @property {(sid: string, session: object, callback: (error?: unknown) => void) => void} set
 * @property {(sid: string, session: object, callback: (error?: unknown) => void) => void} touch
 * @property {(request: object, data: object) => object} createSession
 */

/**
 * Does with a store what express-session does: loads the session, makes the session object of a request from it,
 * and saves or touches that.
 *
 * @param {Store} store
 * @param {Operation} operation
 * @param {number} itemBytes
 * @returns {Promise<import('./contender.d.ts').CallbackTarget>}
 */
export async function openExpressStore(store, operation, itemBytes) {
  const loaded = await load(store)
  if (JSON.stringify(loaded) !== JSON.stringify(sessionData(itemBytes))) throw new Error('unexpected session')
  const session = store.createSession({ sessionID: sessionId, sessionStore: store }, loaded)
  const cookie = 'cookie' in session ? session.cookie : undefined
  if (!(cookie instanceof expressSession.Cookie) || Number(cookie.expires) !== expiresMs) {
    throw new Error('unexpected cookie')
  }
  switch (operation) {
    case 'get':
      return {
        start: done =>
          store.get(sessionId, (error, found) =>
            done(error ?? (found ? undefined : new Error('no session'))),
          ),
      }
    case 'set': {
      let visits = 0
      return {
        start: done => {
          // What has not changed need not be written.
          Reflect.set(session, 'visits', ++visits)
          store.set(sessionId, session, done)
        },
      }
    }
    case 'touch':
      return { start: done => store.touch(sessionId, session, error => done(error)) }
  }
}

/**
 * @param {Store} store
 * @returns {Promise<object>}
 */
async function load(store) {
  return new Promise((resolve, reject) => {
    store.get(sessionId, (error, session) => {
      if (session) resolve(session)
      else reject(error instanceof Error ? error : new Error('no session'))
    })
  })
}
