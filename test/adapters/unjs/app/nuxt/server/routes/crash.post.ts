export default defineSessionHandler((event, session) => {
  session.set('user', 'nobody should see this')
  throw new Error('the route failed')
})
