import { beforeEach, expect, test, vi } from 'vitest'

import { HedgedRead, type HedgingTerms, ReadHedging } from '../../../../src/aws/dynamodb/hedged-reads.ts'
import { OperationRequest, RequestSigner } from '../../../../src/aws/dynamodb/operation-request.ts'
import { Timeouts } from '../../../../src/aws/http/tick-queue.ts'
import type { Transport, TransportResponse } from '../../../../src/aws/http/transport.ts'
import { dynamoDBLatency, quantilesOf, seeded } from './latencies.ts'

const LANES = 16
const WARM_UP = 5000
const READS = 10_000
const good: TransportResponse = {
  statusCode: 200,
  headers: new Map([['content-type', 'application/x-amz-json-1.0']]),
  body: '{}',
}

const settings = { region: 'eu-west-1', customEndpoint: undefined, useFips: false, useDualStack: false }
const input = { TableName: 'sessions', Key: { id: { S: 'k' } } }
const asked = {
  operation: 'GetItem',
  input,
  body: JSON.stringify(input),
  key: undefined,
  signal: undefined,
  onDoubt: undefined,
} as const
const template = new RequestSigner({ ...settings, accountIdEndpointMode: 'disabled' }).templateOf(
  'GetItem',
  'sessions',
  { credentials: { accessKeyId: 'AKID', secretAccessKey: 'secret' }, nowMs: 0, traceId: undefined },
)

/** Reads in a row, {@link LANES} at a time, whose responses take as long as DynamoDB's, by a clock that only the test moves. */
class Load {
  readonly takenMs: number[] = []
  readonly hedging: ReadHedging
  readonly #random = seeded(2)
  readonly #transport: Transport = {
    request: () =>
      new Promise(resolve => {
        setTimeout(
          () => {
            resolve(good)
          },
          this.slowness * dynamoDBLatency(this.#random),
        )
      }),
    close: async () => undefined,
  }
  /** How many times longer each response takes. */
  slowness = 1

  constructor(terms: HedgingTerms) {
    this.hedging = new ReadHedging(terms, { now: () => performance.now(), timeouts: new Timeouts() })
  }

  /** Makes so many reads. */
  async read(count: number): Promise<Measured> {
    const before = this.hedging.report()
    const takenMs: number[] = []
    let left = count
    const lane = async (): Promise<void> => {
      while (left-- > 0) takenMs.push(await this.#readOnce())
    }
    const lanes = Promise.all(Array.from({ length: LANES }, lane))
    while (takenMs.length < count) await vi.advanceTimersByTimeAsync(10)
    await lanes
    const { reads, hedges } = this.hedging.report()
    const hedgedPercent = ((hedges - before.hedges) / (reads - before.reads)) * 100
    return { ...quantilesOf(takenMs), hedgedPercent }
  }

  async #readOnce(): Promise<number> {
    const startedAtMs = performance.now()
    const call = { signal: undefined, hedge: undefined }
    const terms = { hedging: this.hedging, transport: this.#transport, isWell: () => true }
    const read = new HedgedRead<'GetItem'>(call, terms)
    const limits = { connectTimeoutMs: 2000, attemptTimeoutMs: 3000, deadlineAtMs: Infinity }
    await read.send(new OperationRequest(template, asked, limits, read.sending))
    return performance.now() - startedAtMs
  }
}

type Measured = ReturnType<typeof quantilesOf> & { readonly hedgedPercent: number }

const usual: HedgingTerms = { budget: 0.02, minDelayMs: 10, maxDelayMs: 200 }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] })
  return () => {
    vi.useRealTimers()
  }
})

test('reads are hedged as often as their latency says, by the timers that they really have', async () => {
  const [plain, hedged] = [new Load({ ...usual, budget: 0 }), new Load(usual)]
  await hedged.read(WARM_UP)
  const without = await plain.read(READS)
  const hedges = await hedged.read(READS)
  expect(without.hedgedPercent).toBe(0)
  expect(hedges.hedgedPercent).toBeGreaterThan(1)
  expect(hedges.hedgedPercent).toBeLessThanOrEqual(2.1)
  expect(hedges.p99).toBeLessThanOrEqual(without.p99)
  expect(hedges.p999).toBeLessThan(0.8 * without.p999)
})

test('so are those of a process that started slowly', async () => {
  const load = new Load(usual)
  load.slowness = 3
  await load.read(WARM_UP)
  load.slowness = 1
  // They push the slow ones out.
  await load.read(WARM_UP)
  const { hedgedPercent } = await load.read(READS / 2)
  expect(hedgedPercent).toBeGreaterThan(1)
  expect(hedgedPercent).toBeLessThanOrEqual(2.1)
})
