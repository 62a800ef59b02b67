import { sveltekitSessions } from 'dynamodb-sessions/sveltekit'

export const sessions = sveltekitSessions({
  table: process.env.TABLE,
  secrets: process.env.SESSION_SECRET,
  touchAfterSeconds: 0,
  locking: true,
  cookie: { allowHttp: true },
  userId: ({ user }) => user,
})
