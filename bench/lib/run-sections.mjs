import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'

import { x } from 'tinyexec'

import { sections } from '../sections/all.mjs'
import { plotSection, plotSummary } from './charts.mjs'
import { installedVersion, nodeBinary } from './install.mjs'
import { measureSection } from './measure.mjs'
import { renderReport } from './report.mjs'

/** @typedef {import('../types.d.ts').Context} Context */
/** @typedef {import('../types.d.ts').Results} Results */

/**
 * Measures the wanted sections and writes the report, in which those that were not wanted stay as they were. What was
 * measured is kept even when a later section fails.
 *
 * @param {Context} context
 * @param {{ folder: string, wanted: readonly string[], node: string | undefined }} options
 */
export async function runSections(context, { folder, wanted, node }) {
  const results = await readResults(folder)
  for (const section of sections.filter(({ name }) => wanted.includes(name))) {
    const facts = await describeRun(context.plan, node, section.packages)
    try {
      const rows = await measureSection(section, context)
      if (rows.length === 0) continue
      results[section.name] = { facts, rows }
    } catch (error) {
      process.exitCode = 1
      console.error(`${section.name}: ${error instanceof Error ? error.message : String(error)}`)
      continue
    }
    await writeResults(folder, results)
  }
  console.log(`\nWritten to ${join(folder, 'RESULTS.md')}`)
}

/**
 * @param {import('../types.d.ts').Plan} plan
 * @param {string | undefined} node
 * @param {readonly string[]} packages
 */
async function describeRun({ quick, givenRounds: rounds }, node, packages) {
  const processors = cpus()
  const { stdout } = await x(await nodeBinary(node), ['--version'])
  /** @type {Record<string, string>} */
  const versions = {}
  for (const name of ['dynamodb-sessions', ...packages]) versions[name] = await installedVersion(name)
  return {
    date: new Date().toISOString().slice(0, 10),
    quick,
    rounds,
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGigabytes: Math.round(totalmem() / 1e9),
    platform: `${process.platform} ${process.arch}`,
    node: stdout.trim().slice(1),
    loadAverageBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    versions,
  }
}

/**
 * @param {string} folder
 * @returns {Promise<Results>}
 */
async function readResults(folder) {
  const text = await readFile(join(folder, 'results.json'), 'utf8').catch(() => '{}')
  const results = /** @type {Partial<Results>} */ (/** @type {unknown} */ (JSON.parse(text)))
  // Those of earlier versions of the benchmark are not understood.
  return /** @type {Results} */ (Object.fromEntries(Object.entries(results).filter(([, own]) => own?.rows)))
}

/**
 * @param {string} folder
 * @param {Results} results
 */
async function writeResults(folder, results) {
  await mkdir(folder, { recursive: true })
  const plots = sections.flatMap(section => {
    const own = results[section.name]
    return own === undefined ? [] : [{ name: `${section.name}.svg`, text: plotSection(section, own) }]
  })
  const files = [
    { name: 'results.json', text: JSON.stringify(results, rounded) },
    { name: 'RESULTS.md', text: renderReport(results) },
    ...plots,
    { name: 'summary.svg', text: plotSummary(results) },
  ]
  for (const { name, text } of files) if (text !== undefined) await writeFile(join(folder, name), text)
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
