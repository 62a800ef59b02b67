// @ts-check
/** Starts the example: `node server.js`. README.md lists the settings. */
import { once } from 'node:events'
import { createServer } from 'node:http'

import { SpanKind, trace } from '@opentelemetry/api'
import { ConsoleSpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { webSessions } from 'dynamodb-sessions/web'
import { Registry } from 'prom-client'

import { startMetrics } from './metrics.js'
import { startSpans } from './spans.js'

const port = Number(process.env['PORT'] || 3000)
const host = process.env['HOST'] || '127.0.0.1'

// Both can be there before the first store, or come later: the store does not know of them.
const provider = new NodeTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())],
})
provider.register()
const register = new Registry()
startSpans()
startMetrics(register)

/** @type {import('dynamodb-sessions/web').WebSessions<{ visits?: number }>} */
const sessions = webSessions({ secrets: ['a secret for this demo only'], cookie: { allowHttp: true } })
const tracer = trace.getTracer('example')

const server = createServer((request, response) => {
  answer(request, response).catch(error => {
    console.error(error instanceof Error ? `${error.name}: ${error.message}` : error)
    response.writeHead(500).end()
  })
})
server.listen(port, host)
await once(server, 'listening')
const bound = server.address()
console.log(`listening on http://${host}:${typeof bound === 'object' && bound !== null ? bound.port : port}`)

/** @type {Promise<void> | undefined} */
let end
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    end ??= shutDown()
  })
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
async function answer(request, response) {
  if (request.url === '/metrics') {
    const metrics = await register.metrics()
    response.writeHead(200, { 'content-type': register.contentType }).end(metrics)
  } else if (request.url === '/') {
    await tracer.startActiveSpan('GET /', { kind: SpanKind.SERVER }, async span => {
      try {
        await countVisit(request, response)
      } finally {
        span.end()
      }
    })
  } else {
    response.writeHead(404).end()
  }
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
async function countVisit(request, response) {
  const cookies = { get: () => request.headers.cookie ?? null }
  const session = await sessions.openSession({ headers: cookies })
  const visits = (session.get('visits') ?? 0) + 1
  session.set('visits', visits)
  const setCookie = await session.commit()
  if (setCookie !== undefined) response.setHeader('set-cookie', setCookie)
  response.end(`visit ${visits}\n`)
}

/** Answers what is under way, then lets go of everything that keeps the process alive. */
async function shutDown() {
  server.close()
  server.closeIdleConnections()
  await once(server, 'close')
  await sessions.close()
  await provider.shutdown()
}
