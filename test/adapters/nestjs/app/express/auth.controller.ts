import { promisify } from 'node:util'

import { Body, Controller, Delete, Get, Param, Post, Redirect, Req, Session } from '@nestjs/common'
import type { Request } from 'express'
import type { SessionData } from 'express-session'

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
  @Redirect('/', 303)
  async signIn(@Req() request: Request, @Body('user') user: string) {
    // A new ID, so that a planted one is worth nothing.
    await promisify(request.session.regenerate.bind(request.session))()
    request.session.user = user
  }

  @Post('sign-out')
  @Redirect('/', 303)
  async signOut(@Req() request: Request) {
    await promisify(request.session.destroy.bind(request.session))()
  }

  @Delete('sessions/:user')
  signOutEverywhere(@Param('user') user: string) {
    return this.sessions.store.destroyByUser(user)
  }
}
