import { type Endpoint, parseEndpoint } from '../http/endpoint.ts'
import type { EndpointSettings } from '../config/settings.ts'
import { endpointUrlFor } from './endpoint-rules.ts'

/**
 * The endpoint of a client, worked out again only when the account or the table changes: account-based endpoints
 * depend on them.
 */
export class EndpointCache {
  readonly #settings: EndpointSettings
  #accountId: string | undefined
  #table: string | undefined
  #endpoint: Endpoint | undefined

  constructor(settings: EndpointSettings) {
    this.#settings = settings
  }

  /**
   * Where to send a call.
   *
   * @throws {ConfigurationError} when the settings exclude each other or an account is required and not known.
   */
  endpointFor(accountId: string | undefined, table: string | undefined): Endpoint {
    if (this.#endpoint === undefined || this.#accountId !== accountId || this.#table !== table) {
      this.#endpoint = parseEndpoint(endpointUrlFor(this.#settings, { accountId, tableArn: table }))
      this.#accountId = accountId
      this.#table = table
    }
    return this.#endpoint
  }
}
