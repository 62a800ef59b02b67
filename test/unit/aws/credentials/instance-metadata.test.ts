import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { staticallyStable } from '../../../../src/aws/credentials/instance-metadata.ts'
import type { Credentials } from '../../../../src/types.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const MINUTE_MS = 60_000

let warnings: string[]

beforeEach(() => {
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation((warning: string | Error) => {
    warnings.push(String(warning))
  })
})
afterEach(() => {
  vi.restoreAllMocks()
})

function keysUntil(expirationMs: number, accessKeyId = 'ASIA1'): Credentials {
  return {
    accessKeyId,
    secretAccessKey: 'the-secret',
    sessionToken: 'the-token',
    expiration: new Date(expirationMs),
  }
}

/** A provider that goes through a list of outcomes. */
function scripted(...outcomes: readonly (Credentials | Error)[]): () => Promise<Credentials> {
  const left = [...outcomes]
  return async () => {
    const outcome = left.shift()
    if (outcome === undefined) throw new Error('the provider was asked too often')
    if (outcome instanceof Error) throw outcome
    return outcome
  }
}

describe('staticallyStable', () => {
  it('hands out what is fresh as it is', async () => {
    const clock = new ManualClock()
    const fresh = keysUntil(clock.now() + 1)
    const provider = staticallyStable(scripted(fresh), { clock, random: () => 0.5 })
    expect(await provider()).toBe(fresh)
    expect(warnings).toEqual([])
  })

  it('passes the first failure on', async () => {
    const provider = staticallyStable(scripted(new Error('out of order')), {
      clock: new ManualClock(),
      random: Math.random,
    })
    await expect(provider()).rejects.toThrow('out of order')
    expect(warnings).toEqual([])
  })

  it.each([
    [0, 5 * MINUTE_MS],
    [0.5, 7.5 * MINUTE_MS],
    [0.999_999_999, 10 * MINUTE_MS - 1],
  ])('extends expired credentials, with %d as the random number', async (random, extensionMs) => {
    const clock = new ManualClock()
    const expired = keysUntil(clock.now())
    const provider = staticallyStable(scripted(expired), { clock, random: () => random })
    expect(await provider()).toEqual({ ...expired, expiration: new Date(clock.now() + extensionMs) })
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('credentials that have expired')
    expect(warnings[0]).not.toMatch(/the-secret|the-token|ASIA1/)
  })

  it('keeps the latest credentials through an outage, and warns once in each', async () => {
    const clock = new ManualClock()
    const first = keysUntil(clock.now() + MINUTE_MS)
    const second = keysUntil(clock.now() + 9 * MINUTE_MS, 'ASIA2')
    const outage = new Error('nobody home')
    const provider = staticallyStable(scripted(first, outage, outage, second, outage), {
      clock,
      random: () => 0,
    })
    await provider()
    clock.advance(2 * MINUTE_MS)
    const extension = { ...first, expiration: new Date(clock.now() + 5 * MINUTE_MS) }
    expect(await provider()).toEqual(extension)
    clock.advance(MINUTE_MS)
    expect(await provider()).toEqual({ ...first, expiration: new Date(clock.now() + 5 * MINUTE_MS) })
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('nobody home')

    expect(await provider()).toBe(second)
    expect((await provider()).accessKeyId).toBe('ASIA2')
    expect(warnings).toHaveLength(2)
    expect(warnings.join(' ')).not.toMatch(/the-secret|the-token|ASIA/)
  })
})
