import type { Operation } from '../lib/fixture.mjs'

/** What a contender is asked to do, over and over. */
export interface Job {
  /** Origin of the stub server, `http://host:port` or `https://host:port`. */
  readonly url: string
  readonly operation: Operation
  readonly itemBytes: number
  /** Operations under way at a time; the contender may open as many connections. */
  readonly inFlight: number
}

/** A contender that is ready and has shown that it reads what the stub server serves. */
export type Target = PromiseTarget | CallbackTarget

/** One whose operations return promises. */
export interface PromiseTarget {
  readonly call: () => Promise<unknown>
}

/** One whose operations call back. */
export interface CallbackTarget {
  /** Starts one operation. Each lane has one under way at a time. */
  readonly start: (done: (error?: unknown) => void, lane: number) => void
}

/** What a file of a contender exports. */
export interface Contender {
  open(job: Job): Promise<Target>
}
