import { fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { answersOf, itemSizes, layouts } from './answers.mjs'
import { createCertificates } from './certificate.mjs'
import { benchFolder } from './folders.mjs'
import { nginxConfiguration } from './nginx-configuration.mjs'

/** @typedef {import('./answers.mjs').LayoutName} LayoutName */
/** @typedef {'http' | 'https'} Protocol */
/**
 * One port of the stub server; what it answers to an operation depends on the port alone.
 *
 * @typedef {{
 *   protocol: Protocol,
 *   layout: LayoutName,
 *   itemBytes: number,
 *   port: number,
 *   answers: Record<string, string>,
 * }} Listener
 */
/**
 * @typedef {{
 *   description: string,
 *   caFile: string,
 *   url: (protocol: Protocol, layout: LayoutName, itemBytes: number) => string,
 *   stop: () => Promise<void>,
 * }} StubServer
 */

const host = '127.0.0.1'
const startTimeoutMs = 10_000

/**
 * Starts a server, in a process of its own, that answers every DynamoDB request with a constant: nginx where it
 * is installed, else a small one of our own.
 *
 * @returns {Promise<StubServer>}
 */
export async function startStubServer() {
  const folder = await mkdtemp(join(tmpdir(), 'dynamodb-sessions-bench-'))
  const { authority, server } = await createCertificates()
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, authority.cert)
  const listeners = await chooseListeners()

  const nginx = findNginx()
  const start = nginx === undefined ? startRawServer : startNginx
  const child = await start({ nginx: nginx ?? '', folder, server, listeners })
  // Whatever ends this process must not leave the server behind.
  const kill = () => {
    // SIGTERM, because nginx passes it on to its worker and cannot pass on SIGKILL.
    child.kill('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', kill)
  const failed = new AbortController()
  child.once('exit', code => failed.abort(new Error(`the stub server ended (exit code ${code})`)))
  for (const { port } of listeners) await waitForPort(port, failed.signal)

  return {
    description: nginx === undefined ? 'a raw node:net server' : nginxVersion(nginx),
    caFile,
    url: (protocol, layout, itemBytes) => {
      const found = listeners.find(
        listener =>
          listener.protocol === protocol && listener.layout === layout && listener.itemBytes === itemBytes,
      )
      if (found === undefined) throw new Error(`the stub server has no items of ${itemBytes} bytes`)
      return `${protocol}://${host}:${found.port}`
    },
    stop: async () => {
      process.off('exit', kill)
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit')
        child.kill('SIGTERM')
        await exited
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** @returns {Promise<Listener[]>} */
async function chooseListeners() {
  /** @type {Listener[]} */
  const listeners = []
  const ports = await freePorts(2 * layouts.length * itemSizes.length)
  for (const protocol of /** @type {const} */ (['http', 'https'])) {
    for (const layout of layouts) {
      for (const itemBytes of itemSizes) {
        const port = ports.pop() ?? 0
        listeners.push({ protocol, layout, itemBytes, port, answers: answersOf(layout, itemBytes) })
      }
    }
  }
  return listeners
}

/** @param {number} count */
async function freePorts(count) {
  // All are held until the last is found, so that none is found twice.
  const servers = Array.from({ length: count }, () => createServer())
  const ports = []
  for (const server of servers) {
    server.listen(0, host)
    await once(server, 'listening')
    const address = server.address()
    ports.push(typeof address === 'object' && address !== null ? address.port : 0)
  }
  await Promise.all(
    servers.map(server => {
      server.close()
      return once(server, 'close')
    }),
  )
  return ports
}

/** @returns {string | undefined} Path of nginx; Debian puts it where only root's PATH looks. */
function findNginx() {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.map(folder => join(folder, 'nginx')).find(file => existsSync(file))
}

/** @param {string} nginx */
function nginxVersion(nginx) {
  const { stderr } = spawnSync(nginx, ['-v'], { encoding: 'utf8' })
  return `nginx ${/nginx\/(\S+)/.exec(stderr)?.[1] ?? ''}`.trim()
}

/**
 * @typedef {{
 *   nginx: string,
 *   folder: string,
 *   server: import('./certificate.mjs').KeyPair,
 *   listeners: readonly Listener[],
 * }} StartOptions
 */

/** @param {StartOptions} options */
async function startNginx({ nginx, folder, server, listeners }) {
  await mkdir(join(folder, 'answers'))
  await writeFile(join(folder, 'post'), '')
  await writeFile(join(folder, 'server.pem'), server.cert)
  await writeFile(join(folder, 'server.key'), server.key)
  for (const { port, answers } of listeners) {
    for (const [operation, text] of Object.entries(answers)) {
      await writeFile(join(folder, 'answers', `${port}-${operation}`), text)
    }
  }
  const configurationFile = join(folder, 'nginx.conf')
  await writeFile(configurationFile, nginxConfiguration({ folder, host, listeners }))
  return spawn(nginx, ['-e', 'stderr', '-p', folder, '-c', configurationFile], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** @param {StartOptions} options */
async function startRawServer({ folder, server, listeners }) {
  const planFile = join(folder, 'plan.json')
  await writeFile(planFile, JSON.stringify({ host, server, listeners }))
  return fork(join(benchFolder, 'processes', 'raw-server.mjs'), [planFile])
}

/**
 * @param {number} port
 * @param {AbortSignal} signal
 */
async function waitForPort(port, signal) {
  const giveUpAtMs = performance.now() + startTimeoutMs
  while (!(await accepts(port))) {
    signal.throwIfAborted()
    if (performance.now() > giveUpAtMs) throw new Error('the stub server does not accept connections')
    await delay(20)
  }
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
async function accepts(port) {
  const socket = connect(port, host)
  return new Promise(resolve => {
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
