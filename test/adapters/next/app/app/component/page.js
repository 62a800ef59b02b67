import { cookies } from 'next/headers'

import { sessions } from '../../lib/sessions.js'

/** A Server Component that tries what it cannot do. */
export default async function Page() {
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
