import { json } from '@sveltejs/kit'

import { sessions } from '../../lib/server/sessions.js'

export function GET({ locals: { session } }) {
  session.set('visits', (session.get('visits') ?? 0) + 1)
  return json({ visits: session.get('visits') })
}

export async function DELETE() {
  return json({ count: await sessions.store.destroyByUser('joan') })
}
