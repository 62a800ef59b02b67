import dns, { Resolver } from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'

/** What a name server that does not respond costs a look-up; `getaddrinfo` takes 5 s or more. */
const SILENCE_MS = 1500

/** The codes that `getaddrinfo` has for what the name server said. */
const SYSTEM_CODES: Readonly<Record<string, string>> = { ENODATA: 'ENOTFOUND', ESERVFAIL: 'EAI_AGAIN' }

/** Has this process look up host names at a name server of the test. */
export function useNameServer(address: string): void {
  const resolver = new Resolver({ timeout: SILENCE_MS, tries: 1 })
  resolver.setServers([address])
  const lookup = (
    hostname: string,
    _options: dns.LookupAllOptions,
    callback: (error: Error | null, addresses: dns.LookupAddress[]) => void,
  ): void => {
    resolver.resolve4(hostname, (error, addresses) => {
      if (error === null) {
        callback(
          null,
          addresses.map(each => ({ address: each, family: 4 })),
        )
      } else {
        callback(Object.assign(error, { code: SYSTEM_CODES[error.code ?? ''] ?? 'EAI_AGAIN' }), [])
      }
    })
  }
  Object.assign(dns, { lookup })
  syncBuiltinESMExports()
}
