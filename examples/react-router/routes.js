// @ts-check
/** The routes. Everything about sessions is in `getSession`, `commitSession` and `destroySession`. */
import { redirect } from 'react-router'

import { page } from './page.js'
import { sessions } from './sessions.js'

const { getSession, commitSession, destroySession } = sessions

/** @type {import('react-router').RouteObject[]} */
export const routes = [
  {
    path: '/',
    loader: async ({ request }) => {
      const session = await getSession(request.headers.get('cookie'))
      const visits = (session.get('visits') ?? 0) + 1
      session.set('visits', visits)
      const html = page({
        user: session.get('user'),
        message: session.get('message'),
        notes: session.get('notes') ?? [],
        visits,
      })
      return new Response(html, {
        headers: {
          'content-type': 'text/html; charset=utf-8',
          'cache-control': 'no-store',
          'set-cookie': await commitSession(session),
        },
      })
    },
  },
  {
    path: '/sign-in',
    action: async ({ request }) => {
      const user = await field(request, 'user')
      if (user === '') return redirect('/')
      const before = await getSession(request.headers.get('cookie'))
      // A new session, and so a new ID: one that somebody knew before the sign-in is worth nothing after it.
      const session = await getSession()
      session.set('user', user)
      session.set('notes', before.get('notes') ?? [])
      session.flash('message', 'You are signed in.')
      await destroySession(before)
      return redirect('/', { headers: { 'set-cookie': await commitSession(session) } })
    },
  },
  {
    path: '/notes',
    action: async ({ request }) => {
      const session = await getSession(request.headers.get('cookie'))
      session.set('notes', [...(session.get('notes') ?? []), await field(request, 'note')])
      return redirect('/', { headers: { 'set-cookie': await commitSession(session) } })
    },
  },
  {
    path: '/sign-out',
    action: async ({ request }) => {
      const session = await getSession(request.headers.get('cookie'))
      return redirect('/', { headers: { 'set-cookie': await destroySession(session) } })
    },
  },
]

/**
 * @param {Request} request
 * @param {string} name
 * @returns {Promise<string>}
 */
async function field(request, name) {
  const value = new URLSearchParams(await request.text()).get(name) ?? ''
  return value.trim().slice(0, 100)
}
