import type { LookupAddress } from 'node:dns'
import { isIP } from 'node:net'

import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'

import { parseEndpoint } from '../../../../src/aws/http/endpoint.ts'
import { type EndpointAddresses, ResolverCache } from '../../../../src/aws/http/resolver-cache.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

let names: readonly string[] | Error

beforeEach(() => {
  names = []
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
})

function cache(): ResolverCache {
  return new ResolverCache((_hostname, _options, callback) => {
    if (Array.isArray(names)) {
      callback(
        null,
        names.map((address: string): LookupAddress => ({ address, family: isIP(address) })),
      )
    } else callback(names as Error, [])
  })
}

function addressesOf(url: string): EndpointAddresses {
  return cache().of(parseEndpoint(url))
}

async function resolved(addresses: EndpointAddresses): Promise<string[]> {
  return (await addresses.resolve({}, 1000)).map(({ address }) => address)
}

/** What is left when the name cannot be resolved any more. */
async function remembered(addresses: EndpointAddresses): Promise<string[]> {
  names = new Error('look-up failed')
  return (await resolved(addresses)).toSorted()
}

describe('the order of addresses', () => {
  it('has those to be avoided behind the others of their family', async () => {
    const addresses = addressesOf('https://example.test')
    names = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '::1']
    const avoided = new Set(['10.0.0.1', '10.0.0.3'])
    const found = await addresses.resolve({}, 1000, avoided)
    expect(found.map(({ address }) => address)).toEqual(['10.0.0.2', '10.0.0.1', '10.0.0.3', '::1'])
    addresses.failed('10.0.0.2')
    const [first] = await addresses.resolve({}, 1000, avoided)
    expect(avoided.has(first?.address ?? '')).toBe(true)
  })

  it('gives each the first turn, within the family that the system prefers', async () => {
    const addresses = addressesOf('https://example.test')
    names = ['::1', '::2', '10.0.0.1']
    expect(await resolved(addresses)).toEqual(['::1', '::2', '10.0.0.1'])
    expect(await resolved(addresses)).toEqual(['::2', '::1', '10.0.0.1'])
    expect(await resolved(addresses)).toEqual(['::1', '::2', '10.0.0.1'])
  })

  it('puts those that failed last, until some time has passed or they respond', async () => {
    const addresses = addressesOf('https://example.test')
    names = ['::1', '::2', '10.0.0.1', '10.0.0.2']
    addresses.failed('::1')
    addresses.failed('::2')
    expect(await resolved(addresses)).toEqual(['10.0.0.1', '10.0.0.2', '::1', '::2'])
    addresses.responded('::1')
    expect((await resolved(addresses))[0]).toBe('::1')
    addresses.failed('::1')
    expect((await resolved(addresses))[0]).not.toContain(':')
    vi.advanceTimersByTime(30_001)
    expect((await resolved(addresses))[0]).toContain(':')
  })

  it('leaves out none, even when all failed', async () => {
    const addresses = addressesOf('https://example.test')
    names = ['10.0.0.1', '10.0.0.2']
    for (const address of names) addresses.failed(address)
    expect((await resolved(addresses)).toSorted()).toEqual(names)
  })
})

describe('addresses that are remembered', () => {
  it('have responded: to be resolved, or to fail, is not enough', async () => {
    const addresses = addressesOf('https://example.test')
    names = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
    await resolved(addresses)
    addresses.responded('10.0.0.1')
    addresses.failed('10.0.0.2')
    expect(await remembered(addresses)).toEqual(['10.0.0.1'])
  })

  it('are used at once after a failed look-up, but waited with when all of them have failed', async () => {
    const answers: (() => void)[] = []
    const resolver = new ResolverCache((_hostname, _options, callback) => {
      answers.push(() => {
        if (names instanceof Error) callback(names, [])
        else callback(null, [{ address: '10.0.0.9', family: 4 }])
      })
    })
    const answer = (): void => {
      for (const respond of answers.splice(0)) respond()
    }
    const addresses = resolver.of(parseEndpoint('https://example.test'))
    addresses.responded('10.0.0.1')
    names = new Error('look-up failed')
    const first = resolved(addresses)
    answer()
    expect(await first).toEqual(['10.0.0.1'])
    expect(await resolved(addresses)).toEqual(['10.0.0.1'])
    addresses.failed('10.0.0.1')
    const later = addresses.resolve({}, 60_000)
    names = []
    answer()
    expect(await later).toEqual([{ address: '10.0.0.9', family: 4 }])
    expect(addresses.isOutage).toBe(false)
  })

  it.each([
    ['https', 24 * HOUR_MS],
    ['http', 10 * MINUTE_MS],
  ])('over %s are forgotten %i ms after the last connection was closed', async (protocol, keptMs) => {
    const addresses = addressesOf(`${protocol}://example.test`)
    addresses.responded('10.0.0.1')
    vi.advanceTimersByTime(3 * keptMs)
    expect(await remembered(addresses)).toEqual(['10.0.0.1'])
    addresses.closed('10.0.0.1')
    vi.advanceTimersByTime(keptMs)
    expect(await remembered(addresses)).toEqual(['10.0.0.1'])
    vi.advanceTimersByTime(1)
    await expect(resolved(addresses)).rejects.toBe(names)
    expect(addresses.isOutage).toBe(false)
  })

  it('are the sixteen latest', async () => {
    const addresses = addressesOf('https://example.test')
    const all = Array.from({ length: 20 }, (_, index) => `10.0.0.${index + 10}`)
    for (const address of all) {
      addresses.responded(address)
      addresses.closed(address)
    }
    expect(await remembered(addresses)).toEqual(all.slice(-16))
  })

  it('are those of the 64 latest endpoints, port by port', async () => {
    const resolver = cache()
    const of = (port: number): EndpointAddresses => resolver.of(parseEndpoint(`https://example.test:${port}`))
    of(1).responded('10.0.0.1')
    expect(await remembered(of(1))).toEqual(['10.0.0.1'])
    for (let port = 2; port <= 64; port++) of(port)
    expect(await remembered(of(1))).toEqual(['10.0.0.1'])
    for (let port = 2; port <= 65; port++) of(port)
    await expect(resolved(of(1))).rejects.toBe(names)
  })
})
