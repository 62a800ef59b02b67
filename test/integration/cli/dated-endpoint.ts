import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

import { listen, stop } from '../../support/loopback.ts'

/**
 * Passes requests on to an engine, and says with every answer that the time is another; it lives until the running test
 * ends.
 *
 * @returns the URL.
 */
export async function endpointWithClock(engineEndpoint: string, now: () => number): Promise<string> {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const { method = '', headers } = request
      const body = await text(request)
      const answered = await fetch(engineEndpoint, {
        method,
        headers: Object.fromEntries(
          ['content-type', 'x-amz-target', 'x-amz-date', 'authorization'].map(name => [
            name,
            String(headers[name] ?? ''),
          ]),
        ),
        ...(method === 'POST' && { body }),
      })
      const bytes = Buffer.from(await answered.arrayBuffer())
      response.writeHead(answered.status, {
        date: new Date(now()).toUTCString(),
        'content-type': answered.headers.get('content-type') ?? '',
        'content-length': bytes.length,
      })
      response.end(bytes)
    }
    answer().catch(() => response.destroy())
  })
  onTestFinished(() => stop(server))
  return listen(server)
}
