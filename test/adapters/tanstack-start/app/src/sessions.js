import { tanstackStartSessions } from 'dynamodb-sessions/tanstack-start'

export const sessions = tanstackStartSessions({
  table: process.env.TABLE,
  secrets: process.env.SESSION_SECRET,
  touchAfterSeconds: 0,
  locking: true,
  cookie: { allowHttp: true },
  userId: ({ user }) => user,
})
