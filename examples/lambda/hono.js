// @ts-check
/** Hono, by its own adapter. */
import { Hono } from 'hono'
import { handle } from 'hono/aws-lambda'
import { dynamoDBSessions } from 'dynamodb-sessions/hono'

/** @type {import('dynamodb-sessions/hono').SessionsMiddleware<{ visits?: number }>} */
const sessions = dynamoDBSessions()

const app = new Hono().use(sessions).get('/', c => {
  const visits = (c.var.session.get('visits') ?? 0) + 1
  c.var.session.set('visits', visits)
  return c.json({ visits })
})

export const handler = handle(app)
