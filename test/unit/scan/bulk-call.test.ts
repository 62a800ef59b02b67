import { describe, expect, onTestFinished, test } from 'vitest'

import { DeadlineExceededError } from '../../../src/errors.ts'
import type { Transport, TransportRequest, TransportResponse } from '../../../src/aws/http/transport.ts'
import type { BulkOptions } from '../../../src/options/call-options.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import { type Deferred, deferred } from '../../../src/internal/timers.ts'
import { rejectionOf } from '../../support/failure.ts'
import { toArray } from '../../support/to-array.ts'

const FAR_MS = Date.UTC(2200, 0)

/** A table with more pages than anybody reads, which answers so many requests and then none. */
class SilentTable implements Transport {
  readonly silent: Deferred<void> = deferred()
  #answers: number

  constructor(answers: number) {
    this.#answers = answers
  }

  request({ headers }: TransportRequest): Promise<TransportResponse> {
    if (this.#answers-- <= 0) {
      this.silent.resolve()
      return deferred<never>().promise
    }
    const operation = new Map(headers).get('x-amz-target')?.replace(/.*\./, '') ?? ''
    return Promise.resolve({
      statusCode: 200,
      headers: new Map([['content-type', 'application/x-amz-json-1.0']]),
      body: Buffer.from(JSON.stringify(operation === 'Scan' || operation === 'Query' ? page() : {})),
    })
  }

  async close(): Promise<void> {
    // It has no connections.
  }
}

function page(): object {
  const item = {
    id: { S: 'k'.repeat(43) },
    data: { S: '{}' },
    expires: { N: String(FAR_MS / 1000) },
    expiresMs: { N: String(FAR_MS) },
    user: { S: 'ada' },
  }
  return { Items: [item], Count: 1, ScannedCount: 1, LastEvaluatedKey: { id: item.id } }
}

type Call = (store: SessionStore, options: BulkOptions) => Promise<unknown>

/** Every call that takes many requests. */
const calls: readonly (readonly [name: string, call: Call])[] = [
  ['keys', (store, options) => toArray(store.keys(options))],
  ['records', (store, options) => toArray(store.records(options))],
  ['count', (store, options) => store.count(options)],
  ['clear', (store, options) => store.clear(options)],
  ['collectGarbage', (store, options) => store.collectGarbage({ segments: 1, ...options })],
  ['listByUser', (store, options) => toArray(store.listByUser('ada', options))],
  ['destroyByUser', (store, options) => store.destroyByUser('ada', options)],
]

function storeOver(transport: Transport): SessionStore {
  const store = new SessionStore({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKID', secretAccessKey: 'secret' },
    transport,
    userId: () => 'ada',
    // Longer than any test: what ends a call is not the deadline of one of its requests.
    deadlineMs: 600_000,
    connectTimeoutMs: 300_000,
    attemptTimeoutMs: 300_000,
  })
  onTestFinished(() => void store.close())
  return store
}

describe.each(calls)('%s', (_name, call) => {
  test.each([0, 1, 2, 3, 7])('is given up after %d responses', async answers => {
    const table = new SilentTable(answers)
    const controller = new AbortController()
    const outcome = rejectionOf(call(storeOver(table), { signal: controller.signal }))
    const reason = new Error('the visitor has gone')
    await table.silent.promise
    controller.abort(reason)
    expect(await outcome).toBe(reason)
  })

  test.each([0, 1, 4])('ends in its own time after %d responses', async answers => {
    const error = await rejectionOf(call(storeOver(new SilentTable(answers)), { deadlineMs: 30 }))
    expect(error).toBeInstanceOf(DeadlineExceededError)
    expect((error as Error).message).toBe('the call did not finish within 30 ms; completed work is kept')
  })

  test('is not begun with a signal that is aborted', async () => {
    const reason = new Error('before')
    const options = { signal: AbortSignal.abort(reason), deadlineMs: 600_000 }
    expect(await rejectionOf(call(storeOver(new SilentTable(0)), options))).toBe(reason)
  })

  test.each([0, -1, 1.5, Number.NaN, Infinity, 2 ** 31, '5' as unknown as number])(
    'does not take %s as its deadline',
    async deadlineMs => {
      const error = await rejectionOf(call(storeOver(new SilentTable(0)), { deadlineMs }))
      expect(error).toMatchObject({ code: 'INVALID_OPTION' })
      expect((error as Error).message).toContain('"deadlineMs" must be a whole number of milliseconds')
    },
  )
})

test('a collection is given up while its progress is being told', async () => {
  const told = deferred<undefined>()
  const controller = new AbortController()
  const reason = new Error('enough')
  const outcome = rejectionOf(
    storeOver(new SilentTable(100)).collectGarbage({
      segments: 1,
      signal: controller.signal,
      onProgress: () => {
        told.resolve(undefined)
        return deferred<void>().promise
      },
    }),
  )
  await told.promise
  controller.abort(reason)
  expect(await outcome).toBe(reason)
})
