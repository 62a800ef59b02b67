import cookie from '@fastify/cookie'
import session from '@fastify/session'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'

import { AuthController } from './auth.controller'
import { Sessions } from './sessions'

@Module({ controllers: [AuthController], providers: [Sessions] })
class AppModule {}

async function bootstrap(): Promise<void> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), {
    logger: ['error'],
  })
  await app.register(cookie)
  await app.register(session, {
    store: app.get(Sessions).store,
    secret: process.env.SESSION_SECRET!,
    cookieName: 'session',
    cookie: { secure: false, maxAge: 86_400_000 },
    saveUninitialized: false,
  })
  app.enableShutdownHooks()
  await app.listen(0, '127.0.0.1')
  console.log(await app.getUrl())
}

void bootstrap()
