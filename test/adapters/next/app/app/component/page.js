import { cookies } from 'next/headers'
import { Suspense } from 'react'

import { sessions } from '../../lib/sessions.js'

/** A Server Component that tries what it cannot do. */
async function Attempts() {
  const session = await sessions.get(await cookies())
  session.set('planted', true)
  const codes = await Promise.all(
    [session.save(), session.destroy()].map(call =>
      call.then(
        () => 'done',
        error => error.code,
      ),
    ),
  )
  return <p>codes:{codes.join(',')};</p>
}

export default function Page() {
  return (
    <Suspense>
      <Attempts />
    </Suspense>
  )
}
