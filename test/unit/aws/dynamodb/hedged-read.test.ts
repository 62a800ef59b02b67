import { describe, expect, test } from 'vitest'

import { HedgedRead, ReadHedging } from '../../../../src/aws/dynamodb/hedged-reads.ts'
import { OperationRequest, RequestSigner } from '../../../../src/aws/dynamodb/operation-request.ts'
import type { Timed } from '../../../../src/aws/http/tick-queue.ts'
import type { Transport, TransportRequest, TransportResponse } from '../../../../src/aws/http/transport.ts'
import { type Deferred, deferred } from '../../../../src/internal/timers.ts'
import { rejectionOf } from '../../../support/failure.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const DELAY_MS = 30
const good = responseOf(200, {})
const bad = responseOf(500, { __type: 'InternalServerError' })

function responseOf(statusCode: number, body: object): TransportResponse {
  const headers = new Map([['content-type', 'application/x-amz-json-1.0']])
  return { statusCode, headers, body: JSON.stringify(body) }
}

/** One read, whose requests and time are the test's. */
class Subject implements Transport {
  readonly requests: TransportRequest[] = []
  readonly coming: Deferred<TransportResponse>[] = []
  readonly clock = new ManualClock(5_000_000)
  readonly controller = new AbortController()
  readonly call: { signal: AbortSignal; hedge: 'won' | 'lost' | undefined }
  readonly hedging: ReadHedging
  readonly outcome: Promise<TransportResponse>
  timed: Timed | undefined
  /** How often the timer was needed, and was not any more. */
  timer = { begun: 0, ended: 0 }
  isWell = true

  constructor({ savings = 1 }: { readonly savings?: number } = {}) {
    const { signal } = this.controller
    this.call = { signal, hedge: undefined }
    const terms = { budget: 1, minDelayMs: DELAY_MS, maxDelayMs: DELAY_MS }
    this.hedging = new ReadHedging(terms, {
      now: () => this.clock.now(),
      timeouts: {
        watch: timed => {
          this.timed = timed
        },
        forget: () => {
          this.timed = undefined
        },
        begin: () => void this.timer.begun++,
        end: () => void this.timer.ended++,
      },
    })
    const settings = { region: 'eu-west-1', customEndpoint: undefined, useFips: false, useDualStack: false }
    const signer = new RequestSigner({ ...settings, accountIdEndpointMode: 'disabled' })
    const input = { TableName: 'sessions', Key: { id: { S: 'k' } } }
    const template = signer.templateOf('GetItem', 'sessions', {
      credentials: { accessKeyId: 'AKID', secretAccessKey: 'secret' },
      nowMs: Date.now(),
      traceId: undefined,
    })
    const asked = { operation: 'GetItem', input, body: JSON.stringify(input) } as const
    const limits = { connectTimeoutMs: 2000, attemptTimeoutMs: 3000, deadlineAtMs: 5_007_000 }
    const read = new HedgedRead<'GetItem'>(this.call, {
      hedging: this.hedging,
      transport: this,
      isWell: () => this.isWell,
    })
    this.outcome = read.send(
      new OperationRequest(
        template,
        { ...asked, key: undefined, signal, onDoubt: undefined },
        limits,
        read.sending,
      ),
    )
    this.outcome.catch(() => undefined)
    if (savings === 0) this.hedging.takeHedge()
  }

  request(request: TransportRequest): Promise<TransportResponse> {
    const coming = deferred<TransportResponse>()
    this.requests.push(request)
    this.coming.push(coming)
    request.signal?.addEventListener('abort', () => {
      coming.reject(request.signal?.reason)
    })
    return coming.promise
  }

  async close(): Promise<void> {
    // It has no connections.
  }

  /** The read takes longer than the delay. */
  isSlow(): this {
    this.clock.advance(DELAY_MS)
    this.timed?.expire()
    return this
  }
}

describe('a read that is not slow', () => {
  test('is sent once, and stops its timer', async () => {
    const subject = new Subject()
    subject.coming[0]?.resolve(good)
    expect(await subject.outcome).toBe(good)
    expect(subject.requests).toHaveLength(1)
    expect(subject.timed).toBeUndefined()
    expect(subject.timer).toEqual({ begun: 1, ended: 1 })
    expect(subject.call.hedge).toBeUndefined()
  })

  test('fails at once, whatever the delay', async () => {
    const subject = new Subject()
    subject.coming[0]?.reject(new Error('lost'))
    expect(await rejectionOf(subject.outcome)).toMatchObject({ message: 'lost' })
    expect(subject.timer).toEqual({ begun: 1, ended: 1 })
  })
})

describe('a slow read', () => {
  test('is sent once more, as it was, to be over at the same time', () => {
    const subject = new Subject()
    expect(subject.timed?.expiresAtMs).toBe(subject.clock.now() + DELAY_MS)
    const { requests, call } = subject.isSlow()
    const [first, hedge] = requests
    expect(requests).toHaveLength(2)
    expect([first?.isHedge, hedge?.isHedge]).toEqual([false, true])
    expect(hedge?.sentTo).toBe(first?.sentTo)
    expect(hedge).toMatchObject({
      body: first?.body,
      headers: first?.headers,
      attemptTimeoutMs: 3000 - DELAY_MS,
      deadlineAtMs: first?.deadlineAtMs,
    })
    expect(call.hedge).toBe('lost')
  })

  test.each([
    { name: 'the budget is used up', savings: 0, isWell: true },
    { name: 'the Region fails', savings: 1, isWell: false },
  ])('is not, when $name', async ({ savings, isWell }) => {
    const subject = new Subject({ savings })
    subject.isWell = isWell
    subject.isSlow()
    expect(subject.requests).toHaveLength(1)
    subject.coming[0]?.resolve(good)
    await subject.outcome
    expect(subject.call.hedge).toBeUndefined()
    expect(subject.timer).toEqual({ begun: 1, ended: 1 })
  })

  test.each([
    { winner: 1, loser: 0, outcome: 'won' },
    { winner: 0, loser: 1, outcome: 'lost' },
  ])('has the response that comes first, of request $winner', async ({ winner, loser, outcome }) => {
    const { coming, requests, ...subject } = new Subject().isSlow()
    coming[winner]?.resolve(good)
    expect(await subject.outcome).toBe(good)
    expect(subject.call.hedge).toBe(outcome)
    expect(subject.hedging.report()).toEqual({ reads: 1, hedges: 1, won: outcome === 'won' ? 1 : 0 })
    // The other one is read to its end, whatever the caller does afterwards.
    subject.controller.abort()
    expect(requests[loser]?.signal?.aborted).toBe(false)
    coming[loser]?.reject(new Error('nobody hears of it'))
  })

  test.each(['response', 'error'])('does not end with a bad %s while another is under way', async kind => {
    for (const [first, second] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const { coming, outcome } = new Subject().isSlow()
      if (kind === 'response') coming[first]?.resolve(bad)
      else coming[first]?.reject(new Error('lost'))
      await new Promise(setImmediate)
      coming[second]?.resolve(good)
      expect(await outcome).toBe(good)
    }
  })

  test('fails as its first request when both fail', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const { coming, outcome } = new Subject().isSlow()
      for (const index of order) {
        coming[index]?.reject(new Error(`of request ${index}`))
        await new Promise(setImmediate)
      }
      expect(await rejectionOf(outcome)).toMatchObject({ message: 'of request 0' })
    }
  })

  test('has the bad response of its first request when the second fails, too', async () => {
    const { coming, outcome } = new Subject().isSlow()
    coming[0]?.resolve(bad)
    coming[1]?.reject(new Error('lost'))
    expect(await outcome).toBe(bad)
  })

  test('ends both requests when the caller gives up', async () => {
    const { requests, controller, outcome } = new Subject().isSlow()
    const reason = new Error('gone')
    controller.abort(reason)
    expect(await rejectionOf(outcome)).toBe(reason)
    for (const { signal } of requests) expect(signal?.reason).toBe(reason)
  })
})
