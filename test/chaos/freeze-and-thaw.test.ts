import { setTimeout as delay } from 'node:timers/promises'

import { beforeAll, describe, expect, it } from 'vitest'

import { engineRegion, engine } from '../support/engines.ts'
import { type Breakage, FaultRig } from '../support/fault-rig/fault-rig.ts'
import { ArmedPlan } from '../support/fault-rig/plan.ts'
import { createRigCertificates, type RigCertificates } from '../support/fault-rig/rig-certificates.ts'
import { SessionTable } from '../support/session-table.ts'
import { bundleOf, SuspendableProcess } from '../support/suspendable-process.ts'
import type { Question, Reply } from './freezable-app.ts'

interface Freeze {
  readonly breakage: Breakage
  readonly tls: boolean
  /** By how much the clock of the machine has moved meanwhile. Milliseconds. */
  readonly jumpMs?: number
  /** Whether the next request is there before the process goes on. */
  readonly asksWhileFrozen?: boolean
  /** @default longer than anything takes */
  readonly limits?: { readonly attemptTimeoutMs: number; readonly deadlineMs: number }
}

const FROZEN_MS = 1500
const TEN_MINUTES_MS = 600_000
const LONG = { attemptTimeoutMs: 30_000, deadlineMs: 50_000 }
/** So many that trying one after the other would take longer than the whole call may. */
const IDLE_CONNECTIONS = 4
let bundle: string
let certificates: RigCertificates

beforeAll(async () => {
  ;[bundle, certificates] = await Promise.all([
    bundleOf(new URL('freezable-app.ts', import.meta.url)),
    createRigCertificates(),
  ])
})

/** Suspending is a matter of POSIX signals. */
describe
  .skipIf(process.platform === 'win32')
  .concurrent('the first call of a process that was suspended', () => {
    it('succeeds when the server has closed the idle connections meanwhile', async () => {
      const replies = await Promise.all(
        [true, false].flatMap(asksWhileFrozen => [
          thaw({ breakage: 'close', tls: false, asksWhileFrozen }),
          thaw({ breakage: 'close', tls: true, asksWhileFrozen }),
          thaw({ breakage: 'reset', tls: false, asksWhileFrozen }),
          thaw({ breakage: 'reset', tls: true, asksWhileFrozen }),
        ]),
      )
      for (const reply of replies) expect(reply).toEqual({ counters: [7], credentialLookups: 1, requests: 1 })
    })

    it('succeeds at once when minutes have passed and the idle connections are dead without a word', async () => {
      const replies = await Promise.all([
        thaw({ breakage: 'black-hole', tls: false, jumpMs: TEN_MINUTES_MS }),
        thaw({ breakage: 'black-hole', tls: true, jumpMs: TEN_MINUTES_MS }),
      ])
      // Nothing is sent on connections that have been idle for longer than they are kept: there is no timeout to wait for.
      for (const reply of replies) expect(reply).toEqual({ counters: [7], credentialLookups: 2, requests: 1 })
    })

    it('succeeds when many idle connections are dead without a word, after the timeout of one', async () => {
      const limits = { attemptTimeoutMs: 3000, deadlineMs: 10_500 }
      const replies = await Promise.all([
        thaw({ breakage: 'black-hole', tls: false, limits }),
        thaw({ breakage: 'black-hole', tls: true, limits }),
      ])
      for (const reply of replies) expect(reply).toEqual({ counters: [7], credentialLookups: 1, requests: 2 })
    })
  })

/** What the first read of a resumed process finds, and how many requests that takes. */
type Thawed = Reply & { readonly requests: number }

/** Suspends a process that keeps idle connections, and resumes it. */
async function thaw({
  breakage,
  tls,
  jumpMs,
  asksWhileFrozen = false,
  limits = LONG,
}: Freeze): Promise<Thawed> {
  const { name } = await SessionTable.create(engine)
  const rig = await FaultRig.start({
    engine: engine.endpoint,
    plan: new ArmedPlan(),
    certificates: tls ? certificates : undefined,
  })
  const app = new SuspendableProcess<Question, Reply>(bundle, {
    table: name,
    region: engineRegion,
    endpoint: rig.url,
    ...(tls && { ca: certificates.ca }),
    ...limits,
  })
  try {
    await app.ask({ call: 'write', counter: 7 })
    rig.holdUntil(IDLE_CONNECTIONS)
    await app.ask({ call: 'read', times: IDLE_CONNECTIONS })
    expect(rig.openConnections).toBe(IDLE_CONNECTIONS)
    if (jumpMs !== undefined) await app.ask({ call: 'jump', ms: jumpMs })
    const requestsBefore = rig.requests
    app.suspend()
    rig.breakConnections(breakage)
    await delay(FROZEN_MS)
    const early = asksWhileFrozen ? app.ask({ call: 'read', times: 1 }) : undefined
    app.resume()
    const reply = await (early ?? app.ask({ call: 'read', times: 1 }))
    return { ...reply, requests: rig.requests - requestsBefore }
  } finally {
    await app.kill()
    await rig.close()
  }
}
