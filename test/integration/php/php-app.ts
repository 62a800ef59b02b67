import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { type Engine } from '../../support/engines.ts'

/** How the sessions of a {@link PhpApp} are stored. */
export interface PhpAppOptions {
  readonly engine: Engine
  readonly table: string
  readonly locking?: boolean
  readonly base64?: boolean
  readonly dataAttributeType?: 'string' | 'binary'
  readonly serializer?: string
  /** Settings of PHP, by name. */
  readonly settings?: Readonly<Record<string, string>>
}

/** What the application tells of a session. */
export interface PhpAnswer {
  readonly session: Readonly<Record<string, unknown>>
  readonly basket: string
  readonly price: string
}

const WORKERS = 4
const MOST_QUESTIONS = 200
const PAUSE_MS = 100
const PROGRAM = fileURLToPath(new URL('session-app.php', import.meta.url))

/** The application of session-app.php, served by PHP itself. */
export class PhpApp {
  readonly #origin: string
  readonly #close: () => void

  private constructor(origin: string, close: () => void) {
    this.#origin = origin
    this.#close = close
  }

  /** Starts one, and waits until it answers. */
  static async start(options: PhpAppOptions): Promise<PhpApp> {
    const port = await freePort()
    const settings = Object.entries(options.settings ?? {}).flatMap(([name, value]) => [
      '-d',
      `${name}=${value}`,
    ])
    const server = spawn('php', [...settings, '-S', `127.0.0.1:${port}`, PROGRAM], {
      stdio: 'ignore',
      // The workers are processes of their own; as a group they end together.
      detached: true,
      env: {
        PATH: process.env['PATH'],
        PHP_CLI_SERVER_WORKERS: String(WORKERS),
        APP_ENDPOINT: options.engine.endpoint,
        APP_TABLE: options.table,
        APP_LOCKING: options.locking === true ? '1' : '0',
        APP_BASE64: options.base64 === true ? '1' : '0',
        APP_TYPE: options.dataAttributeType ?? 'string',
        APP_SERIALIZER: options.serializer ?? 'php',
      },
    })
    const app = new PhpApp(`http://127.0.0.1:${port}`, () => {
      if (server.pid !== undefined) process.kill(-server.pid, 'SIGKILL')
    })
    await app.#answers()
    return app
  }

  /** Opens a page as a visitor without a session, and returns the `Set-Cookie` header. */
  async openAsStranger(path: string): Promise<string> {
    const response = await fetch(this.#origin + path)
    await response.arrayBuffer()
    return response.headers.get('set-cookie') ?? ''
  }

  /** Opens a page as the visitor with a session. */
  async open(path: string, sessionId: string): Promise<PhpAnswer> {
    const response = await fetch(this.#origin + path, { headers: { cookie: `PHPSESSID=${sessionId}` } })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`PHP answered ${response.status}: ${text}`)
    return JSON.parse(text) as PhpAnswer
  }

  async #answers(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.open('/', 'warming-up-warming-up-1')
        return
      } catch (error) {
        if (attempt === MOST_QUESTIONS) throw error
        await setTimeout(PAUSE_MS)
      }
    }
  }

  /** Ends its processes. */
  close(): void {
    this.#close()
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise(resolve => {
    server.close(resolve)
  })
  if (address === null || typeof address === 'string') throw new Error('there is no free port')
  return address.port
}
