import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

import { x } from 'tinyexec'

import { credentials, region } from './fixture.mjs'
import { benchFolder, caFile, workFolder } from './folders.mjs'
import { nodeBinary } from './install.mjs'

const timeoutMs = 20 * 60 * 1000

/**
 * Runs a script of `processes/` in a fresh process, with the job as JSON, and resolves with the JSON that it writes.
 *
 * @template Result
 * @param {string} script
 * @param {unknown} job
 * @param {import('../types.d.ts').RunOptions} [options]
 * @returns {Promise<Result>}
 */
export async function runProcess(script, job, { node, nodeOptions = [] } = {}) {
  const args = [...nodeOptions, join(benchFolder, 'processes', script), JSON.stringify(job)]
  const { exitCode, stdout, stderr } = await x(await nodeBinary(node), args, {
    timeout: timeoutMs,
    nodeOptions: { env: environment() },
  })
  if (exitCode !== 0) throw new Error(`${script} ended with exit code ${exitCode}\n${stderr}`)
  /** @type {unknown} */
  const result = JSON.parse(stdout)
  return /** @type {Result} */ (result)
}

/** An environment in which every contender finds the benchmark's credentials and looks nowhere else. */
function environment() {
  const withheld = Object.keys(process.env).filter(name =>
    /^(AWS|DYNAMODB_SESSIONS|NODE|npm)_|^(USERPROFILE|FORCE_COLOR)$/i.test(name),
  )
  return {
    ...Object.fromEntries(withheld.map(name => [name, undefined])),
    NODE_EXTRA_CA_CERTS: caFile,
    // Where there is no .aws folder.
    HOME: workFolder,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}

/**
 * Starts a process that serves until it is stopped or this process ends.
 *
 * @template Message
 * @param {string} file
 * @returns {Promise<{ message: Message, stop: () => Promise<void> }>} With the first message that it sends.
 */
export async function startService(file) {
  const child = fork(file, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const exited = once(child, 'exit')
  /** @type {Message} */
  const message = await new Promise((resolve, reject) => {
    child.once('message', received => resolve(/** @type {Message} */ (received)))
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`${file} ended with exit code ${code}`)))
  })
  return {
    message,
    stop: async () => {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}
