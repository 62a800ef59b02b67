import { Injectable, type OnApplicationShutdown } from '@nestjs/common'
import { DynamoDBStore } from 'dynamodb-sessions/fastify'

@Injectable()
export class Sessions implements OnApplicationShutdown {
  readonly store = new DynamoDBStore({ table: process.env.TABLE, userId: ({ user }) => user })

  onApplicationShutdown(): Promise<void> {
    return this.store.close()
  }
}
