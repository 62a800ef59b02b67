import type { SessionData } from 'express-session'

import {
  type CallbackError,
  connectDynamoDB as factory,
  type DynamoDBStore,
  type DynamoDBStoreClass,
  type DynamoDBStoreOptions,
  type DynamoDBStoreOptionsSpecialKey,
  type SdkClient,
  type SessionModule,
  type TouchResult,
} from './connect-dynamodb.ts'

declare function connectDynamoDB<Session extends object = SessionData>(
  connect: SessionModule,
): DynamoDBStoreClass<Session>

declare namespace connectDynamoDB {
  export type {
    CallbackError,
    DynamoDBStore,
    DynamoDBStoreClass,
    DynamoDBStoreOptions,
    DynamoDBStoreOptionsSpecialKey,
    SdkClient,
    SessionModule,
    TouchResult,
  }
  export { factory as connectDynamoDB, factory as default }
}

export = connectDynamoDB
