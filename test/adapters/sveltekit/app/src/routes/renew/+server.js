export function POST({ locals: { session } }) {
  session.regenerate()
  session.set('user', 'renewed')
  return new Response()
}
