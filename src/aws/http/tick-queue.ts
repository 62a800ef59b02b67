// Not the global: jsdom has none, and Jest's fake timers take its place.
import { setImmediate } from 'node:timers'

import { BLOCKED_FROM_MS, inBackground } from '../../internal/timers.ts'

/** Something that has work to do when the event loop has handled all that has arrived. */
export interface TickTask {
  endTick(): void
}

let waiting: TickTask[] = []

/**
 * Has a task run once, when this turn of the event loop ends.
 *
 * Requests that are sent in one turn leave together at its end: written one by one, in between the answers of others,
 * each of them would wake whoever receives it and throw the code and data of the others out of the processor's
 * caches, which costs more than the request itself. What can wait is done here, too, because most of it has become
 * superfluous by then: a connection that was idle for a moment is in use again.
 *
 * Writes over TLS report that they are done at the same point, before the tasks run.
 */
export function atEndOfTick(task: TickTask): void {
  // One immediate for all of them: an own one would cost each task more than what it does.
  if (waiting.push(task) === 1) setImmediate(runTasks)
}

/** Something with a time limit. */
export interface Timed {
  /** Instant of `performance.now()` at which the time is up; `Infinity` while there is no limit. */
  expiresAtMs: number
  /** Instant of `performance.now()` beyond which no time is given back. */
  readonly deadlineAtMs: number
  /** The time is up. */
  expire(): void
}

/** A timer may fire this much early by the clock of `performance.now()`. */
const TIMER_PRECISION_MS = 1

/**
 * The time limits of whatever is under way on a set of connections, with one timer for all: attempts to connect and exchanges.
 *
 * Beginning and ending an exchange costs a comparison: the timer is set for the limit that comes first, and is left
 * alone when that exchange ends; when it fires it is set again for the one that comes first then. It does not keep the
 * process alive (the sockets do) and does not outlive the last exchange.
 *
 * Before anything expires, the event loop reads what has arrived: when it was blocked or the process was frozen, the
 * answer may be there, and only nobody has looked yet. As much time as it was blocked beyond the limit is given back, as far
 * as the deadline of the call permits: a handshake that was blocked has steps left to take.
 */
export class Timeouts implements TickTask {
  readonly #watched = new Set<Timed>()
  #underWay = 0
  #timer: NodeJS.Timeout | undefined
  #firesAtMs = Infinity
  /** How much time has been given back, at most and in all. Milliseconds. */
  givenBackMs = 0

  /** Looks after the limits of something from now on. */
  watch(timed: Timed): void {
    this.#watched.add(timed)
  }

  /** Stops looking after something. */
  forget(timed: Timed): void {
    this.#watched.delete(timed)
  }

  /** Something begins that expires at this instant of `performance.now()`. */
  begin(expiresAtMs: number): void {
    this.#underWay++
    if (expiresAtMs < this.#firesAtMs) this.#setFor(expiresAtMs)
  }

  /** Something has ended. */
  end(): void {
    this.#underWay--
    // Most often the next one begins at once, so that the timer can stay.
    if (this.#underWay === 0) atEndOfTick(this)
  }

  /** Stops the timer at once where nothing is under way, without waiting for the end of the turn. */
  stopWhenUnused(): void {
    if (this.#underWay === 0) this.#stop()
  }

  endTick(): void {
    this.stopWhenUnused()
  }

  #setFor(expiresAtMs: number): void {
    this.#stop()
    this.#firesAtMs = expiresAtMs
    this.#timer = inBackground(
      setTimeout(
        () => {
          const firedAtMs = performance.now()
          const lateMs = firedAtMs - expiresAtMs
          // What has arrived is read next, and may begin something that has to know.
          if (lateMs > BLOCKED_FROM_MS) this.givenBackMs += 2 * lateMs
          setImmediate(() => {
            this.#expire(firedAtMs)
          })
        },
        Math.ceil(Math.max(0, expiresAtMs - performance.now())),
      ),
    )
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#firesAtMs = Infinity
  }

  #expire(firedAtMs: number): void {
    this.#stop()
    const nowMs = performance.now()
    let nextMs = Infinity
    for (const timed of this.#watched) {
      const lateMs = firedAtMs - timed.expiresAtMs
      if (lateMs > BLOCKED_FROM_MS) timed.expiresAtMs = Math.min(nowMs + lateMs, timed.deadlineAtMs)
      if (timed.expiresAtMs < nowMs + TIMER_PRECISION_MS) timed.expire()
      else nextMs = Math.min(nextMs, timed.expiresAtMs)
    }
    if (nextMs < this.#firesAtMs) this.#setFor(nextMs)
  }
}

function runTasks(): void {
  const tasks = waiting
  // What the tasks ask for belongs to the next turn.
  waiting = []
  for (const task of tasks) task.endTick()
}
