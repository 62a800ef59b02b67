import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { WsAdapter } from '@nestjs/platform-ws'

import { AuthController } from './auth.controller'
import { ChatGateway } from './chat.gateway'
import { Sessions } from './sessions'

@Module({ controllers: [AuthController], providers: [Sessions, ChatGateway] })
class AppModule {}

async function bootstrap(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error'] })
  app.use(app.get(Sessions).middleware)
  app.useWebSocketAdapter(new WsAdapter(app))
  app.enableShutdownHooks()
  await app.listen(0, '127.0.0.1')
  console.log(await app.getUrl())
}

void bootstrap()
