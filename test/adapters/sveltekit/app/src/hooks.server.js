import { redirect } from '@sveltejs/kit'
import { sequence } from '@sveltejs/kit/hooks'

import { sessions } from './lib/server/sessions.js'

async function guard({ event, resolve }) {
  const { locals, url } = event
  if (url.pathname === '/account' && locals.session.get('user') === undefined) {
    locals.session.flash('message', 'sign in first')
    redirect(303, '/')
  }
  return resolve(event)
}

export const handle = sequence(sessions.handle, guard)

/** Failures of the app are part of the tests, and need not be printed. */
export function handleError() {}
