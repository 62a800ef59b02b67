import { createFileRoute } from '@tanstack/react-router'

import { sessions } from '../sessions.js'

export const Route = createFileRoute('/visit')({
  server: {
    handlers: {
      GET: ({ request, context: { session } }) => {
        session.set('visits', (session.get('visits') ?? 0) + 1)
        const { searchParams } = new URL(request.url)
        if (searchParams.has('throw')) throw new Error('the handler failed')
        return Response.json(
          { visits: session.get('visits') },
          { status: searchParams.has('fail') ? 500 : 200 },
        )
      },
      DELETE: async () => Response.json({ count: await sessions.store.destroyByUser('joan') }),
    },
  },
})
