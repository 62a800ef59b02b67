/*
 * Compiled and never run: what the types of sessions in Lambda functions allow and refuse.
 */
import type {
  ALBHandler,
  ALBEvent,
  APIGatewayProxyEvent,
  APIGatewayProxyEventV2,
  APIGatewayProxyResult,
  APIGatewayProxyStructuredResultV2,
  Context,
  LambdaFunctionURLEvent,
} from 'aws-lambda'
import { expectTypeOf } from 'vitest'

import {
  type LambdaHandler,
  type LambdaHttpEvent,
  type LambdaSessions,
  lambdaSessions,
  type WebSession,
} from '../../src/adapters/lambda.ts'
import type { SessionStore } from '../../src/index.ts'

interface Shop {
  user?: string
  visits: number
}

const sessions = lambdaSessions<Shop>({ table: 'sessions', secrets: 'a long random text' })
expectTypeOf(sessions).toEqualTypeOf<LambdaSessions<Shop>>()
expectTypeOf(sessions.store).toEqualTypeOf<SessionStore<Shop>>()

// The events of the usual types.
expectTypeOf<APIGatewayProxyEvent>().toExtend<LambdaHttpEvent>()
expectTypeOf<APIGatewayProxyEventV2>().toExtend<LambdaHttpEvent>()
expectTypeOf<LambdaFunctionURLEvent>().toExtend<LambdaHttpEvent>()
expectTypeOf<ALBEvent>().toExtend<LambdaHttpEvent>()

// What the function takes and returns is what the handler takes and returns.
const handler = sessions.handler((event: APIGatewayProxyEventV2, session, context: Context) => {
  expectTypeOf(session).toEqualTypeOf<WebSession<Shop>>()
  return { statusCode: 200, body: `${event.rawPath} ${context.awsRequestId} ${session.get('visits')}` }
})
expectTypeOf(handler).toExtend<
  (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyStructuredResultV2>
>()
expectTypeOf(
  sessions.handler((_event: APIGatewayProxyEvent): APIGatewayProxyResult => ({ statusCode: 200, body: '' })),
).toExtend<LambdaHandler<APIGatewayProxyEvent, APIGatewayProxyResult, unknown>>()
expectTypeOf(sessions.handler((_event: ALBEvent) => ({ statusCode: 200 }))).toExtend<ALBHandler>()

// @ts-expect-error a result needs a status
sessions.handler(() => ({ body: 'text' }))
// @ts-expect-error an option of another kind
lambdaSessions({ table: 5 })
