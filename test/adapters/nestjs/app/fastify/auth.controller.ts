import { Body, Controller, Delete, Get, Param, Post, Req, Res, Session } from '@nestjs/common'
import type { FastifyReply, FastifyRequest, Session as SessionData } from 'fastify'

import { Sessions } from './sessions'

@Controller()
export class AuthController {
  constructor(private readonly sessions: Sessions) {}

  @Get()
  visit(@Session() session: SessionData) {
    session.visits = (session.visits ?? 0) + 1
    return { user: session.user, visits: session.visits }
  }

  @Post('sign-in')
  async signIn(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @Body('user') user: string) {
    // A new ID, so that a planted one is worth nothing.
    await request.session.regenerate()
    request.session.user = user
    return reply.redirect('/', 303)
  }

  @Post('sign-out')
  async signOut(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    await request.session.destroy()
    return reply.redirect('/', 303)
  }

  @Delete('sessions/:user')
  signOutEverywhere(@Param('user') user: string) {
    return this.sessions.store.destroyByUser(user)
  }
}
