import { runChild } from './child.mjs'
import { describePoint } from './plan.mjs'
import { medians } from './statistics.mjs'

/** @typedef {import('./contenders.mjs').ContenderInfo} ContenderInfo */
/** @typedef {import('./load.mjs').LoadResult} LoadResult */
/** @typedef {import('./plan.mjs').Plan} Plan */
/** @typedef {{ point: import('./plan.mjs').Point, rounds: number, results: Record<string, LoadResult> }} MeasuredPoint */

/**
 * Puts every contender under the same load at every point, in turns, each in a fresh process.
 *
 * @param {import('./stub-server.mjs').StubServer} server
 * @param {readonly ContenderInfo[]} contenders
 * @param {Plan} plan
 * @returns {Promise<MeasuredPoint[]>} Medians over the rounds.
 */
export async function measureCpu(server, contenders, plan) {
  /** @type {MeasuredPoint[]} */
  const measured = []
  for (const [index, point] of plan.points.entries()) {
    const rounds = index === 0 ? plan.roundsOfFirstPoint : plan.rounds
    console.log(`\n${describePoint(point)} (rounds: ${rounds})`)
    /** @type {Map<string, LoadResult[]>} */
    const results = new Map(contenders.map(({ name }) => [name, []]))
    for (let round = 0; round < rounds; round++) {
      // Each round starts with another contender, so that none always follows the same one.
      for (const contender of rotate(contenders, round)) {
        results.get(contender.name)?.push(await measureOne(server, contender, point, plan))
      }
    }
    /** @type {Record<string, LoadResult>} */
    const middle = {}
    for (const [name, all] of results) middle[name] = medians(all)
    measured.push({ point, rounds, results: middle })
    for (const [name, { cpuMicrosPerOperation, operationsPerSecond, p50Micros }] of Object.entries(middle)) {
      console.log(
        `  ${name.padEnd(18)} ${cpuMicrosPerOperation.toFixed(1).padStart(8)} us CPU/op` +
          `${operationsPerSecond.toFixed(0).padStart(8)} op/s  p50 ${p50Micros.toFixed(0).padStart(6)} us`,
      )
    }
  }
  return measured
}

/**
 * @param {import('./stub-server.mjs').StubServer} server
 * @param {ContenderInfo} contender
 * @param {import('./plan.mjs').Point} point
 * @param {Pick<Plan, 'warmUpCpuMs' | 'warmUpOperations' | 'measureCpuMs'>} plan
 * @param {readonly string[]} [nodeOptions]
 */
export async function measureOne(server, { name, layout }, point, plan, nodeOptions = []) {
  const { protocol, ...job } = point
  const url = server.url(protocol, layout, point.itemBytes)
  const { warmUpCpuMs, warmUpOperations, measureCpuMs } = plan
  const result = await runChild({
    script: 'load.mjs',
    args: [JSON.stringify({ ...job, contender: name, url, warmUpCpuMs, warmUpOperations, measureCpuMs })],
    caFile: server.caFile,
    nodeOptions,
  })
  return /** @type {LoadResult} */ (result)
}

/**
 * @template T
 * @param {readonly T[]} list
 * @param {number} by
 */
function rotate(list, by) {
  const start = by % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}
