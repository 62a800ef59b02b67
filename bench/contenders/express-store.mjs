/* The stores of express-session, with which is done what express-session does. */
import expressSession from 'express-session'

import { expiresMs, sessionData, sessionId } from '../lib/fixture.mjs'
import { sessionIdOf } from '../lib/session-names.mjs'
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
  const sessions = Array.from({ length: inFlight }, (_, lane) => {
    const request = { sessionID: sessionIdOf(lane), sessionStore: store }
    return store.createSession(
      /** @type {import('express').Request} */ (/** @type {unknown} */ (request)),
      structuredClone(loaded),
    )
  })
  const cookie = sessions[0]?.cookie
  if (!(cookie instanceof expressSession.Cookie) || Number(cookie.expires) !== expiresMs) {
    throw new Error('unexpected cookie')
  }
  if (operation !== 'get') {
    for (const session of sessions) {
      await new Promise((resolve, reject) => {
        store.set(session.id, session, error => (error ? reject(error) : resolve(undefined)))
      })
    }
  }
  let visits = 0
  return {
    start: (done, lane) => {
      const session = sessions[lane]
      if (session === undefined) throw new Error('no such lane')
      switch (operation) {
        case 'get':
          store.get(sessionId, (error, found) => done(error ?? (found ? undefined : new Error('no session'))))
          break
        case 'set':
          // What has not changed need not be written.
          Reflect.set(session, 'visits', ++visits)
          store.set(session.id, session, done)
          break
        case 'touch':
          // Its types say that it calls back without an error.
          store.touch?.(session.id, session, done)
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
