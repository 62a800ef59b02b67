import { onTestFinished, vi } from 'vitest'

/** Longer than any pause of back-off in a test, and shorter than what an attempt may take. */
const LONGEST_PAUSE_MS = 9000

/**
 * Records the delays of back-off, and makes it take no time, for the rest of the test. Timers of about 10 s are the
 * transport's, which are shorter by what has passed since the time was looked at.
 */
export function recordBackOff(): readonly number[] {
  const delays: number[] = []
  const realSetTimeout = globalThis.setTimeout
  vi.stubGlobal('setTimeout', (callback: () => void, delayMs: number) => {
    if (delayMs > LONGEST_PAUSE_MS) return realSetTimeout(callback, delayMs)
    delays.push(delayMs)
    return realSetTimeout(callback, 0)
  })
  onTestFinished(() => {
    vi.unstubAllGlobals()
  })
  return delays
}
