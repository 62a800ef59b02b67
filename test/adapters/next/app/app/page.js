import { cookies } from 'next/headers'
import { Suspense } from 'react'

import { sessions } from '../lib/sessions.js'
import { signIn, signOut, signOutEverywhere } from './actions.js'

/** Two components that ask for the session of one render. */
async function Visits() {
  const session = await sessions.get(await cookies())
  return <p>visits:{session.get('visits') ?? 0};</p>
}

async function User() {
  const session = await sessions.get(await cookies())
  return <p>user:{session.get('user') ?? 'nobody'};</p>
}

export default function Page() {
  return (
    <main>
      <Suspense>
        <User />
        <Visits />
      </Suspense>
      <form action={signIn}>
        <input name="user" />
      </form>
      <form action={signOut}>
        <button type="submit">sign out</button>
      </form>
      <form action={signOutEverywhere}>
        <button type="submit">everywhere</button>
      </form>
    </main>
  )
}
