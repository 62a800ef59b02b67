import { defineHandler } from 'nitro/h3'

export default defineHandler(({ context: { session } }) => {
  session.set('user', 'nobody should see this')
  throw new Error('the route failed')
})
