import type * as net from 'node:net'

import { expect, onTestFinished, test, vi } from 'vitest'

import { SocketTransport } from '../../../../src/aws/http/socket-transport.ts'
import { rejectionOf } from '../../../support/failure.ts'
import { answerWithIndex, bodyOf, requestTo, serve } from '../../../integration/transport/harness.ts'

const runtime = vi.hoisted(() => ({ hasSockets: true }))

/** The sockets of Deno before 2.8, which cannot be told where to read to; or none at all. */
vi.mock('node:net', async importOriginal => {
  const original = await importOriginal<typeof net>()
  return {
    ...original,
    connect: (options: net.NetConnectOpts) => {
      if ('onread' in options || !runtime.hasSockets) throw new Error('not implemented')
      return original.connect(options)
    },
  }
})

test('a runtime that does not take the option "onread" is asked without it', async () => {
  const transport = new SocketTransport()
  onTestFinished(() => transport.close())
  const server = await serve(answerWithIndex)
  for (let request = 0; request < 3; request++) {
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('0')
  }
})

test('a runtime without sockets is told from a server that is not there', async () => {
  runtime.hasSockets = false
  onTestFinished(() => {
    runtime.hasSockets = true
  })
  const server = await serve(answerWithIndex)
  for (const ca of [undefined, 'PEM']) {
    const error = await rejectionOf(new SocketTransport({ ca }).request(requestTo(server)))
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'CONNECTION_FAILED', retryable: false })
    expect(String(error)).toMatch(
      /^ConnectionError: no socket could be opened to http:\/\/127\.0\.0\.1:\d+ \(not implemented\); .*fetchTransport\(\)/,
    )
  }
})
