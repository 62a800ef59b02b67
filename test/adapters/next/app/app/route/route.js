import { cookies } from 'next/headers'
import { notFound, redirect } from 'next/navigation'

import { sessions } from '../../lib/sessions.js'

export const GET = sessions.route(async (request, session) => {
  session.set('visits', (session.get('visits') ?? 0) + 1)
  switch (request.nextUrl.searchParams.get('end')) {
    case 'redirect':
      redirect('/?from=route;1')
    case 'not-found':
      notFound()
    case 'error':
      throw new Error('the handler failed')
    default:
      return Response.json({ visits: session.get('visits') })
  }
})

export const POST = sessions.route((_request, session) => {
  session.set('visits', 100)
  redirect('/')
})

/** As with iron-session: the jar alone. */
export async function PUT() {
  const session = await sessions.get(await cookies())
  session.set('visits', 50)
  await session.save()
  return Response.json({ isOne: session === (await sessions.get(await cookies())) })
}

export async function DELETE() {
  const count = await sessions.store.destroyByUser('joan')
  return Response.json({ count })
}
