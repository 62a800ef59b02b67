import { promisify } from 'node:util'

import { Injectable, type OnApplicationShutdown } from '@nestjs/common'
import type { Request, Response } from 'express'
import session from 'express-session'
import { DynamoDBStore } from 'dynamodb-sessions/express'

@Injectable()
export class Sessions implements OnApplicationShutdown {
  readonly store = new DynamoDBStore({ table: process.env.TABLE, userId: ({ user }) => user })

  readonly middleware = session({
    store: this.store,
    secret: process.env.SESSION_SECRET!,
    name: 'session',
    resave: false,
    saveUninitialized: false,
  })

  /** Opens the session of an upgrade request, which passes through no middleware. */
  async open(request: Request): Promise<void> {
    await promisify(this.middleware)(request, {} as Response)
  }

  onApplicationShutdown(): Promise<void> {
    return this.store.close()
  }
}
