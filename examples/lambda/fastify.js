// @ts-check
/** Fastify, by `@fastify/aws-lambda`. */
import awsLambdaFastify from '@fastify/aws-lambda'
import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify from 'fastify'
import { DynamoDBStore } from 'dynamodb-sessions/fastify'

const secret = process.env['SESSION_SECRET']
if (!secret) throw new Error('SESSION_SECRET is not set')

const app = Fastify({ trustProxy: true })
app.register(cookie)
app.register(session, {
  store: new DynamoDBStore(),
  secret,
  saveUninitialized: false,
  cookie: { secure: true, sameSite: 'lax', maxAge: 86_400_000 },
})

app.get('/', (request, reply) => {
  const visits = (request.session.get('visits') ?? 0) + 1
  request.session.set('visits', visits)
  return reply.send({ visits })
})

// A load balancer whose target group has multi-value headers reads no others.
export const handler = awsLambdaFastify(app, { albMultiValueHeaders: true })
