import { contenders } from './contenders.mjs'
import { number } from './markdown.mjs'
import { startupApps } from './measure-startup.mjs'
import { describePoint } from './plan.mjs'

/** @typedef {import('./sections.mjs').Results} Results */

/** Fields of a load in which less is better. */
const smallerIsBetter = /** @type {const} */ ([
  ['cpuMicrosPerOperation', 'CPU'],
  ['p50Micros', 'p50'],
  ['p99Micros', 'p99'],
  ['rssMegabytes', 'RSS'],
])

/**
 * Everything measured in which somebody else did better than our express store, in sentences.
 *
 * @param {Results} results
 * @returns {string[]}
 */
export function lossesOf(results) {
  return [...loadLosses(results), ...startupLosses(results), ...sizeLosses(results)]
}

/** @param {Results} results */
function loadLosses({ cpu }) {
  const others = contenders.filter(({ kind }) => kind === 'client' || kind === 'store')
  const losses = []
  for (const { point, results } of cpu?.points ?? []) {
    const ours = results['ours-express']
    if (ours === undefined) continue
    for (const { name, label } of others) {
      const theirs = results[name]
      if (theirs === undefined) continue
      const worse = smallerIsBetter
        .filter(([field]) => theirs[field] < ours[field])
        .map(([field, what]) => `${what} ${number(theirs[field])} against ${number(ours[field])}`)
      if (worse.length > 0) losses.push(`${describePoint(point)}: ${label}: ${worse.join(', ')}`)
    }
  }
  return losses
}

/** @param {Results} results */
function startupLosses({ startup }) {
  const losses = []
  for (const { app, bundled, protocol, result } of startup?.starts ?? []) {
    const label = startupApps.find(({ name }) => name === app)?.label ?? app
    const ours = startup?.starts.find(
      start => start.app === 'ours-express' && start.bundled === bundled && start.protocol === protocol,
    )?.result
    if (ours === undefined || app === 'nothing' || app === 'floor' || app.startsWith('ours')) continue
    if (result.cpuMs < ours.cpuMs || result.wallMs < ours.wallMs) {
      losses.push(`start-up (${bundled ? 'bundled' : 'not bundled'}, ${protocol}): ${label}`)
    }
  }
  return losses
}

/** @param {Results} results */
function sizeLosses({ size }) {
  const ours = size?.bundles.find(({ name }) => name === 'ours-static')
  const ourInstall = size?.installs[0]
  const bundles = (size?.bundles ?? []).filter(
    ({ name, gzipBytes }) => !name.startsWith('ours') && gzipBytes < (ours?.gzipBytes ?? 0),
  )
  const installs = (size?.installs ?? []).filter(({ bytes }) => bytes < (ourInstall?.bytes ?? 0))
  return [
    ...bundles.map(({ label, gzipBytes }) => `bundle: ${label}: ${number(gzipBytes / 1024)} KB min+gzip`),
    ...installs.map(({ label, bytes }) => `installation: ${label}: ${number(bytes / 1e6)} MB`),
  ]
}
