import { type OnGatewayConnection, WebSocketGateway } from '@nestjs/websockets'
import type { Request } from 'express'
import type { WebSocket } from 'ws'

import { Sessions } from './sessions'

@WebSocketGateway({ path: '/chat' })
export class ChatGateway implements OnGatewayConnection {
  constructor(private readonly sessions: Sessions) {}

  async handleConnection(client: WebSocket, request: Request): Promise<void> {
    await this.sessions.open(request)
    const { user } = request.session
    if (user === undefined) client.close(4401, 'sign in first')
    else client.send(`hello ${user}`)
  }
}
