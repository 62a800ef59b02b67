import { samePoint } from './plan.mjs'

/** @typedef {import('./sections.mjs').Results} Results */
/** @typedef {{ what: string, limit: number, measured: number, unit: string }} Target Met when `measured <= limit`. */

/** @type {import('./plan.mjs').Point} */
const summaryPoint = { protocol: 'https', inFlight: 32, itemBytes: 512, operation: 'get' }

/**
 * The project's own targets with what was measured, as far as it was.
 *
 * @param {Results} results
 * @returns {Target[]}
 */
export function targetsOf(results) {
  return [
    ...cpuTargets(results),
    ...startupTargets(results),
    ...sizeTargets(results),
    ...memoryTargets(results),
  ]
}

/**
 * @param {Results} results
 * @param {import('./plan.mjs').Point} point
 */
export function resultsAt({ cpu }, point) {
  return cpu?.points.find(measured => samePoint(measured.point, point))?.results ?? {}
}

/** @param {Results} results @returns {Target[]} */
function cpuTargets(results) {
  const busy = resultsAt(results, summaryPoint)
  const alone = resultsAt(results, { ...summaryPoint, inFlight: 1 })
  const limits = /** @type {const} */ ([
    ['sdk', 1 / 15, 'the AWS SDK client'],
    ['aws4', 1 / 2.5, 'aws4 + node:https'],
    ['undici', 0.75, 'undici + our signer'],
    ['floor', 4, 'the bare socket'],
  ])
  /** @type {Target[]} */
  const targets = []
  for (const [name, limit, label] of limits) {
    const what = `CPU of \`DynamoDBStore.get\` over that of ${label} (0.5 KB, 32 in flight, TLS)`
    push(targets, what, limit, quotient(busy, name, 'cpuMicrosPerOperation'), '×')
  }
  const what = 'p50 of `DynamoDBStore.get` over that of the bare socket (0.5 KB, one in flight, TLS)'
  push(targets, what, 1.25, quotient(alone, 'floor', 'p50Micros'), '×')
  return targets
}

/** @param {Results} results @returns {Target[]} */
function startupTargets({ startup }) {
  /** @type {Target[]} */
  const targets = []
  for (const bundled of [false, true]) {
    /** @param {string} app */
    const cpuOf = app =>
      startup?.starts.find(
        start => start.app === app && start.bundled === bundled && start.protocol === 'https',
      )?.result.cpuMs ?? Number.NaN
    const what = `CPU of import, construction and first read of \`SessionStore\` over that of the AWS SDK client (TLS, ${bundled ? 'bundled' : 'not bundled'})`
    push(targets, what, 1 / 8, cpuOf('ours-store') / cpuOf('sdk'), '×')
  }
  return targets
}

/** @param {Results} results @returns {Target[]} */
function sizeTargets({ size }) {
  /** @param {string} name */
  const kilobytes = name =>
    (size?.bundles.find(bundle => bundle.name === name)?.gzipBytes ?? Number.NaN) / 1024
  /** @type {Target[]} */
  const targets = []
  push(
    targets,
    'Bundle of `./express` with static credentials, min+gzip',
    12,
    kilobytes('ours-static'),
    ' KB',
  )
  push(targets, 'Bundle of `./express` with the default chain, min+gzip', 30, kilobytes('ours-chain'), ' KB')
  return targets
}

/** @param {Results} results @returns {Target[]} */
function memoryTargets({ memory }) {
  const samples = memory?.samples ?? []
  const half = samples[Math.floor(samples.length / 2) - 1]
  const last = samples.at(-1)
  /** @type {Target[]} */
  const targets = []
  const growth = (last?.rssMegabytes ?? Number.NaN) / (half?.rssMegabytes ?? Number.NaN)
  push(targets, `RSS at the end of the long run over that at its half`, 1.05, growth, '×')
  return targets
}

/**
 * @param {Target[]} targets
 * @param {string} what
 * @param {number} limit
 * @param {number} measured
 * @param {string} unit
 */
function push(targets, what, limit, measured, unit) {
  // What was not measured has no row.
  if (Number.isFinite(measured)) targets.push({ what, limit, measured, unit })
}

/**
 * @param {Record<string, import('./load.mjs').LoadResult>} results
 * @param {string} name
 * @param {'cpuMicrosPerOperation' | 'p50Micros'} field
 */
function quotient(results, name, field) {
  return (results['ours-express']?.[field] ?? Number.NaN) / (results[name]?.[field] ?? Number.NaN)
}
