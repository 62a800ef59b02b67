import { fail, redirect } from '@sveltejs/kit'

export function load({ locals: { session } }) {
  return {
    user: session.get('user'),
    visits: session.get('visits'),
    message: session.flash('message'),
  }
}

export const actions = {
  signIn: async ({ request, locals: { session } }) => {
    const user = (await request.formData()).get('user')
    session.set('tries', (session.get('tries') ?? 0) + 1)
    if (user === '') return fail(400, { tries: session.get('tries') })
    session.regenerate()
    session.set('user', user)
    redirect(303, '/')
  },
  signOut: async ({ locals: { session } }) => {
    await session.destroy()
    redirect(303, '/')
  },
  crash: ({ locals: { session } }) => {
    session.set('user', 'nobody should see this')
    throw new Error('the action failed')
  },
}
