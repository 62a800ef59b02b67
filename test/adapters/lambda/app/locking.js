/* Locks each session for as long as an invocation takes; one for `/hang` does not end. */
import { lambdaSessions } from 'dynamodb-sessions/lambda'

const sessions = lambdaSessions({ locking: { leaseSeconds: 1 } })

export const handler = sessions.handler(async (event, session) => {
  if (event.rawPath === '/hang') {
    console.log('hanging')
    await new Promise(resolve => setTimeout(resolve, 900_000))
  }
  if (event.rawPath === '/fail') throw new RangeError('no such page')
  const visits = (session.get('visits') ?? 0) + 1
  session.set('visits', visits)
  return { statusCode: 200, body: JSON.stringify({ visits }) }
})
