import { sessions } from '../lib/sessions.js'

export async function getServerSideProps({ req, res }) {
  const session = await sessions.get(req, res)
  session.set('classic', true)
  await session.save()
  return { props: { user: session.get('user') ?? 'nobody' } }
}

export default function Classic({ user }) {
  return <p>user:{user};</p>
}
