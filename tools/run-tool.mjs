import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const toolScripts = {
  oxlint: 'bin/oxlint',
  prettier: 'bin/prettier.cjs',
  rolldown: 'bin/cli.mjs',
  typescript: 'bin/tsc',
  vitest: 'vitest.mjs',
}

/** @typedef {keyof typeof toolScripts} Tool A development dependency that is a command. */

/** Folder of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/**
 * Runs a Node script in the folder of the repository and collects what it prints.
 *
 * @param {string} script Absolute path of the script.
 * @param {readonly string[]} args
 * @returns {Promise<{ exitCode: number, output: string }>} `output` is standard output and standard error together.
 */
export async function runScript(script, args) {
  return collect(process.execPath, [script, ...args])
}

/**
 * Runs an installed command-line tool of a development dependency and collects what it prints.
 *
 * @param {Tool} tool
 * @param {readonly string[]} args
 */
export async function runTool(tool, args) {
  return runScript(toolPath(tool), args)
}

/**
 * Runs an installed command-line tool that prints straight to the terminal.
 *
 * @param {Tool} tool
 * @param {readonly string[]} args
 * @returns {Promise<number>} The exit code; 1 when a signal ended the tool.
 */
export async function streamTool(tool, args) {
  const child = spawn(process.execPath, [toolPath(tool), ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return exitCodeOf(child)
}

/**
 * Runs npm and collects what it prints: the npm that runs this script, where there is one.
 *
 * @param {readonly string[]} args
 */
export async function runNpm(args) {
  const runningNpm = process.env['npm_execpath']
  if (runningNpm !== undefined && /npm-cli\.c?js$/.test(runningNpm) && existsSync(runningNpm)) {
    return runScript(runningNpm, args)
  }
  // On Windows npm is a batch file, which only a shell can start.
  return collect('npm', args, { shell: process.platform === 'win32' })
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ shell?: boolean }} [options]
 */
async function collect(command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      output += text
    })
  }
  return { exitCode: await exitCodeOf(child), output }
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<number>}
 */
async function exitCodeOf(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve(code ?? 1))
  })
}

/** @param {Tool} tool */
function toolPath(tool) {
  return join(root, 'node_modules', tool, toolScripts[tool])
}
