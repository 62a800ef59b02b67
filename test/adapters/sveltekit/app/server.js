import { createServer } from 'node:http'

process.env.PROTOCOL_HEADER = 'x-forwarded-proto'
const { handler } = await import('./build/handler.js')

const server = createServer((request, response) => {
  request.headers['x-forwarded-proto'] = 'http'
  handler(request, response)
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
