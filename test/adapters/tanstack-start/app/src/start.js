import { redirect } from '@tanstack/react-router'
import { createCsrfMiddleware, createMiddleware, createStart } from '@tanstack/react-start'

import { sessionMiddleware } from './session-middleware'

const csrf = createCsrfMiddleware({ filter: ({ handlerType }) => handlerType === 'serverFn' })

const guard = createMiddleware()
  .middleware([sessionMiddleware])
  .server(({ next, pathname, context }) => {
    if (pathname !== '/account' || context.session.has('user')) return next()
    context.session.flash('message', 'sign in first')
    throw redirect({ href: '/', statusCode: 303 })
  })

export const startInstance = createStart(() => ({ requestMiddleware: [csrf, sessionMiddleware, guard] }))
