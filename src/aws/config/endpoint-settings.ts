/** When requests go to an endpoint that carries the number of the AWS account, where AWS has such endpoints. */
export type AccountIdEndpointMode =
  /** Whenever the account is known. */
  | 'preferred'
  /** Never. */
  | 'disabled'
  /** Always: it is an error when that cannot be. */
  | 'required'

/** What decides where requests to DynamoDB go, except the account, which only shows with the credentials. */
export interface EndpointSettings {
  /** A real region, or `local`; never a pseudo-region such as `us-east-1-fips`. */
  readonly region: string
  /** An endpoint that was configured to take the place of the region's own. */
  readonly customEndpoint?: CustomEndpoint | undefined
  /** Hosts whose cryptography is validated by FIPS 140. */
  readonly useFips: boolean
  /** Hosts that are reachable over IPv6 too. */
  readonly useDualStack: boolean
  readonly accountIdEndpointMode: AccountIdEndpointMode
}

/** An endpoint that somebody configured, and where. */
export interface CustomEndpoint {
  readonly url: string
  /** The option, variable or property that names it, for error messages. */
  readonly source: string
}
