import type { Transport, TransportRequest, TransportResponse } from '../../aws/http/transport.ts'
import { duration } from '../format.ts'
import { type Check, check } from './check.ts'

/** How far off a clock may be without anybody noticing. */
const UNNOTICED_MS = 5000

/** AWS refuses signatures that are 5 minutes off; what is nearly that soon will be. */
const REFUSED_FROM_MS = 240_000

/** Passes requests on, and compares the clock of this machine with the `Date` of every answer. */
export class ClockComparison implements Transport {
  readonly #inner: Transport
  #shortestRoundTripMs = Infinity
  #offsetMs: number | undefined

  constructor(inner: Transport) {
    this.#inner = inner
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    const sentAtMs = Date.now()
    const response = await this.#inner.request(request)
    this.#compare(response, sentAtMs, Date.now())
    return response
  }

  async close(): Promise<void> {
    await this.#inner.close()
  }

  /** What the comparison came to. */
  result(): Check {
    const offsetMs = this.#offsetMs
    if (offsetMs === undefined) {
      return check('skip', 'clock', 'there was no answer with a Date to compare with')
    }
    const off = Math.abs(offsetMs)
    if (off <= UNNOTICED_MS) return check('pass', 'clock', 'it agrees with that of the endpoint')
    const found = `it is ${duration(off)} ${offsetMs > 0 ? 'behind' : 'ahead of'} that of the endpoint`
    const fix = 'set it by NTP (on AWS: the Amazon Time Sync Service, chrony)'
    return off < REFUSED_FROM_MS
      ? check(
          'warn',
          'clock',
          `${found}: sessions and locks expire that much too ${offsetMs > 0 ? 'late' : 'early'}`,
          fix,
        )
      : check('fail', 'clock', `${found}: AWS refuses signatures that are 5 minutes off`, fix)
  }

  /** The answer with the shortest round trip tells best. */
  #compare({ headers }: TransportResponse, sentAtMs: number, receivedAtMs: number): void {
    const serverMs = headers.has('age') ? Number.NaN : Date.parse(headers.get('date') ?? '')
    const roundTripMs = receivedAtMs - sentAtMs
    if (Number.isNaN(serverMs) || roundTripMs >= this.#shortestRoundTripMs) return
    this.#shortestRoundTripMs = roundTripMs
    // The header leaves out the fraction of the second, half a second on average.
    this.#offsetMs = serverMs + 500 - (sentAtMs + receivedAtMs) / 2
  }
}
