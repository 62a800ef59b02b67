// @ts-check
/** Express, by `serverless-http`. */
import express from 'express'
import session from 'express-session'
import serverless from 'serverless-http'
import { DynamoDBStore } from 'dynamodb-sessions/express'

const secret = process.env['SESSION_SECRET']
if (!secret) throw new Error('SESSION_SECRET is not set')

const app = express()
// TLS ends at API Gateway, the load balancer or the function URL, which say so in `X-Forwarded-Proto`.
app.set('trust proxy', 1)
app.use(
  session({
    store: new DynamoDBStore(),
    secret,
    resave: false,
    saveUninitialized: false,
    cookie: { secure: true, sameSite: 'lax', maxAge: 86_400_000 },
  }),
)

app.get('/', (request, response) => {
  const visits = (request.session.visits ?? 0) + 1
  request.session.visits = visits
  response.json({ visits })
})

export const handler = serverless(app)
