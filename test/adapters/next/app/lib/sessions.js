import { nextSessions } from 'dynamodb-sessions/next'

export const sessions = nextSessions({
  table: process.env.TABLE,
  secrets: process.env.SESSION_SECRET,
  touchAfterSeconds: 0,
  cookie: { allowHttp: true },
  userId: ({ user }) => user,
})
