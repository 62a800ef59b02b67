/** @typedef {import('../types.d.ts').Plan} Plan */

/**
 * Every axis varied by itself, three rounds and more: some hours. A store has more code than a bare client, and takes
 * seconds of CPU time until all of it is compiled.
 *
 * @type {Omit<Plan, 'matrix'>}
 */
const fullPlan = {
  quick: false,
  extent: 'all',
  givenRounds: undefined,
  baseRounds: 7,
  rounds: 3,
  warmUpCpuMs: 3000,
  warmUpOperations: 3000,
  measureCpuMs: 1000,
  startupRounds: 15,
  memoryOperations: 1_000_000,
  costViews: 1000,
  appRequests: 20_000,
  scanItems: 20_000,
  tailReads: 100_000,
  outagePhaseMs: 15_000,
}

/** Enough to see where things stand, not to publish. @type {Omit<Plan, 'matrix'>} */
const quickPlan = {
  quick: true,
  extent: 'quick',
  givenRounds: undefined,
  baseRounds: 3,
  rounds: 1,
  warmUpCpuMs: 400,
  warmUpOperations: 1000,
  measureCpuMs: 400,
  startupRounds: 5,
  memoryOperations: 40_000,
  costViews: 50,
  appRequests: 1000,
  scanItems: 5000,
  tailReads: 20_000,
  outagePhaseMs: 5000,
}

/**
 * How long and how often to measure.
 *
 * @param {{ quick: boolean, matrix: boolean, rounds?: string | undefined }} wanted
 * @returns {Plan}
 * @throws {Error} when `rounds` is no number of rounds.
 */
export function planOf({ quick, matrix, rounds: given }) {
  if (given === undefined) return { ...(quick ? quickPlan : fullPlan), matrix }
  const rounds = Number(given)
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds takes a number from 1 on, not ${given}`)
  // Loads are as long as in a full run: of a short one, most is code that is not compiled yet.
  const { warmUpCpuMs, warmUpOperations, measureCpuMs } = quick ? quickPlan : fullPlan
  const every = {
    baseRounds: rounds,
    rounds,
    startupRounds: rounds,
    warmUpCpuMs,
    warmUpOperations,
    measureCpuMs,
  }
  return { ...quickPlan, ...every, quick, extent: 'targets', givenRounds: rounds, matrix }
}

/** The other versions of Node that the package supports, beside that of the benchmark. */
export const otherNodes = ['20', '22', '24', '26'].filter(
  major => !process.versions.node.startsWith(`${major}.`),
)
