import type { Clock } from '../../src/types.ts'

/**
 * A clock that stands still until a test moves it. It starts one millisecond after a full second, so that
 * rounding to seconds shows.
 */
export class ManualClock implements Clock {
  nowMs: number

  constructor(startMs: number = Date.UTC(2031, 4, 6, 7, 8, 9) + 1) {
    this.nowMs = startMs
  }

  now(): number {
    return this.nowMs
  }

  /** Moves the clock forward (or, with a negative number, back). */
  advance(ms: number): void {
    this.nowMs += ms
  }
}
