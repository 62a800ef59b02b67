import { sessions } from '../../lib/sessions.js'

export default async function handler(req, res) {
  const session = await sessions.get(req, res)
  session.set('visits', (session.get('visits') ?? 0) + 1)
  await session.save()
  res.json({ visits: session.get('visits'), opened: globalThis[Symbol.for('dynamodb-sessions/next')].size })
}
