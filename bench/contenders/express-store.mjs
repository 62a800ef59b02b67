/* The stores of express-session, with which is done what express-session does. */
import expressSession from 'express-session'

import { expiresMs, sessionData, sessionId } from '../lib/fixture.mjs'
import { openStore } from './open-store.mjs'

/** @type {import('../types.d.ts').ContenderModule['open']} */
export async function open({ contender, url, operation, itemBytes, inFlight }) {
  const { store } = await openStore(
    contender.name === 'ours-express' ? 'dynamodb-sessions' : contender.name,
    {
      endpoint: url,
      maxSockets: inFlight,
      // Every touch is to be measured, also those that would be left out; and all store text as it is.
      ...(contender.kind === 'ours' && { touchAfterSeconds: 0, compression: false }),
    },
  )
  const loaded = await load(store)
  if (JSON.stringify(loaded) !== JSON.stringify(sessionData(itemBytes))) throw new Error('unexpected session')
  const request = /** @type {import('express').Request} */ (
    /** @type {unknown} */ ({ sessionID: sessionId, sessionStore: store })
  )
  const session = store.createSession(request, loaded)
  const { cookie } = session
  if (!(cookie instanceof expressSession.Cookie) || Number(cookie.expires) !== expiresMs) {
    throw new Error('unexpected cookie')
  }
  let visits = 0
  return {
    start: done => {
      switch (operation) {
        case 'get':
          store.get(sessionId, (error, found) => done(error ?? (found ? undefined : new Error('no session'))))
          break
        case 'set':
          // What has not changed need not be written.
          Reflect.set(session, 'visits', ++visits)
          store.set(sessionId, session, done)
          break
        case 'touch':
          // Its types say that it calls back without an error.
          store.touch?.(sessionId, session, done)
      }
    },
  }
}

/**
 * @param {import('express-session').Store} store
 * @returns {Promise<import('express-session').SessionData>}
 */
export async function load(store) {
  return new Promise((resolve, reject) => {
    store.get(sessionId, (error, session) => {
      if (session) resolve(session)
      else reject(error instanceof Error ? error : new Error('no session'))
    })
  })
}
