/** The servers that play the services of AWS. */
export type ServerName = 'metadata' | 'container' | 'sts' | 'portal' | 'oidc' | 'signIn'

/** A complete answer; a body that is no text is sent as JSON. */
export interface ScriptedAnswer {
  /** `@default 200` */
  readonly statusCode?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** What a server does with a request: answers it, or one of the ways not to. */
export type ScriptedBehaviour = ScriptedAnswer | 'reset' | 'cut-short' | 'silence'

/** What a server does with requests in whose line or body the text `when` appears; the last step is used for good. */
export interface Route {
  readonly when: string
  readonly answers: readonly ScriptedBehaviour[]
}

/** Routes of each server, the first that fits counts. What nobody scripted is answered with 404. */
export type ServerScripts = Readonly<Partial<Record<ServerName, readonly Route[]>>>

/** Environment variables; `null` takes one away that every scenario has. */
export type ScenarioEnvironment = Readonly<Record<string, string | null>>

/**
 * A world in which credentials, or the endpoint and region of DynamoDB, are looked for.
 *
 * It is data alone, so that a recorder can play it to another implementation. Texts have placeholders: `{home}`,
 * `{url:<server>}`, `{in:<seconds>}` (that far from now, in ISO 8601), `{sha1:<text>}`, `{sha256:<text>}`, `{dpopKey}`.
 */
export interface Scenario {
  /** Unique. */
  readonly name: string
  /** `credentials`: one call of the default chain; `endpoint`: one `GetItem`, which is not really sent. */
  readonly asks: 'credentials' | 'endpoint'
  readonly environment: ScenarioEnvironment
  /** Files by their path in the home directory; a content that is no text is written as JSON. */
  readonly files: Readonly<Record<string, unknown>>
  readonly servers: ServerScripts
  /** Options of the default chain, or of the client. */
  readonly options: {
    readonly profile?: string
    readonly region?: string
    readonly endpoint?: string
  }
  /** Files whose content afterwards belongs to the outcome. */
  readonly watchedFiles: readonly string[]
  /** Whether it is run in a process of its own, with the built package. */
  readonly inChildProcess: boolean
  /**
   * Set when the AWS SDK cannot be asked (it would not stay on this machine, or never ends): the expectation is then
   * written by hand, as a deliberate difference.
   */
  readonly notForSdk: boolean
}

/** What a table says about a scenario. */
export type ScenarioChanges = Partial<Omit<Scenario, 'name' | 'asks'>>

/** Makes a scenario that asks for credentials. */
export function credentialsScenario(name: string, changes: ScenarioChanges = {}): Scenario {
  return complete(name, 'credentials', changes)
}

/** Makes a scenario that asks where a request to DynamoDB goes. */
export function endpointScenario(name: string, changes: ScenarioChanges = {}): Scenario {
  return complete(name, 'endpoint', changes)
}

/** Puts two sets of changes together; of what both say, the second counts, and its routes come first. */
export function merged(first: ScenarioChanges, second: ScenarioChanges): ScenarioChanges {
  return {
    ...first,
    ...second,
    environment: { ...first.environment, ...second.environment },
    files: { ...first.files, ...second.files },
    servers: mergedServers(first.servers, second.servers),
    options: { ...first.options, ...second.options },
  }
}

function mergedServers(first: ServerScripts = {}, second: ServerScripts = {}): ServerScripts {
  const both: Partial<Record<ServerName, readonly Route[]>> = { ...first }
  for (const [name, routes] of Object.entries(second) as [ServerName, readonly Route[]][]) {
    both[name] = [...routes, ...(both[name] ?? [])]
  }
  return both
}

function complete(name: string, asks: Scenario['asks'], changes: ScenarioChanges): Scenario {
  return {
    environment: {},
    files: {},
    servers: {},
    options: {},
    watchedFiles: [],
    inChildProcess: false,
    notForSdk: false,
    ...changes,
    name,
    asks,
  }
}
