/**
 * Reads a session from an express-session store.
 *
 * @param {{ get: (sid: string, callback: (error: unknown, session?: object | null) => void) => void }} store
 * @param {string} sid
 * @returns {Promise<object>}
 */
export async function getSession(store, sid) {
  return new Promise((resolve, reject) => {
    store.get(sid, (error, session) => {
      if (session) resolve(session)
      else reject(error instanceof Error ? error : new Error('no session'))
    })
  })
}
