import { getEventListeners, setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'

import { describe, expect, it } from 'vitest'

import { ConnectionError, DynamoDBSessionsError } from '../../../src/errors.ts'
import { rejectionOf } from '../../support/failure.ts'
import { SeededRandom } from '../../support/fault-rig/random.ts'
import { httpResponse, type RawConnection } from '../../support/raw-server.ts'
import { openTestClient, someKey } from '../client/test-client.ts'
import { forbidUnhandledRejections, serve, settleDown } from '../transport/harness.ts'

forbidUnhandledRejections()

const reason = new Error('the caller gave up')

/** An answer to whatever it is, as a stand-in for DynamoDB gives it. */
function answer(statusCode = 200): Buffer {
  return httpResponse('{}', { statusCode, headers: { 'content-type': 'application/x-amz-json-1.0' } })
}

async function answerAll(connection: RawConnection): Promise<void> {
  await connection.answerAll(() => answer())
}

describe('calls beyond what the connections can carry', () => {
  it('wait up to a limit, beyond which they fail at once with an error that says so', async () => {
    const server = await serve()
    const client = openTestClient(server.url, {}, { maxSockets: 2, maxQueued: 3 })
    const calls = Array.from({ length: 5 }, async () => client.send('GetItem', someKey))
    const connections = [await server.accept(), await server.accept()]

    const errors = await Promise.all(
      Array.from({ length: 4 }, async () => rejectionOf(client.send('GetItem', someKey))),
    )
    for (const error of errors) {
      expect(error).toBeInstanceOf(ConnectionError)
      expect(error).toMatchObject({
        code: 'QUEUE_FULL',
        retryable: false,
        message: `2 connections to ${server.url} are busy and 3 requests are waiting for one`,
      })
    }

    const answering = connections.map(async connection => answerAll(connection))
    expect(await Promise.all(calls)).toHaveLength(5)
    expect(await client.send('GetItem', someKey)).toEqual({})
    expect(server.connections).toHaveLength(2)
    for (const { socket } of connections) socket.destroy()
    await Promise.all(answering)
  })

  it('are 10,000 when nothing else is said', async () => {
    const server = await serve()
    // So that none has left when the last one comes, however slow the machine is.
    const limits = { deadlineMs: 170_000, attemptTimeoutMs: 170_000 }
    const client = openTestClient(server.url, limits, { maxSockets: 1 })
    const controller = new AbortController()
    const { signal } = controller
    setMaxListeners(0, signal)
    const calls = Array.from({ length: 10_001 }, async () =>
      rejectionOf(client.send('GetItem', someKey, { signal })),
    )
    await settleDown()
    expect(await rejectionOf(client.send('GetItem', someKey))).toMatchObject({ code: 'QUEUE_FULL' })
    controller.abort(reason)
    expect(new Set(await Promise.all(calls))).toEqual(new Set([reason]))
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('leave when there is no time left, and their places with them', async () => {
    const server = await serve()
    const client = openTestClient(server.url, { deadlineMs: 600 }, { maxSockets: 1, maxQueued: 2 })
    for (let round = 0; round < 3; round++) {
      const errors = await Promise.all(
        Array.from({ length: 3 }, async () => rejectionOf(client.send('GetItem', someKey))),
      )
      const codes = errors.map(error => String((error as { readonly code?: unknown }).code))
      // The first has the connection until its deadline; those who wait could do nothing with what is left then.
      expect(codes.toSorted()).toEqual(['DEADLINE_EXCEEDED', 'POOL_TIMEOUT', 'POOL_TIMEOUT'])
    }
  })
})

/** How a call ends: `answered`, `aborted`, or the code of its error. */
async function endOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call
    return 'answered'
  } catch (error) {
    if (error === reason) return 'aborted'
    return error instanceof DynamoDBSessionsError ? error.code : error
  }
}

describe('an abort', () => {
  it.each([1, 2, 3])('at any moment frees the place that a call had (seed %i)', async seed => {
    const random = new SeededRandom('aborts', seed)
    let faulty = true
    // Some calls get no answer, some get one after a while, and some are in back-off when the abort comes.
    const server = await serve(async connection => {
      for (let next = await connection.nextRequest(); next; next = await connection.nextRequest()) {
        const draw = faulty ? random.next() : 1
        if (draw < 0.3) continue
        await delay(random.between(0, 5))
        connection.send(answer(draw < 0.6 ? 503 : 200))
      }
    })
    const limits = { maxSockets: 4, maxQueued: 8 }
    const client = openTestClient(server.url, { random: () => random.next() }, limits)
    const ends = new Set<unknown>()
    for (let round = 0; round < 60; round++) {
      // As many calls as there are places: had one been lost, the last call would find the queue full.
      const controllers = Array.from({ length: 12 }, () => new AbortController())
      const calls = controllers.map(async ({ signal }) => endOf(client.send('GetItem', someKey, { signal })))
      for (const controller of controllers) {
        const pauseMs = random.between(-4, 3)
        if (pauseMs >= 0) await delay(pauseMs)
        controller.abort(reason)
      }
      for (const end of await Promise.all(calls)) ends.add(end)
      expect(controllers.flatMap(({ signal }) => getEventListeners(signal, 'abort'))).toEqual([])
    }
    faulty = false
    // On a busy machine, every abort before this call may come before its response.
    ends.add(await endOf(client.send('GetItem', someKey)))
    ends.delete('DYNAMODB_ERROR')
    expect(ends).toEqual(new Set(['aborted', 'answered']))
    await client.close()
  })

  it('gives every place back: after many of them, as many calls as ever are under way at a time', async () => {
    const last = { ...someKey, Key: { id: { S: 'the last calls' } } }
    const held: RawConnection[] = []
    const server = await serve(async connection => {
      for (let next = await connection.nextRequest(); next; next = await connection.nextRequest()) {
        if (!next.body.includes('the last calls')) continue
        held.push(connection)
        if (held.length > 3) connection.send(answer())
      }
    })
    const client = openTestClient(server.url, {}, { maxSockets: 3, maxQueued: 1 })
    for (let round = 0; round < 20; round++) {
      const controllers = Array.from({ length: 4 }, () => new AbortController())
      const calls = controllers.map(async ({ signal }) => endOf(client.send('GetItem', someKey, { signal })))
      // In every other round the calls are connected when the aborts come, in the others they are connecting.
      if (round % 2 === 0) await server.untilConnected((round / 2 + 1) * 3)
      for (const controller of controllers) controller.abort(reason)
      expect(await Promise.all(calls)).toEqual(['aborted', 'aborted', 'aborted', 'aborted'])
    }
    const calls = Array.from({ length: 4 }, async () => client.send('GetItem', last))
    await expect.poll(() => held.length, { interval: 1 }).toBe(3)
    expect(await rejectionOf(client.send('GetItem', last))).toMatchObject({ code: 'QUEUE_FULL' })
    for (const connection of held) connection.send(answer())
    expect(await Promise.all(calls)).toEqual([{}, {}, {}, {}])
  })
})
