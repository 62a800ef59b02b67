import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { cp } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { resolve } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { onTestFinished } from 'vitest'

import { addFrameworks, installPackedApp, type PackedApp } from '../package/packed-app.ts'
import { createAuthority, createCertificate } from '../support/certificates.ts'
import { connectionTo, type EngineConnection, engine, uniqueTableName } from '../support/engines.ts'
import { listen } from '../support/loopback.ts'

/** What `scenario.mjs` is told. */
export interface ScenarioSettings {
  readonly connection: EngineConnection & { readonly ca?: string }
  readonly table: string
  readonly refusedEndpoint: string
  readonly silentEndpoint: string
  readonly mistakenEndpoint?: string
  /** Names of scenarios. @default all */
  readonly only?: readonly string[]
}

/** What the preload reaches by default. */
export const preloadedFrameworks: readonly string[] = [
  'express-session',
  '@fastify/session',
  'koa-generic-session',
]

let app: Promise<PackedApp> | undefined

/** The application of the programs of the folder `fixtures`, which has installed the packed package: one in a test file. */
export async function scenarioApp(): Promise<PackedApp> {
  app ??= installScenarioApp()
  return app
}

/** Settings for one run of the scenario, on an engine; what they need is stopped when the running test ends. */
export async function scenarioSettings(): Promise<ScenarioSettings> {
  return {
    connection: connectionTo(engine),
    table: uniqueTableName(),
    refusedEndpoint: await refusingOrigin(),
    silentEndpoint: await serve(createServer()),
  }
}

/** The same settings, but over TLS with a certificate that only its own authority vouches for. */
export async function overTls(settings: ScenarioSettings): Promise<ScenarioSettings> {
  const { hostname, port } = new URL(settings.connection.endpoint)
  const authority = await createAuthority('the authority of a test')
  const certificate = await createCertificate({ authority })
  const front = createTlsServer(certificate, socket => {
    const back = connect(Number(port), hostname)
    socket.pipe(back).pipe(socket)
    socket.on('error', () => back.destroy())
    back.on('error', () => socket.destroy())
  })
  const origin = await serve(front)
  const endpoint = `https://localhost:${new URL(origin).port}`
  return {
    ...settings,
    connection: { ...settings.connection, endpoint, ca: authority.cert },
    mistakenEndpoint: origin.replace('http:', 'https:'),
  }
}

/**
 * Runs a program until it ends by itself; rejects with what it printed when it fails.
 *
 * @param program a file of the folder `fixtures`, or the path of a bundle.
 */
export async function run(
  command: readonly [file: string, ...args: string[]],
  program: string,
  settings: object,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string> {
  const [file, ...args] = command
  const { folder } = await scenarioApp()
  const { stdout } = await promisify(execFile)(
    file,
    [...args, resolve(folder, program), JSON.stringify(settings)],
    {
      cwd: folder,
      env,
      timeout: 180_000,
    },
  )
  return stdout
}

async function installScenarioApp(): Promise<PackedApp> {
  const installed = await installPackedApp()
  await addFrameworks(installed, [
    'express',
    'express-session',
    'fastify',
    '@fastify',
    'koa',
    'koa-generic-session',
    'hono',
  ])
  await cp(fileURLToPath(new URL('fixtures', import.meta.url)), installed.folder, { recursive: true })
  return installed
}

async function serve(server: Server): Promise<string> {
  server.on('connection', socket => {
    socket.on('error', () => socket.destroy())
    onTestFinished(() => {
      socket.destroy()
    })
  })
  onTestFinished(() => {
    server.close()
  })
  return listen(server)
}

async function refusingOrigin(): Promise<string> {
  const server = createServer()
  const origin = await listen(server)
  server.close()
  await once(server, 'close')
  return origin
}
