/*
 * One contender under load, in a process of its own; sends the result to the process that forked it.
 */
import { runLoad } from '../lib/load.mjs'

/** @typedef {import('../contenders/contender.d.ts').Contender} Contender */
/**
 * @typedef {import('../contenders/contender.d.ts').Job & {
 *   contender: string,
 *   warmUpCpuMs: number,
 *   warmUpOperations: number,
 *   measureCpuMs: number,
 * }} LoadJob
 */

/** @type {unknown} */
const parsed = JSON.parse(process.argv[2] ?? '')
const job = /** @type {LoadJob} */ (parsed)

/** @type {unknown} */
const loaded = await import(`../contenders/${job.contender}.mjs`)
const contender = /** @type {Contender} */ (loaded)
const target = await contender.open(job)
// A slow contender gets as many operations to be compiled in as a fast one needs, within reason.
let warmUpOperations = 0
for (let turn = 0; turn < 8 && (turn === 0 || warmUpOperations < job.warmUpOperations); turn++) {
  warmUpOperations += (await runLoad(target, job.inFlight, job.warmUpCpuMs)).operations
}
const result = await runLoad(target, job.inFlight, job.measureCpuMs)
process.send?.(result, () => process.exit())
