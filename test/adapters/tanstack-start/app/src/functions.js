import { redirect } from '@tanstack/react-router'
import { createServerFn } from '@tanstack/react-start'

export const visitor = createServerFn().handler(({ context: { session } }) => ({
  user: session.get('user') ?? 'nobody',
  visits: session.get('visits') ?? 0,
  message: session.flash('message') ?? 'none',
}))

export const visit = createServerFn().handler(({ context: { session } }) => {
  session.set('visits', (session.get('visits') ?? 0) + 1)
  return session.get('visits')
})

export const signIn = createServerFn({ method: 'POST' })
  .validator(form => form)
  .handler(({ data, context: { session } }) => {
    session.regenerate()
    session.set('user', data.get('user'))
    throw redirect({ href: '/', statusCode: 303 })
  })

export const signOut = createServerFn({ method: 'POST' }).handler(async ({ context: { session } }) => {
  await session.destroy()
  throw redirect({ href: '/', statusCode: 303 })
})
