import { redirect } from '@tanstack/react-router'
import { createCsrfMiddleware, createMiddleware, createStart } from '@tanstack/react-start'

import { sessions } from './sessions.js'

const csrf = createCsrfMiddleware({ filter: ({ handlerType }) => handlerType === 'serverFn' })
const session = createMiddleware().server(({ request, next }) =>
  sessions.handle(request, opened => next({ context: { session: opened } })),
)

const guard = createMiddleware()
  .middleware([session])
  .server(({ next, pathname, context }) => {
    if (pathname !== '/account' || context.session.has('user')) return next()
    context.session.flash('message', 'sign in first')
    throw redirect({ href: '/', statusCode: 303 })
  })

export const startInstance = createStart(() => ({ requestMiddleware: [csrf, session, guard] }))
