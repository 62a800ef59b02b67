import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { onTestFinished } from 'vitest'

import { engineCredentials, engineRegion } from '../../support/engines.ts'

const SERVER = fileURLToPath(new URL('../../../examples/express/server.js', import.meta.url))

/** Starts a process of the example shop; it ends with the test. Returns its address. */
export async function startShop(
  table: string,
  endpoint: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<string> {
  const shop = fork(SERVER, {
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      SESSIONS_TABLE: table,
      AWS_REGION: engineRegion,
      AWS_ACCESS_KEY_ID: engineCredentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: engineCredentials.secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_EC2_METADATA_DISABLED: 'true',
      // Requests may be held for as long as a slow machine needs.
      DYNAMODB_SESSIONS_ATTEMPT_TIMEOUT_MS: '30000',
      DYNAMODB_SESSIONS_DEADLINE_MS: '50000',
      ...variables,
    },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  onTestFinished(async () => {
    const exited = once(shop, 'exit')
    if (shop.exitCode === null && shop.signalCode === null && shop.kill('SIGKILL')) await exited
  })
  let printed = ''
  return new Promise((resolve, reject) => {
    for (const output of [shop.stdout, shop.stderr]) {
      output?.setEncoding('utf8').on('data', (text: string) => {
        printed += text
        const address = /listening on (?<address>\S+)/.exec(printed)?.groups?.['address']
        if (address !== undefined) resolve(address)
      })
    }
    shop.once('exit', () => {
      reject(new Error(`the shop did not start:\n${printed}`))
    })
  })
}

/** What a {@link Visitor} was answered. */
export interface Page {
  readonly status: number
  readonly text: string
}

/** A visitor of the shop: `fetch` with a jar for the session cookie. Redirects are followed by hand, if at all. */
export class Visitor {
  readonly #shop: string
  #cookie: string | undefined

  constructor(shop: string) {
    this.#shop = shop
  }

  /** Signs in and returns the visitor. */
  static async signedIn(shop: string, name: string): Promise<Visitor> {
    const visitor = new Visitor(shop)
    await visitor.post('/sign-in', { name })
    return visitor
  }

  /** Opens the page of the shop. */
  async look(): Promise<string> {
    return (await this.#fetch('/', {})).text
  }

  /** Sends a form. */
  async post(path: string, fields: Readonly<Record<string, string>> = {}): Promise<Page> {
    return this.#fetch(path, { method: 'POST', body: new URLSearchParams(fields) })
  }

  async #fetch(path: string, init: RequestInit): Promise<Page> {
    const response = await fetch(new URL(path, this.#shop), {
      ...init,
      redirect: 'manual',
      ...(this.#cookie !== undefined && { headers: { cookie: this.#cookie } }),
    })
    for (const header of response.headers.getSetCookie()) this.#cookie = header.replace(/;.*$/s, '')
    return { status: response.status, text: await response.text() }
  }
}
