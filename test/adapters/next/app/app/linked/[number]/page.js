import { cookies } from 'next/headers'
import { Suspense } from 'react'

import { sessions } from '../../../lib/sessions.js'

async function Linked({ params }) {
  const { number } = await params
  const session = await sessions.get(await cookies())
  return (
    <p>
      page:{number}; user:{session.get('user') ?? 'nobody'};
    </p>
  )
}

export default function Page({ params }) {
  return (
    <Suspense>
      <Linked params={params} />
    </Suspense>
  )
}
