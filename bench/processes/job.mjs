import { readFileSync } from 'node:fs'

/**
 * The job that this process was started with.
 *
 * @template Job
 * @returns {Job}
 */
export function readJob() {
  return parse(process.argv[2] ?? '')
}

/**
 * The job of a load, with the request that our store sends for it.
 *
 * @template {import('../types.d.ts').Job} Job
 * @returns {Job}
 */
export function readLoadJob() {
  /** @type {Job & { requestFile: string }} */
  const job = readJob()
  return { ...job, request: parse(readFileSync(job.requestFile, 'utf8')) }
}

/**
 * @template Value
 * @param {string} text
 * @returns {Value}
 */
function parse(text) {
  /** @type {unknown} */
  const value = JSON.parse(text)
  return /** @type {Value} */ (value)
}

/**
 * Hands the result over and ends the process.
 *
 * @param {unknown} result
 */
export function finish(result) {
  process.stdout.write(JSON.stringify(result), () => process.exit())
}
