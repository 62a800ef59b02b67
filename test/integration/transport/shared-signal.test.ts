import { describe, expect, it, onTestFinished } from 'vitest'

import { fetchTransport } from '../../../src/aws/http/fetch-transport.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import type { Transport } from '../../../src/aws/http/transport.ts'
import { sleep } from '../../../src/internal/timers.ts'
import { rejectionOf } from '../../support/failure.ts'
import { httpResponse } from '../../support/raw-server.ts'
import { abortListeners, bodyOf, forbidUnhandledRejections, requestTo, serve, settleDown } from './harness.ts'

forbidUnhandledRejections()

const MANY = 40

/** The names of the warnings of this process, from now to the end of the test. */
function collectWarnings(): readonly string[] {
  const names: string[] = []
  const onWarning = ({ name }: Error): void => {
    names.push(name)
  }
  process.on('warning', onWarning)
  onTestFinished(() => {
    process.off('warning', onWarning)
  })
  return names
}

describe.each<[string, () => Transport]>([
  ['on many connections', () => new SocketTransport()],
  ['in the queue for one', () => new SocketTransport({ maxSockets: 1 })],
  ['over fetch', () => fetchTransport()],
])('many requests with one signal, %s', (_, open) => {
  it('make Node warn of nothing, and leave no listener', async () => {
    const warnings = collectWarnings()
    const { signal } = new AbortController()
    const server = await serve(async connection => connection.answerAll(() => httpResponse()))
    const transport = open()
    const requests = Array.from({ length: MANY }, async () =>
      bodyOf(transport.request(requestTo(server, { signal }))),
    )
    expect(new Set(await Promise.all(requests))).toEqual(new Set(['{}']))
    await settleDown()
    expect(warnings).toEqual([])
    expect(abortListeners(signal)).toBe(0)
  })

  it('all end with its reason', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const server = await serve()
    const transport = open()
    const requests = Array.from({ length: MANY }, async () =>
      rejectionOf(transport.request(requestTo(server, { signal }))),
    )
    await (await server.accept()).request()
    expect(abortListeners(signal)).toBe(1)
    const reason = new Error('enough')
    controller.abort(reason)
    expect(new Set(await Promise.all(requests))).toEqual(new Set([reason]))
    expect(abortListeners(signal)).toBe(0)
  })
})

describe('many pauses with one signal', () => {
  it('make Node warn of nothing', async () => {
    const warnings = collectWarnings()
    const controller = new AbortController()
    const pauses = Array.from({ length: MANY }, async () => rejectionOf(sleep(60_000, controller.signal)))
    controller.abort()
    await Promise.all(pauses)
    await settleDown()
    expect(warnings).toEqual([])
  })
})
