import { fork } from 'node:child_process'
import { join } from 'node:path'

import { credentials, region } from './fixture.mjs'
import { benchFolder, workFolder } from './folders.mjs'

const timeoutMs = 10 * 60 * 1000

/**
 * Runs a script of `processes/` in a fresh process and resolves with what it sends.
 *
 * @param {object} options
 * @param {string} options.script
 * @param {readonly string[]} options.args
 * @param {string} options.caFile Certificate authority that the process trusts next to those that Node trusts.
 * @param {readonly string[]} [options.nodeOptions]
 * @returns {Promise<unknown>}
 */
export async function runChild({ script, args, caFile, nodeOptions = [] }) {
  const child = fork(join(benchFolder, 'processes', script), args, {
    env: { ...plainEnvironment(), NODE_EXTRA_CA_CERTS: caFile },
    execArgv: [...nodeOptions],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    timeout: timeoutMs,
  })
  let errorText = ''
  child.stderr?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    errorText += text
  })
  return new Promise((resolve, reject) => {
    /** @type {unknown} */
    let result
    child.once('message', message => {
      result = message
    })
    child.once('error', reject)
    child.once('close', code => {
      if (result !== undefined) resolve(result)
      else reject(new Error(`${script} ${args.join(' ')} ended with exit code ${code}\n${errorText}`))
    })
  })
}

/** An environment in which every contender finds the benchmark's credentials and looks nowhere else. */
function plainEnvironment() {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(AWS|DYNAMODB_SESSIONS|NODE|npm)_|^(HOME|USERPROFILE|FORCE_COLOR)$/i.test(name),
  )
  return {
    ...Object.fromEntries(kept),
    // Where there is no .aws folder.
    HOME: workFolder,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}
