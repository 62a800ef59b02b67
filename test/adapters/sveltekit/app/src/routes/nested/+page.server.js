/** Asks the app itself, under the lock of the session. */
export async function load({ fetch, locals: { session } }) {
  session.set('visits', 10)
  const visits = async init => (await (await fetch('/visit', init)).json()).visits
  const own = await Promise.all([visits(), visits()])
  const strangers = await visits({ credentials: 'omit' })
  await fetch('/renew', { method: 'POST' })
  return { own, strangers, user: session.get('user') }
}
