/* An application that knows nothing of this package, and keeps its sessions in memory. */
import express from 'express'
import session from 'express-session'
import serverless from 'serverless-http'

const app = express()
app.set('trust proxy', 1)
app.use(
  session({ secret: 'keyboard cat', resave: false, saveUninitialized: false, cookie: { secure: true } }),
)
app.get('/', (request, response) => {
  request.session.visits = (request.session.visits ?? 0) + 1
  response.json({ visits: request.session.visits })
})

export const handler = serverless(app)
