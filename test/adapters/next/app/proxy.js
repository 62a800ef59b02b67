import { NextResponse } from 'next/server'

import { sessions } from './lib/sessions.js'

export const proxy = sessions.proxy((request, session) => {
  if (request.nextUrl.searchParams.has('greet')) session.set('user', 'greeted')
  return NextResponse.next()
})

export const config = { matcher: ['/', '/linked/:number'] }
