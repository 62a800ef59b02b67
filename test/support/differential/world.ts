import { mkdir, readFile, rm, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { FakeService, type FakeServiceBehaviour, type FakeServiceScript } from '../fake-sso.ts'
import { describeRequest } from './describe-request.ts'
import { expanded, expandedText, type PlaceholderValues } from './placeholders.ts'
import type { Route, Scenario, ServerName } from './scenario.ts'

/** Number of requests that each server got, and what they were, in order; servers without any are left out. */
export type RequestLog = Readonly<Record<string, readonly string[]>>

const SERVER_NAMES: readonly ServerName[] = ['metadata', 'container', 'sts', 'portal', 'oidc', 'signIn']

/** Variables of every scenario: nothing may look for AWS anywhere but on this machine. */
const BASE_ENVIRONMENT: Readonly<Record<string, string>> = {
  HOME: '{home}',
  AWS_EC2_METADATA_SERVICE_ENDPOINT: '{url:metadata}',
  AWS_ENDPOINT_URL_STS: '{url:sts}',
  AWS_ENDPOINT_URL_SSO: '{url:portal}',
  AWS_ENDPOINT_URL_SSO_OIDC: '{url:oidc}',
  AWS_ENDPOINT_URL_SIGNIN: '{url:signIn}',
}

/** A home directory and running servers, as a scenario describes them. */
export class World {
  readonly environment: Readonly<Record<string, string>>
  readonly placeholders: PlaceholderValues
  readonly #servers: ReadonlyMap<ServerName, FakeService>

  private constructor(
    environment: Readonly<Record<string, string>>,
    placeholders: PlaceholderValues,
    servers: ReadonlyMap<ServerName, FakeService>,
  ) {
    this.environment = environment
    this.placeholders = placeholders
    this.#servers = servers
  }

  /** Makes it; the servers stop when the running test ends, and everything with {@link close}. */
  static async of(scenario: Scenario): Promise<World> {
    const servers = new Map<ServerName, FakeService>()
    for (const name of SERVER_NAMES) servers.set(name, await FakeService.start())
    const placeholders = {
      home: await mkdtemp(join(tmpdir(), 'dynamodb-sessions-home-')),
      urls: new Map([...servers].map(([name, { url }]) => [name, url])),
    }
    for (const [name, server] of servers) {
      const routes = expanded(scenario.servers[name] ?? [], placeholders) as readonly Route[]
      server.answers(scriptOf(routes))
    }
    for (const [path, content] of Object.entries(scenario.files)) {
      await writeIn(placeholders, path, content)
    }
    const environment: Record<string, string> = { PATH: process.env['PATH'] ?? '' }
    for (const [name, value] of Object.entries({ ...BASE_ENVIRONMENT, ...scenario.environment })) {
      if (value !== null) environment[name] = expandedText(value, placeholders)
    }
    return new World(environment, placeholders, servers)
  }

  /** The requests so far. */
  get requests(): RequestLog {
    const log: Record<string, readonly string[]> = {}
    for (const [name, { requests }] of this.#servers) {
      if (requests.length > 0) log[name] = requests.map(request => describeRequest(name, request))
    }
    return log
  }

  /** Content of a file in the home directory; `undefined` when it is not there. */
  async read(path: string): Promise<string | undefined> {
    return readFile(join(this.placeholders.home, expandedText(path, this.placeholders)), 'utf8').catch(
      () => undefined,
    )
  }

  /** Stops the servers and removes the home directory. */
  async close(): Promise<void> {
    await Promise.all([...this.#servers.values()].map(server => server.close()))
    await rm(this.placeholders.home, { recursive: true, force: true })
  }
}

async function writeIn(placeholders: PlaceholderValues, path: string, content: unknown): Promise<void> {
  const file = join(placeholders.home, expandedText(path, placeholders))
  const value = expanded(content, placeholders)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, typeof value === 'string' ? value : JSON.stringify(value))
}

function scriptOf(routes: readonly Route[]): FakeServiceScript {
  const steps = routes.map(({ when, answers }) => ({ when, left: [...answers] }))
  return request => {
    const route = steps.find(({ when }) => `${request.line}\n${request.body}`.includes(when))
    const behaviour = route !== undefined && route.left.length > 1 ? route.left.shift() : route?.left[0]
    if (behaviour === undefined) return { statusCode: 404, body: 'Not Found' }
    return behaviour === 'silence' ? silence() : behaviour
  }
}

/** The connection stays open until the server is closed. */
function silence(): Promise<FakeServiceBehaviour> {
  return new Promise(() => {})
}
