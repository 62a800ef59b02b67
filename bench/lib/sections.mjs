import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { x } from 'tinyexec'

import { contenders } from './contenders.mjs'
import { benchFolder, workFolder } from './folders.mjs'
import { describeRun } from './machine.mjs'
import { costFacts, measureCost } from './measure-cost.mjs'
import { measureCpu } from './measure-cpu.mjs'
import { measureMemory } from './measure-memory.mjs'
import { measureBundles, measureInstalls, measureParts } from './measure-size.mjs'
import { measureStartup } from './measure-startup.mjs'
import { plotResults } from './plots.mjs'
import { renderReport } from './report.mjs'

/** @typedef {import('./machine.mjs').RunFacts} RunFacts */
/**
 * What has been measured so far; each section may come from another run.
 *
 * @typedef {object} Results
 * @property {{ facts: RunFacts, points: import('./measure-cpu.mjs').MeasuredPoint[] }} [cpu]
 * @property {{ facts: RunFacts, rounds: number, starts: import('./measure-startup.mjs').MeasuredStartup[] }} [startup]
 * @property {{
 *   facts: RunFacts,
 *   bundles: import('./measure-size.mjs').BundleResult[],
 *   parts: Awaited<ReturnType<typeof measureParts>>,
 *   installs: import('./measure-size.mjs').InstallResult[],
 * }} [size]
 * @property {{ facts: RunFacts, samples: import('./measure-memory.mjs').MemorySample[] }} [memory]
 * @property {{ facts: RunFacts, views: number, measured: import('./measure-cost.mjs').MeasuredCost[] }} [cost]
 */

/**
 * Measures the wanted sections and writes the report, in which those that were not wanted stay as they were.
 *
 * @param {import('./stub-server.mjs').StubServer} server
 * @param {ReturnType<typeof import('./arguments.mjs').readArguments>} options
 */
export async function runSections(server, { quick, sections, plan, contenders: wanted }) {
  const folder = quick ? join(workFolder, 'quick') : benchFolder
  const facts = await describeRun(quick, server.description)
  console.log(`${facts.cpu}, ${facts.cores} cores, Node ${facts.node}, against ${facts.server}`)
  const results = await readResults(folder)

  // What was measured is kept even when a later section fails.
  if (sections.includes('size')) {
    const bundles = await measureBundles()
    const installs = await measureInstalls().catch((/** @type {unknown} */ error) => {
      console.error(error instanceof Error ? error.message : error)
      return []
    })
    results.size = { facts, bundles, parts: await measureParts(), installs }
    await writeResults(folder, results)
  }
  if (sections.includes('startup')) {
    const rounds = plan.startupRounds
    results.startup = { facts, rounds, starts: await measureStartup(server, rounds) }
    await writeResults(folder, results)
  }
  if (sections.includes('cpu')) {
    results.cpu = { facts, points: await measureCpu(server, wanted ?? contenders, plan) }
    await writeResults(folder, results)
  }
  if (sections.includes('memory')) {
    results.memory = { facts, samples: await measureMemory(server, plan.memoryOperations) }
    await writeResults(folder, results)
  }
  if (sections.includes('cost')) {
    const views = plan.costViews
    results.cost = { facts: await costFacts(facts), views, measured: await measureCost(server, views) }
    await writeResults(folder, results)
  }
  console.log(`\nWritten to ${join(folder, 'RESULTS.md')}`)
}

/**
 * @param {string} folder
 * @returns {Promise<Results>}
 */
async function readResults(folder) {
  const text = await readFile(join(folder, 'results.json'), 'utf8').catch(() => '{}')
  /** @type {unknown} */
  const results = JSON.parse(text)
  return /** @type {Results} */ (results)
}

/**
 * @param {string} folder
 * @param {Results} results
 */
async function writeResults(folder, results) {
  await mkdir(folder, { recursive: true })
  const files = {
    'results.json': JSON.stringify(results, rounded),
    'RESULTS.md': renderReport(results),
    ...plotResults(results),
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const formatted = ['results.json', 'RESULTS.md'].map(name => join(folder, name))
  // The quick results are in a folder that the formatter passes over unless told otherwise.
  await x('prettier', ['--with-node-modules', '--write', ...formatted], { throwOnError: true })
}

/**
 * Three decimals are more than any measurement here is good for.
 *
 * @param {string} _key
 * @param {unknown} value
 */
function rounded(_key, value) {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value
}
