/*
 * A process that signs visitors in, to be killed while it does: it is bundled and run by moving-sessions.test.ts, which sends it
 * the cookies of visitors and gets what their responses would set.
 */
import { webSessions } from '../../../src/adapters/web.ts'
import { SessionStore } from '../../../src/index.ts'
import type { UserData, UserStoreOptions } from './user-table.ts'

/** Who signs in, with the cookie of the request. */
export interface SignIn {
  readonly cookie: string
  readonly user: string
}

const { secrets, ...options } = JSON.parse(process.argv[2] ?? '{}') as UserStoreOptions & { secrets: string }
const store = new SessionStore<UserData>({ ...options, userId: ({ user }) => user })
const sessions = webSessions<UserData>({ store, secrets })

process.on('message', (request: SignIn) => {
  signIn(request).catch((error: unknown) => process.stderr.write(String(error)))
})

async function signIn({ cookie, user }: SignIn): Promise<void> {
  const session = await sessions.openSession({ headers: { get: () => cookie } })
  session.regenerate()
  session.set('user', user)
  process.send?.({ setCookie: await session.commit() })
}
