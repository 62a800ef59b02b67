import { quantile } from './statistics.mjs'

/** @typedef {import('../contenders/contender.d.ts').Target} Target */
/**
 * @typedef {{
 *   operations: number,
 *   operationsPerSecond: number,
 *   cpuMicrosPerOperation: number,
 *   systemMicrosPerOperation: number,
 *   p50Micros: number,
 *   p99Micros: number,
 *   rssMegabytes: number,
 * }} LoadResult
 */

const cpuCheckIntervalMs = 50

/** However little CPU a contender gets, a run takes no longer than this many times what it would take alone. */
const longestStretch = 20

// One for all runs and written to at once, so that it adds the same to the RSS of every contender.
const latencies = new Float32Array(1 << 20).fill(1)

/**
 * Keeps `inFlight` operations under way and measures them.
 *
 * The length of the run is given in CPU time of this process, not in time: where other processes take the CPU away,
 * a run takes longer, but has as many operations in it.
 *
 * @param {Target} target
 * @param {number} inFlight
 * @param {number} cpuMs
 * @returns {Promise<LoadResult>}
 * @throws what the first failing operation throws: a contender that fails is not measured.
 */
export async function runLoad(target, inFlight, cpuMs) {
  const run = new Run(cpuMs)
  const runLane = 'call' in target ? promiseLane : callbackLane
  try {
    await Promise.all(Array.from({ length: inFlight }, async (_, lane) => runLane(target, lane, run)))
  } finally {
    run.stop()
  }
  return run.result()
}

class Run {
  running = true
  #operations = 0
  /** @readonly */
  #startedMs = performance.now()
  /** @readonly */
  #cpuBefore = process.cpuUsage()
  /** @readonly @type {NodeJS.Timeout} */
  #timer

  /** @param {number} cpuMs */
  constructor(cpuMs) {
    this.#timer = setInterval(() => {
      const isLate = performance.now() - this.#startedMs > cpuMs * longestStretch
      if (isLate || this.#cpuMicros() >= cpuMs * 1000) this.stop()
    }, cpuCheckIntervalMs)
  }

  stop() {
    this.running = false
    clearInterval(this.#timer)
  }

  /**
   * Takes note of an operation that has just ended.
   *
   * @param {number} beganMs
   * @returns {number} The time.
   */
  record(beganMs) {
    const nowMs = performance.now()
    latencies[this.#operations++ % latencies.length] = nowMs - beganMs
    return nowMs
  }

  /** @returns {LoadResult} */
  result() {
    const operations = this.#operations
    const elapsedMs = performance.now() - this.#startedMs
    const { user, system } = process.cpuUsage(this.#cpuBefore)
    const sorted = latencies.subarray(0, Math.min(operations, latencies.length)).sort()
    return {
      operations,
      operationsPerSecond: operations / (elapsedMs / 1000),
      cpuMicrosPerOperation: (user + system) / operations,
      systemMicrosPerOperation: system / operations,
      p50Micros: quantile(sorted, 0.5) * 1000,
      p99Micros: quantile(sorted, 0.99) * 1000,
      rssMegabytes: process.memoryUsage.rss() / 1e6,
    }
  }

  #cpuMicros() {
    const { user, system } = process.cpuUsage(this.#cpuBefore)
    return user + system
  }
}

/**
 * @param {Target} target
 * @param {number} _lane
 * @param {Run} run
 */
async function promiseLane(target, _lane, run) {
  if (!('call' in target)) throw new TypeError('this target calls back')
  for (let nowMs = performance.now(); run.running; nowMs = run.record(nowMs)) await target.call()
}

/**
 * @param {Target} target
 * @param {number} lane
 * @param {Run} run
 * @returns {Promise<void>}
 */
async function callbackLane(target, lane, run) {
  if (!('start' in target)) throw new TypeError('this target returns promises')
  return new Promise((resolve, reject) => {
    let beganMs = performance.now()
    /** @param {unknown} [error] */
    const done = error => {
      if (error !== undefined && error !== null) {
        reject(error instanceof Error ? error : new Error('the operation failed'))
        return
      }
      beganMs = run.record(beganMs)
      if (run.running) target.start(done, lane)
      else resolve()
    }
    target.start(done, lane)
  })
}
