/** @typedef {import('./fixture.mjs').Operation} Operation */
/**
 * One thing that all contenders are measured at.
 *
 * @typedef {object} Point
 * @property {import('./stub-server.mjs').Protocol} protocol
 * @property {number} inFlight
 * @property {number} itemBytes
 * @property {Operation} operation
 */
/**
 * How long and how often. Lengths are in CPU time of the contender's process.
 *
 * @typedef {object} Plan
 * @property {readonly Point[]} points The first is the one that the plot and the summary show.
 * @property {number} roundsOfFirstPoint
 * @property {number} rounds
 * @property {number} warmUpCpuMs
 * @property {number} warmUpOperations
 * @property {number} measureCpuMs
 * @property {number} startupRounds
 * @property {number} memoryOperations
 * @property {number} costViews
 */

/** @type {Point} */
const base = { protocol: 'https', inFlight: 32, itemBytes: 512, operation: 'get' }

/** @type {readonly Point[]} */
const fullPoints = [
  base,
  { ...base, inFlight: 1 },
  { ...base, inFlight: 8 },
  { ...base, inFlight: 256 },
  { ...base, itemBytes: 4096 },
  { ...base, itemBytes: 65_536 },
  { ...base, operation: 'set' },
  { ...base, operation: 'set', itemBytes: 4096 },
  { ...base, operation: 'set', itemBytes: 65_536 },
  { ...base, operation: 'touch' },
  { ...base, protocol: 'http' },
  { ...base, protocol: 'http', inFlight: 1 },
]

/** About ten minutes: every axis varied by itself. @type {Plan} */
export const fullPlan = {
  points: fullPoints,
  roundsOfFirstPoint: 4,
  rounds: 1,
  warmUpCpuMs: 500,
  warmUpOperations: 1500,
  measureCpuMs: 500,
  startupRounds: 15,
  memoryOperations: 1_000_000,
  costViews: 1000,
}

/** A few minutes: enough to see where things stand, not to publish. @type {Plan} */
export const quickPlan = {
  points: fullPoints.filter(
    ({ inFlight, itemBytes }) => inFlight <= 32 && inFlight !== 8 && itemBytes === 512,
  ),
  roundsOfFirstPoint: 3,
  rounds: 1,
  warmUpCpuMs: 600,
  warmUpOperations: 2000,
  measureCpuMs: 600,
  startupRounds: 7,
  memoryOperations: 200_000,
  costViews: 100,
}

/** Every combination of the axes: hours. @returns {readonly Point[]} */
export function matrixPoints() {
  /** @type {Point[]} */
  const points = [base]
  for (const protocol of /** @type {const} */ (['https', 'http'])) {
    for (const inFlight of [1, 8, 32, 256]) {
      for (const itemBytes of [512, 4096, 65_536]) {
        for (const operation of /** @type {const} */ (['get', 'set', 'touch'])) {
          points.push({ protocol, inFlight, itemBytes, operation })
        }
      }
    }
  }
  return points.filter((point, index) => index === 0 || !samePoint(point, base))
}

/**
 * @param {Point} a
 * @param {Point} b
 */
export function samePoint(a, b) {
  return describePoint(a) === describePoint(b)
}

/** @param {Point} point */
export function describePoint({ protocol, inFlight, itemBytes, operation }) {
  const transport = protocol === 'https' ? 'TLS' : 'HTTP'
  return `${operation}, ${itemBytes / 1024} KB, ${inFlight} in flight, ${transport}`
}
