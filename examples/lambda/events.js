// @ts-check
/** API Gateway (REST and HTTP APIs), function URLs, load balancers: a function without a framework. */
import { lambdaSessions } from 'dynamodb-sessions/lambda'

// Outside of the handler: all invocations of a process share the connections. Table and secrets are in the environment.
/** @type {import('dynamodb-sessions/lambda').LambdaSessions<{ visits?: number }>} */
const sessions = lambdaSessions()

export const handler = sessions.handler(async (_event, session) => {
  const visits = (session.get('visits') ?? 0) + 1
  session.set('visits', visits)
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ visits }),
  }
})
