import { setTimeout as delay } from 'node:timers/promises'

import { quantileSorted } from 'simple-statistics'

/** @typedef {import('../types.d.ts').Target} Target */

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
 * @param {{ cpuMs: number, operations?: number, rampMs?: number }} least How much CPU time it takes and how many operations it
 *   has, at least; and how long after 32 operations the next 32 begin at first.
 * @throws what the first failing operation throws: a contender that fails is not measured.
 */
export async function runLoad(target, inFlight, { cpuMs, operations: leastOperations = 0, rampMs = 0 }) {
  const startedMs = performance.now()
  const cpuBefore = process.cpuUsage()
  let running = true
  let operations = 0
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(cpuBefore)
    const isLate = performance.now() - startedMs > cpuMs * longestStretch
    if (isLate || (user + system >= cpuMs * 1000 && operations >= leastOperations)) running = false
  }, cpuCheckIntervalMs)
  /** @param {number} lane @returns {Promise<void>} */
  const runLane = async lane =>
    new Promise((resolve, reject) => {
      let beganMs = performance.now()
      /** @param {unknown} [error] */
      const done = error => {
        if (error !== undefined && error !== null) {
          reject(error instanceof Error ? error : new Error('the operation failed'))
          return
        }
        const nowMs = performance.now()
        latencies[operations++ % latencies.length] = nowMs - beganMs
        beganMs = nowMs
        if (running) target.start(done, lane)
        else resolve()
      }
      target.start(done, lane)
    })
  try {
    await Promise.all(
      Array.from({ length: inFlight }, async (_, lane) => {
        await delay(Math.floor(lane / 32) * rampMs)
        return runLane(lane)
      }),
    )
  } finally {
    running = false
    clearInterval(timer)
  }
  const elapsedMs = performance.now() - startedMs
  const { user, system } = process.cpuUsage(cpuBefore)
  const sorted = latencies.subarray(0, Math.min(operations, latencies.length)).sort()
  const quantile = (/** @type {number} */ share) => quantileSorted(sorted, share) * 1000
  return {
    cpuMicros: (user + system) / operations,
    systemMicros: system / operations,
    operationsPerSecond: operations / (elapsedMs / 1000),
    p50Micros: quantile(0.5),
    p99Micros: quantile(0.99),
    rssMegabytes: process.memoryUsage.rss() / 1e6,
  }
}
