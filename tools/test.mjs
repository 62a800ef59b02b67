/*
 * `npm test`: everything that must hold before a change is merged. Arguments go to vitest, for example
 * `npm test -- test/unit`.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ensureBuilt } from './ensure-built.mjs'
import { ensureInstalled } from './ensure-installed.mjs'
import { runTool, streamTool } from './run-tool.mjs'

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */
/**
 * The part of vitest's JSON report that is read here.
 *
 * @typedef {{
 *   numPassedTests: number,
 *   numFailedTests: number,
 *   numPendingTests: number,
 *   numTodoTests: number,
 *   testResults: { status: string, assertionResults: { status: string }[] }[],
 * }} Report
 */

/** @type {Counts} */
const counts = { passed: 0, failed: 0, skipped: 0 }

if (await step('install', ensureInstalled)) {
  await step('format', () => check('prettier', ['--check', '.']))
  // The package imports itself by name in tools and examples, so lint and types need the built declarations.
  await step('build', ensureBuilt)
  await step('lint', () => check('oxlint', ['--type-aware']))
  await step('types', () => check('typescript', ['-p', 'tsconfig.json']))
  await step('types of scripts', () => check('typescript', ['-p', 'tsconfig.scripts.json']))
  await step('types of bench', () => check('typescript', ['-p', 'bench/tsconfig.json']))
  await step('types of examples', () => check('typescript', ['-p', 'examples/observability/tsconfig.json']))
  await runTests(process.argv.slice(2))
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed === 0 ? 0 : 1

/**
 * Runs one step, prints one line for it, and what went wrong.
 *
 * @param {string} name
 * @param {() => Promise<unknown>} run
 * @returns {Promise<boolean>} Whether it passed.
 */
async function step(name, run) {
  const startedMs = Date.now()
  /** @type {unknown} */
  let failure
  try {
    await run()
    counts.passed++
  } catch (error) {
    failure = error
    counts.failed++
  }
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1)
  console.log(`${failure === undefined ? 'ok  ' : 'FAIL'} ${name.padEnd(18)} ${seconds.padStart(5)} s`)
  if (failure !== undefined) console.log(failure instanceof Error ? failure.message : failure)
  return failure === undefined
}

/**
 * @param {import('./run-tool.mjs').Tool} tool
 * @param {readonly string[]} args
 */
async function check(tool, args) {
  const { exitCode, output } = await runTool(tool, args)
  if (exitCode !== 0) throw new Error(output.trimEnd())
}

/** @param {readonly string[]} args */
async function runTests(args) {
  const folder = await mkdtemp(join(tmpdir(), 'dynamodb-sessions-test-'))
  try {
    const reportFile = join(folder, 'report.json')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
    const exitCode = await streamTool('vitest', ['run', ...reporters, ...args])
    addTests(await readReport(reportFile), exitCode)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * @param {string} file
 * @returns {Promise<Report | undefined>} `undefined` when vitest ended before it wrote a report.
 */
async function readReport(file) {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  /** @type {unknown} */
  const report = JSON.parse(text)
  return isReport(report) ? report : undefined
}

/**
 * @param {unknown} value
 * @returns {value is Report}
 */
function isReport(value) {
  return typeof value === 'object' && value !== null && 'numPassedTests' in value && 'testResults' in value
}

/**
 * @param {Report | undefined} report
 * @param {number} exitCode Of vitest.
 */
function addTests(report, exitCode) {
  let failed = report?.numFailedTests ?? 0
  // A file that cannot be loaded has no failed test of its own, but it failed.
  for (const { status, assertionResults } of report?.testResults ?? []) {
    if (status === 'failed' && !assertionResults.some(result => result.status === 'failed')) failed++
  }
  // So did a run with an unhandled error, or one that never got as far as a test.
  if (exitCode !== 0 && failed === 0) failed = 1
  counts.passed += report?.numPassedTests ?? 0
  counts.failed += failed
  counts.skipped += (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0)
}
