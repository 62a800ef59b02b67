import { cookies } from 'next/headers'

import { sessions } from '../lib/sessions.js'
import { signIn, signOut } from './actions.js'

/** Two components that ask for the session of one render. */
async function Visits() {
  const session = await sessions.get(await cookies())
  return <p>visits:{session.get('visits') ?? 0};</p>
}

export default async function Page() {
  const session = await sessions.get(await cookies())
  return (
    <main>
      <p>user:{session.get('user') ?? 'nobody'};</p>
      <Visits />
      <form action={signIn}>
        <input name="user" />
      </form>
      <form action={signOut}>
        <button type="submit">sign out</button>
      </form>
    </main>
  )
}
