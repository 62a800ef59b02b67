import {
  type LookupAddress,
  type LookupAllOptions,
  type LookupOptions,
  lookup as lookUpInSystem,
} from 'node:dns'
import { isIP, type LookupFunction, type Socket } from 'node:net'

import type { ResolutionTrace } from '../../diagnostics.ts'
import { codeOf } from '../../internal/core-objects.ts'
import { type Draft, resolutionTraces } from '../../internal/diagnostics.ts'
import { type Deferred, deferred, ignore, withTimeout } from '../../internal/timers.ts'
import type { Endpoint } from './endpoint.ts'

/** Looks up the addresses of a host name, as `dns.lookup` does with `all: true`. */
export type AddressLookup = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

const MAX_ENDPOINTS = 64
const MAX_ADDRESSES = 16

/** How long an address is of use after it responded last. Over plain HTTP nothing proves that the host is still the same. */
const KEPT_MS = { 'https:': 24 * 60 * 60_000, 'http:': 10 * 60_000 } as const

/** How long an address that failed is tried only after the others. */
const LEFT_ALONE_MS = 30_000

/** The share of the time to connect that a look-up may take where there are addresses to go on with. */
const LOOKUP_SHARE = 0.25

/** The same where all of these have failed lately, and new ones are worth waiting for. */
const LONGER_SHARE = 0.5

/** A look-up under way for so long is joined no more, as the name server may respond to another one. */
const LOST_AFTER_MS = 15_000

interface KnownAddress {
  /** Instant of `performance.now()`. */
  respondedAtMs: number
  /** Connections that are open and have brought a response. */
  open: number
  /** Instant of `performance.now()` until which the address is left alone. */
  leftAloneUntilMs: number
}

/** A look-up under way. */
interface Search {
  readonly startedAtMs: number
  readonly found: Promise<readonly LookupAddress[]>
}

/** The addresses that are known of each endpoint. */
export class ResolverCache {
  readonly #endpoints = new Map<string, EndpointAddresses>()
  readonly #lookup: AddressLookup

  /** @param lookup `@default` `dns.lookup`, as it is at the time: some applications replace it. */
  constructor(
    lookup: AddressLookup = (hostname, options, callback) => {
      // Not of a default import, for which the published files would need a helper in a file of its own.
      lookUpInSystem(hostname, options, callback)
    },
  ) {
    this.#lookup = lookup
  }

  /** The addresses of an endpoint. */
  of(endpoint: Endpoint): EndpointAddresses {
    const addresses = this.#endpoints.get(endpoint.origin) ?? new EndpointAddresses(endpoint, this.#lookup)
    setLatest(this.#endpoints, endpoint.origin, addresses, MAX_ENDPOINTS)
    return addresses
  }

  /** Ends the traces. */
  close(): void {
    for (const addresses of this.#endpoints.values()) addresses.endOutage('closed')
  }
}

/**
 * The addresses of one endpoint: which of them have responded, and which have failed.
 *
 * When its name cannot be resolved, or not within a share of the time to connect, connections go to the addresses that
 * responded last. From then on each new connection starts a look-up, but does not wait for it, until one succeeds.
 */
export class EndpointAddresses {
  readonly #endpoint: Endpoint
  readonly #lookup: AddressLookup
  readonly #known = new Map<string, KnownAddress>()
  #search: Search | undefined
  #outage: { readonly trace: Draft<ResolutionTrace>; readonly over: Deferred<void> } | undefined
  #turn = 0

  constructor(endpoint: Endpoint, lookup: AddressLookup) {
    this.#endpoint = endpoint
    this.#lookup = lookup
  }

  /** Whether the name cannot be resolved at the moment, and connections go to addresses that are known. */
  get isOutage(): boolean {
    return this.#outage !== undefined
  }

  /**
   * Addresses to connect to, in the order in which to try them: those that failed come last, and the first ones take
   * turns.
   *
   * @param timeoutMs the time to connect, of which the look-up may take a share where addresses are known.
   * @param avoided addresses to try after the others.
   * @throws {Error} what the look-up failed with, where no address is known.
   */
  async resolve(
    options: LookupOptions,
    timeoutMs: number,
    avoided?: ReadonlySet<string>,
  ): Promise<LookupAddress[]> {
    const search = this.#find(options)
    const remembered = this.#remembered()
    if (remembered.length === 0) {
      this.endOutage('expired')
      return this.#inOrder(await search.found, avoided)
    }
    const nowMs = performance.now()
    const allFailed = remembered.every(({ address }) => this.#isLeftAlone(address, nowMs))
    if (this.#outage === undefined || allFailed) {
      const untilMs = allFailed
        ? nowMs + timeoutMs * LONGER_SHARE
        : search.startedAtMs + timeoutMs * LOOKUP_SHARE
      try {
        const found = withTimeout(search.found, Math.max(0, untilMs - nowMs), undefined, lookupOverdue)
        return this.#inOrder(await found, avoided)
      } catch (error) {
        this.#beginOutage(error)
      }
    }
    if (this.#outage !== undefined) this.#outage.trace.connections++
    return this.#inOrder(remembered, avoided)
  }

  /** Finds out, in the background, whether the name can be resolved again. */
  probe(): void {
    this.#find({})
  }

  /** Ends an outage: new connections wait for look-ups again. */
  endOutage(outcome: NonNullable<ResolutionTrace['outcome']>): void {
    if (this.#outage === undefined) return
    const { trace, over } = this.#outage
    this.#outage = undefined
    trace.outcome = outcome
    over.resolve()
  }

  /** An address has brought a response: the first one on a connection that is open until {@link closed}. */
  responded(address: string): void {
    const known = this.#entryOf(address)
    known.open++
    known.respondedAtMs = performance.now()
    known.leftAloneUntilMs = 0
  }

  /** A connection that had brought a response has been closed. */
  closed(address: string): void {
    const known = this.#entryOf(address)
    // It is another entry where there have been many addresses since.
    known.open = Math.max(0, known.open - 1)
    known.respondedAtMs = performance.now()
  }

  /** An address did not accept a connection, or brought no response on a new one. */
  failed(address: string): void {
    this.#entryOf(address).leftAloneUntilMs = performance.now() + LEFT_ALONE_MS
  }

  #entryOf(address: string): KnownAddress {
    const known = this.#known.get(address) ?? { respondedAtMs: -Infinity, open: 0, leftAloneUntilMs: 0 }
    setLatest(this.#known, address, known, MAX_ADDRESSES)
    return known
  }

  /** The look-up under way, or a new one: a name server that does not respond holds up one thread, not all of them. */
  #find(options: LookupOptions): Search {
    const startedAtMs = performance.now()
    if (this.#search !== undefined && startedAtMs - this.#search.startedAtMs < LOST_AFTER_MS) {
      return this.#search
    }
    const found = lookUp(this.#lookup, this.#endpoint.hostname, options)
    const search: Search = { startedAtMs, found }
    this.#search = search
    const settle = (): void => {
      if (this.#search === search) this.#search = undefined
    }
    found.then(() => {
      settle()
      this.endOutage('resolved')
    }, settle)
    return search
  }

  /** The addresses that have responded not too long ago, the latest first. */
  #remembered(): LookupAddress[] {
    const oldestMs = performance.now() - KEPT_MS[this.#endpoint.protocol]
    return [...this.#known]
      .filter(([, { open, respondedAtMs }]) => open > 0 || respondedAtMs >= oldestMs)
      .map(([address]) => ({ address, family: isIP(address) }))
      .toReversed()
  }

  #isLeftAlone(address: string, nowMs: number): boolean {
    return (this.#known.get(address)?.leftAloneUntilMs ?? 0) > nowMs
  }

  #beginOutage(cause: unknown): void {
    // Another connection may have waited for the same look-up.
    if (this.#outage !== undefined) return
    const trace: Draft<ResolutionTrace> = {
      host: this.#endpoint.hostname,
      reason: codeOf(cause) ?? 'UNKNOWN',
      connections: 0,
    }
    const over = deferred<void>()
    this.#outage = { trace, over }
    // An outage is not a rejection.
    if (resolutionTraces.channels.hasSubscribers)
      resolutionTraces.observe(trace, () => over.promise).catch(ignore)
  }

  /** Node tries one address after the other, the families by turns, beginning with that of the first. */
  #inOrder(addresses: readonly LookupAddress[], avoided: ReadonlySet<string> | undefined): LookupAddress[] {
    const nowMs = performance.now()
    const rank = ({ address, family }: LookupAddress): number =>
      (this.#isLeftAlone(address, nowMs) ? 4 : 0) +
      (family === addresses[0]?.family ? 0 : 2) +
      (avoided?.has(address) === true ? 1 : 0)
    const ranked = addresses.toSorted((one, other) => rank(one) - rank(other))
    const [best] = ranked
    const equal = ranked.filter(address => best !== undefined && rank(address) === rank(best))
    const start = this.#turn++ % equal.length
    return [...equal.slice(start), ...equal.slice(0, start), ...ranked.slice(equal.length)]
  }
}

/** The host at the other end of one connection, from the look-up of its name on. */
export class Peer {
  readonly #addresses: EndpointAddresses
  readonly #timeoutMs: number
  readonly #avoided: ReadonlySet<string> | undefined
  /** Where the connection goes; absent before it is tried. */
  address: string | undefined
  #hasResponded = false
  #isLookingUp = false

  /**
   * @param timeoutMs the time to connect, of which a look-up may take a share.
   * @param avoided addresses to try after the others.
   */
  constructor(addresses: EndpointAddresses, timeoutMs: number, avoided?: ReadonlySet<string>) {
    this.#addresses = addresses
    this.#timeoutMs = timeoutMs
    this.#avoided = avoided
  }

  /** Whether the name is still being looked up. */
  get isLookingUp(): boolean {
    return this.#isLookingUp
  }

  /** To be passed as the option `lookup` to `connect` of `node:net` or `node:tls`. */
  readonly lookup: LookupFunction = (_hostname, options, callback) => {
    // The socket has been told.
    this.#lookUp(options, callback).catch(ignore)
  }

  /** Takes note of the addresses that the socket tries, one after the other, and of its end. */
  follow(socket: Socket): void {
    const onFailed = (address: string): void => {
      this.#addresses.failed(address)
    }
    socket.on('connectionAttempt', (address: string) => {
      this.address = address
    })
    socket.on('connectionAttemptFailed', onFailed)
    socket.on('connectionAttemptTimeout', onFailed)
    socket.once('connect', () => {
      this.address = socket.remoteAddress ?? this.address
    })
    socket.once('close', () => {
      if (this.#hasResponded && this.address !== undefined) this.#addresses.closed(this.address)
    })
  }

  /** The host has brought a response. */
  responded(): void {
    if (this.#hasResponded || this.address === undefined) return
    this.#hasResponded = true
    this.#addresses.responded(this.address)
  }

  /** The host did not accept the connection, or did not bring a response. */
  failed(): void {
    if (!this.#hasResponded && this.address !== undefined) this.#addresses.failed(this.address)
  }

  async #lookUp(options: LookupOptions, callback: Parameters<LookupFunction>[2]): Promise<void> {
    let found: LookupAddress[]
    this.#isLookingUp = true
    try {
      found = await this.#addresses.resolve(options, this.#timeoutMs, this.#avoided)
    } catch (error) {
      callback(error as NodeJS.ErrnoException, '')
      return
    } finally {
      this.#isLookingUp = false
    }
    const [first] = found
    if (options.all === true) callback(null, found)
    else callback(null, first?.address ?? '', first?.family)
  }
}

function lookUp(
  lookup: AddressLookup,
  hostname: string,
  options: LookupOptions,
): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) reject(error)
      // Node fails with a TypeError that nobody can catch where there are none.
      else if (addresses.length === 0) reject(lookupError('ENODATA', 'the name has no address'))
      else resolve(addresses)
    })
  })
}

function lookupOverdue(): Error {
  return lookupError('ETIMEOUT', 'the name server has not responded in time')
}

function lookupError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code, syscall: 'lookup' })
}

/** Puts an entry behind the others of a map, and takes the first one out when there are too many. */
function setLatest<Value>(map: Map<string, Value>, key: string, value: Value, max: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= max) return
  for (const [oldest] of map) {
    map.delete(oldest)
    return
  }
}
