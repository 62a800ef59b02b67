import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'

import { engine } from '../support/engines.ts'
import { certificateFaults, plainConnectionFaults } from '../support/fault-rig/fault.ts'
import { exchangeFaults } from '../support/fault-rig/plan.ts'
import { createRigCertificates, type RigCertificates } from '../support/fault-rig/rig-certificates.ts'
import { SessionTable } from '../support/session-table.ts'
import { payloadOf } from './payload.ts'
import { openRigStore, type RigStore } from './rig-store.ts'

/** What one fault has led to; it is the same as {@link allRight} when everything is as it should be. */
interface Course {
  readonly met: unknown
  readonly others: readonly unknown[]
  readonly injected: readonly string[]
  readonly mixedUp: readonly string[]
  readonly violations: readonly string[]
}

/** An operation, with the fault let loose at its last request, and what the application has to see of it. */
interface Scenario {
  readonly operation: string
  readonly perform: (opened: RigStore, kind: string) => Promise<unknown>
  readonly met: unknown
  readonly mineAfterwards: unknown
}

const mine = payloadOf('mine', 1)
const changed = payloadOf('mine', 2)
const other = payloadOf('other', 1)

const reading: Scenario = {
  operation: 'read',
  perform: async ({ store, plan }, kind) => {
    plan.armRequests(kind)
    return (await store.read('mine'))?.data
  },
  met: mine,
  mineAfterwards: mine,
}

const saving: Scenario = {
  operation: 'save',
  perform: async ({ store, plan }, kind) => {
    const basis = await store.read('mine')
    plan.armRequests(kind)
    return (await store.write('mine', changed, { basis }))?.data
  },
  met: changed,
  mineAfterwards: changed,
}

const touching: Scenario = {
  operation: 'touch',
  perform: async ({ store, plan }, kind) => {
    plan.armRequests(kind)
    return store.touch('mine')
  },
  met: true,
  mineAfterwards: mine,
}

const destroying: Scenario = {
  operation: 'destroy',
  perform: async ({ store, plan }, kind) => {
    plan.armRequests(kind)
    return store.destroy('mine')
  },
  met: undefined,
  mineAfterwards: undefined,
}

const LANES = 16

let certificates: RigCertificates

beforeAll(async () => {
  certificates = await createRigCertificates()
})

describe('no fault of one exchange harms', () => {
  it.each([
    { protocol: 'TCP', ...reading },
    { protocol: 'TLS', ...saving },
    { protocol: 'TCP', ...touching },
    { protocol: 'TLS', ...destroying },
  ])('a $operation over $protocol, or the calls after it', async scenario => {
    const table = await SessionTable.create(engine)
    const courses = await inLanes(
      exchangeFaults.map(({ kind }) => async () => {
        const opened = await openRigStore(engine, {
          table,
          prefix: `${kind}-`,
          certificates: scenario.protocol === 'TLS' ? certificates : undefined,
        })
        return [kind, await courseOf(opened, async () => scenario.perform(opened, kind))] as const
      }),
    )
    const expected = exchangeFaults.map(
      ({ kind }) => [kind, allRight(scenario.met, scenario.mineAfterwards, kind)] as const,
    )
    expect(Object.fromEntries(courses)).toEqual(Object.fromEntries(expected))
  })
})

describe('a connection', () => {
  it.each(plainConnectionFaults)('with the fault %s is replaced, over TCP and TLS', async kind => {
    // The longest back-offs together outlast a refusal; short ones need not.
    vi.spyOn(Math, 'random').mockReturnValue(0.99)
    onTestFinished(() => {
      vi.restoreAllMocks()
    })
    const courses = await Promise.all([undefined, certificates].map(async tls => replaced(kind, tls)))
    const expected = allRight([mine, mine], mine, kind)
    expect(courses).toEqual([expected, expected])
  })

  it.each(certificateFaults)('with the fault %s carries no request', async kind => {
    expect(await replaced(kind, certificates)).toEqual(
      allRight([expect.objectContaining({ code: 'CERTIFICATE_REJECTED' }), mine], mine, kind),
    )
  })
})

function allRight(met: unknown, mineAfterwards: unknown, kind: string): Course {
  return { met, others: [other, mineAfterwards], injected: [kind], mixedUp: [], violations: [] }
}

async function courseOf(opened: RigStore, perform: () => Promise<unknown>): Promise<Course> {
  const { rig, store, transport } = opened
  try {
    await store.write('other', other)
    await store.write('mine', mine)
    const met = await perform()
    const others = [(await store.read('other'))?.data, (await store.read('mine'))?.data]
    const injected = [...rig.injected].flatMap(([kind, count]) => Array.from({ length: count }, () => kind))
    return { met, others, injected, mixedUp: transport.mixedUp, violations: rig.violations }
  } finally {
    await opened.close()
  }
}

/** Runs all, so many at a time that the engine answers well within the timeout. */
async function inLanes<Value>(tasks: readonly (() => Promise<Value>)[]): Promise<readonly Value[]> {
  const values: Value[] = []
  const queue = tasks.values()
  const lane = async (): Promise<void> => {
    for (const task of queue) values.push(await task())
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return values
}

/** Loses the connection that there is, so that the next one, which has the fault, is needed. */
async function replaced(
  kind: (typeof plainConnectionFaults)[number],
  tls: RigCertificates | undefined,
): Promise<Course> {
  const opened = await openRigStore(engine, { certificates: tls })
  const { rig, store, plan } = opened
  return courseOf(opened, async () => {
    plan.armConnection(kind)
    rig.breakConnections('close')
    await rig.untilUnused()
    const outcomes: unknown[] = []
    for (let read = 0; read < 2; read++) {
      const outcome = store.read('mine').then(record => record?.data)
      outcomes.push(await outcome.catch((error: unknown) => error))
    }
    return outcomes
  })
}
