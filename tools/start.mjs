/*
 * `npm start`: the example app on your machine, in two processes that share one table, on a DynamoDB that
 * lives in memory for as long as this runs.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { createTable } from 'dynamodb-sessions/table'

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

const root = fileURLToPath(new URL('..', import.meta.url))
const host = '127.0.0.1'
const appProcesses = 2
const defaultPort = 3000
const startTimeoutMs = 30_000
const stopTimeoutMs = 3000
const parentCheckIntervalMs = 250
const table = 'sessions'
const region = 'us-east-1'
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }

/** @type {ChildProcess[]} */
const apps = []
/** @type {ChildProcess | undefined} */
let database
let stopping = false

// A signal to npm ends npm and its shell but does not reach this process; losing the parent tells.
const parentId = process.ppid
if (process.env['npm_lifecycle_event'] === 'start') {
  setInterval(() => {
    if (process.ppid !== parentId) end(0)
  }, parentCheckIntervalMs).unref()
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(0))

try {
  await start()
} catch (error) {
  if (!stopping) console.error(error instanceof Error ? error.message : error)
  end(1)
}

async function start() {
  const endpoint = await startDatabase()
  if (stopping) return

  // It would warn that dynalite has no time to live, which a database in memory does not need.
  await createTable({ table, region, endpoint, credentials, onWarning: () => {} })

  const ports = await freePorts(requestedPort(), appProcesses)
  const addresses = await Promise.all(ports.map(port => startApp(port, ports, endpoint)))
  if (stopping) return
  const [first = '', ...others] = addresses
  console.log(`
  The example app is running:   ${first}
  A second process of it:       ${others.join(', ')}

  Both keep their sessions in one DynamoDB table (in memory, at ${endpoint}).
  Sign in at one, open the other: the session follows. At ${first}experiments, see races, a
  killed lock holder and a lost Region as they happen. Ctrl-C stops everything.
`)
}

/** @returns {Promise<string>} The endpoint. */
async function startDatabase() {
  const child = fork(join(root, 'tools', 'processes', 'dynalite.mjs'), { env: plainEnvironment() })
  database = child
  child.once('exit', code => {
    if (stopping) return
    console.error('The embedded DynamoDB ended unexpectedly.')
    end(code === null || code === 0 ? 1 : code)
  })
  return new Promise(resolve => {
    child.once('message', (/** @type {{ endpoint: string }} */ message) => resolve(message.endpoint))
  })
}

/**
 * Starts one process of the example app and waits until it answers.
 *
 * @param {number} port
 * @param {readonly number[]} ports Those of all processes, to link to each other.
 * @param {string} endpoint
 * @returns {Promise<string>} The address of the app.
 */
async function startApp(port, ports, endpoint) {
  const child = fork(join(root, 'examples', 'express', 'server.js'), {
    env: {
      ...plainEnvironment(),
      PORT: String(port),
      OTHER_PORTS: ports.filter(other => other !== port).join(','),
      SESSIONS_TABLE: table,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    execArgv: ['--import', pathToFileURL(join(root, 'tools', 'processes', 'end-with-parent.mjs')).href],
    // The addresses are printed once, together.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  apps.push(child)
  child.once('exit', (code, signal) => {
    if (stopping) return
    console.error(`The example app on port ${port} ended unexpectedly (${signal ?? `exit code ${code}`}).`)
    end(code ?? 1)
  })

  const address = `http://${host}:${port}/`
  const giveUpAt = Date.now() + startTimeoutMs
  while (!(await answers(address))) {
    if (Date.now() > giveUpAt) throw new Error(`The example app on port ${port} does not answer.`)
    await delay(50)
  }
  return address
}

/** @param {string} address */
async function answers(address) {
  try {
    const response = await fetch(address, { redirect: 'manual', signal: AbortSignal.timeout(5000) })
    await response.body?.cancel()
    return true
  } catch {
    return false
  }
}

/** @returns {NodeJS.ProcessEnv} The environment without settings that are meant for a real AWS account. */
function plainEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(AWS|DYNAMODB_SESSIONS)_/.test(name)),
  )
}

function requestedPort() {
  const text = process.env['PORT'] || String(defaultPort)
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`PORT must be a whole number from 1 to 65535, not "${text}"`)
  }
  return port
}

/**
 * @param {number} first
 * @param {number} count
 * @returns {Promise<number[]>} The first free ports from `first` on.
 */
async function freePorts(first, count) {
  const ports = []
  for (let port = first; ports.length < count; port++) {
    if (port > 65_535) throw new Error(`There are no ${count} free ports from ${first} on.`)
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
async function isFree(port) {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', error => {
      const code = 'code' in error ? error.code : undefined
      if (code === 'EADDRINUSE' || code === 'EACCES') resolve(false)
      else reject(error)
    })
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}

/**
 * Stops the app, then the database, then this process. A second call changes nothing.
 *
 * @param {number} exitCode
 */
function end(exitCode) {
  if (stopping) return
  stopping = true
  const exit = () => {
    for (const child of [...apps, database]) child?.kill('SIGKILL')
    process.exit(exitCode)
  }
  setTimeout(exit, stopTimeoutMs)
  stopAll().then(exit, exit)
}

async function stopAll() {
  await Promise.all(apps.map(stopChild))
  if (database !== undefined) await stopChild(database)
}

/** @param {ChildProcess} child */
async function stopChild(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  if (child.connected) child.disconnect()
  child.kill('SIGTERM')
  await exited
}
