import { number } from './format.mjs'

/** @typedef {import('../types.d.ts').Context} Context */
/** @typedef {import('../types.d.ts').MeasuredRow} MeasuredRow */
/** @typedef {import('../types.d.ts').Section<never>} Section */

/**
 * Measures every row of a section: each contender once a round, in turns, each time in a fresh process.
 *
 * @param {Section} section
 * @param {Context} context
 * @returns {Promise<MeasuredRow[]>} One that fails has an empty sample, and the exit code of this process says so.
 */
export async function measureSection(section, context) {
  console.log(`\n${section.title}`)
  const { rows, measure, close } = await section.open(context)
  try {
    /** @type {MeasuredRow[]} */
    const measured = []
    const tasks = rows.flatMap(row => {
      const { contenders, rounds, node, variant } = row
      const title = node === undefined ? row.title : `${row.title}, Node ${node}`
      const wanted = contenders.filter(name => context.contenders?.includes(name) ?? true)
      /** @type {MeasuredRow['samples']} */
      const samples = Object.fromEntries(wanted.map(name => [name, []]))
      if (wanted.length > 0) measured.push({ title, variant, samples })
      return Array.from({ length: rounds }, (_, round) =>
        // Each round starts with another contender, so that none always follows the same one.
        wanted.map((__, index) => {
          const contender = wanted[(index + round) % wanted.length] ?? ''
          const name = [title, variant, `round ${round + 1}`, contender].filter(Boolean).join(', ')
          return { row, round, contender, name, into: samples[contender] ?? [] }
        }),
      ).flat()
    })
    const queue = tasks.entries()
    const lane = async () => {
      for (const [index, { row, round, contender, name, into }] of queue) {
        const start = `  ${index + 1}/${tasks.length} ${name}: `
        try {
          into[round] = await measure(row, contender)
          console.log(start + describe(section, into[round]))
        } catch (error) {
          into[round] = {}
          process.exitCode = 1
          console.error(`${start}failed: ${error instanceof Error ? error.message : String(error)}`)
        }
      }
    }
    await Promise.all(Array.from({ length: section.lanes ?? 1 }, lane))
    return measured
  } finally {
    await close?.()
  }
}

/**
 * @param {Section} section
 * @param {import('../types.d.ts').Sample} sample
 */
function describe({ metrics }, sample) {
  return metrics
    .filter(({ field }) => sample[field] !== undefined)
    .slice(0, 4)
    .map(({ field, label }) => `${label} ${number(sample[field])}`)
    .join(', ')
}
