// @ts-check
/** A function URL with the invoke mode `RESPONSE_STREAM`. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { lambdaSessions } from 'dynamodb-sessions/lambda'

/** @type {import('dynamodb-sessions/lambda').LambdaSessions<{ visits?: number }>} */
const sessions = lambdaSessions()

export const handler = awslambda.streamifyResponse(
  async (/** @type {import('aws-lambda').LambdaFunctionURLEvent} */ event, responseStream) => {
    const session = await sessions.openSession(event)
    const visits = (session.get('visits') ?? 0) + 1
    session.set('visits', visits)
    // Before the first byte: the cookie is part of what goes ahead of it.
    const cookie = await session.commit()
    const stream = awslambda.HttpResponseStream.from(responseStream, {
      statusCode: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      cookies: cookie === undefined ? [] : [cookie],
    })
    await pipeline(Readable.from(['{"visits":', String(visits), '}']), stream)
  },
)
