import type { RetryKind } from '../../../src/aws/http/retry.ts'

/** How one attempt ends: it succeeds, may be retried, or may not. */
export interface AttemptOutcome {
  readonly result: 'success' | 'fatal' | RetryKind
  /** What the server asks to wait. Milliseconds. */
  readonly hintMs: number | undefined
  /** How long the attempt takes. Milliseconds. */
  readonly tookMs: number
}

/** Everything that can be seen of one call. */
export interface CallCourse {
  readonly attempts: number
  /** Pauses before the retries, in milliseconds. */
  readonly delaysMs: readonly number[]
  readonly ended: 'success' | 'failure' | 'deadline'
  /** Tokens of the quota after the call. */
  readonly tokens: number
}

/** What a model call is made with. */
export interface ModelCall {
  readonly maxAttempts: number
  readonly deadlineMs: number
  readonly tokens: number
  readonly nextOutcome: () => AttemptOutcome
  readonly random: () => number
}

/**
 * The standard retry mode written down a second time, straight from its description and as plainly as possible, to
 * compare the real one with: base 25 ms (throttling 1,000 ms), doubled each time up to 20 s, full jitter, rounded down;
 * a hint lengthens a pause by 5 s at most; a bucket of 500 tokens pays 14 a retry (throttling 5) and gets back what the
 * last retry cost, or 1.
 */
export function modelCourse({ maxAttempts, deadlineMs, tokens, nextOutcome, random }: ModelCall): CallCourse {
  const delaysMs: number[] = []
  let bucket = tokens
  let leftMs = deadlineMs
  let lastCost = 1
  for (let attempts = 1; ; attempts++) {
    const { result, hintMs, tookMs } = nextOutcome()
    leftMs -= tookMs
    if (result === 'success') {
      return { attempts, delaysMs, ended: 'success', tokens: Math.min(500, bucket + lastCost) }
    }
    const failed = { attempts, delaysMs, tokens: bucket }
    if (result === 'fatal') return { ...failed, ended: 'failure' }
    if (leftMs < 2) return { ...failed, ended: 'deadline' }
    if (attempts === maxAttempts) return { ...failed, ended: 'failure' }

    const [baseMs, cost] = result === 'throttling' ? [1000, 5] : [25, 14]
    const jitteredMs = Math.floor(random() * Math.min(baseMs * 2 ** (attempts - 1), 20_000))
    const delayMs =
      hintMs === undefined ? jitteredMs : Math.max(jitteredMs, Math.min(hintMs, jitteredMs + 5000))
    if (delayMs >= leftMs || cost > bucket) return { ...failed, ended: 'failure' }
    bucket -= cost
    lastCost = cost
    leftMs -= delayMs
    delaysMs.push(delayMs)
  }
}
