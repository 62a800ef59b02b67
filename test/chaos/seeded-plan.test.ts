import { describe, expect, it } from 'vitest'

import { exchangeFaults, seededPlan } from '../support/fault-rig/plan.ts'

/** What a plan has in store for the first requests of two sessions, asked for in turn or one session after the other. */
function faultsOf(seed: number, inTurn: boolean): readonly string[] {
  const plan = seededPlan({ seed, tls: true })
  const requests = Array.from({ length: 200 }, (_, index) =>
    inTurn
      ? ([`session-${index % 2}`, Math.floor(index / 2)] as const)
      : ([`session-${Math.floor(index / 100)}`, index % 100] as const),
  )
  return requests
    .map(([key, count]) => {
      const fault = plan.forRequest(key, count)?.kind ?? 'none'
      return `${key} ${count} ${fault} ${plan.randomFor(key, count).next()}`
    })
    .sort((a, b) => a.localeCompare(b))
}

describe('a seeded plan', () => {
  it('is the same every time, in whatever order the requests of different sessions arrive', () => {
    expect(faultsOf(7, true)).toEqual(faultsOf(7, false))
    expect(faultsOf(8, true)).not.toEqual(faultsOf(7, true))
  })

  it('has every kind of fault in it', () => {
    const plan = seededPlan({ seed: 1, tls: true, connectionFaults: 1 })
    const requests = Array.from({ length: 10_000 }, (_, count) => plan.forRequest('session', count)?.kind)
    expect(new Set(requests)).toEqual(new Set([undefined, ...exchangeFaults.map(({ kind }) => kind)]))
    expect(new Set(Array.from({ length: 200 }, (_, index) => plan.forConnection(index)))).toHaveProperty(
      'size',
      7,
    )
  })
})
