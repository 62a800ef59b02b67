import type { APIRoute } from 'astro'

export const POST: APIRoute = ({ locals: { visit } }) => {
  visit.set('user', 'nobody should see this')
  throw new Error('the endpoint failed')
}
