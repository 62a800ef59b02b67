import { setTimeout as pause } from 'node:timers/promises'

import { expect, onTestFinished, test } from 'vitest'

import { SocketTransport } from '../../src/aws/http/socket-transport.ts'
import { SessionStore } from '../../src/store/session-store.ts'
import { engine, engineCredentials } from '../support/engines.ts'
import { type Breakage, FaultRig } from '../support/fault-rig/fault-rig.ts'
import { type FaultPlan, seededPlan } from '../support/fault-rig/plan.ts'
import { SeededRandom } from '../support/fault-rig/random.ts'
import { GlobalTable } from '../support/global-table.ts'
import type { Item } from '../../src/types.ts'
import { RegionUser } from './region-user.ts'
import { TaggedTransport } from './tagged-transport.ts'

const REGIONS = ['us-east-1', 'us-west-2'] as const
const STORES = 2
const SESSIONS = 8
const LAGS_MS = [0, 20, 200, 1500] as const
const BREAKAGES: readonly Breakage[] = ['close', 'reset', 'black-hole']

/** As in chaos.test.ts; the short run of the tests leaves it out. */
const isLong = process.env['MODE'] === 'long'
const seconds = Number(process.env['CHAOS_SECONDS'] ?? 120)
const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000)
/** How much longer a busy machine may take until everything has happened that is to be checked. */
const MOST_MORE_MS = 120_000

/** A plan whose Region can go away: then no connection comes to anything. */
class RegionPlan implements FaultPlan {
  isAway = false
  readonly #inner: FaultPlan
  readonly #random: SeededRandom

  constructor(region: string, random: SeededRandom) {
    const number = REGIONS.findIndex(name => name === region)
    this.#inner = seededPlan({
      seed: seed + number,
      tls: false,
      connectionFaults: 0.04,
      exchangeFaults: 0.08,
    })
    this.#random = random
  }

  forConnection(index: number): ReturnType<FaultPlan['forConnection']> {
    if (this.isAway) return this.#random.pick(['silent', 'close-at-once', 'reset-at-once'])
    return this.#inner.forConnection(index)
  }

  forRequest(key: string, count: number): ReturnType<FaultPlan['forRequest']> {
    return this.#inner.forRequest(key, count)
  }

  randomFor(key: string, count: number): SeededRandom {
    return this.#inner.randomFor(key, count)
  }
}

test.runIf(isLong || 'CHAOS_SECONDS' in process.env)(
  'with one Region going away and replication that lags, nothing that had arrived is lost, and nothing ended comes back',
  async () => {
    const random = new SeededRandom(seed, 'regions')
    const table = await GlobalTable.start(engine)
    const plans = REGIONS.map(region => new RegionPlan(region, random))
    const rigs = await Promise.all(
      plans.map(async (plan, index) =>
        FaultRig.start({ engine: table.endpoints[index] ?? '', plan, overlongMs: 2500 }),
      ),
    )
    const transport = new TaggedTransport(new SocketTransport({ maxSockets: 16 }))
    const stores = Array.from({ length: STORES }, () => openStore(table, rigs, transport))
    onTestFinished(async () => {
      await Promise.all(stores.map(async store => store.close()))
      await transport.close()
      await Promise.all(rigs.map(async rig => rig.close()))
      await table.close()
    })
    const users = stores.flatMap((store, number) =>
      Array.from(
        { length: SESSIONS / STORES },
        (_, index) => new RegionUser(`s${number}-${index}`, { store, transport, rigs, table, seed }),
      ),
    )

    const leftFirst = new Set<SessionStore>()
    const untilMs = performance.now() + seconds * 1000
    const isOver = (): boolean => {
      const overMs = performance.now() - untilMs
      const hasHappened = leftFirst.size > 0 && users.some(({ destroyed }) => destroyed.length > 0)
      return overMs >= (hasHappened ? 0 : MOST_MORE_MS)
    }
    let outages = 0
    const disturb = async (): Promise<void> => {
      while (!isOver()) {
        table.lagMs = random.pick(LAGS_MS)
        await pause(random.between(500, 3000))
        const away = random.chance(0.8) ? 0 : 1
        const plan = plans[away]
        if (plan === undefined || isOver()) break
        outages++
        plan.isAway = true
        rigs[away]?.breakConnections(random.pick(BREAKAGES))
        await pause(random.between(500, 3000))
        plan.isAway = false
      }
    }
    await Promise.all([
      disturb(),
      ...users.map(async (user, index) => {
        const store = stores[Math.floor(index / (SESSIONS / STORES))]
        while (!isOver()) {
          await user.step()
          if (store?.health().region === REGIONS[1]) leftFirst.add(store)
        }
      }),
    ])

    for (const rig of rigs) rig.calm()
    await table.deliver()
    await expect
      .poll(
        async () => {
          const reads = await Promise.all(users.map(async user => user.read()))
          return reads.every(Boolean) && stores.map(store => store.health().region)
        },
        { interval: 100 },
      )
      .toEqual(stores.map(() => REGIONS[0]))
    await table.deliver()

    const [here, there] = await Promise.all([table.items(0), table.items(1)])
    const sum = (of: (user: RegionUser) => number): number =>
      users.reduce((total, user) => total + of(user), 0)
    process.stdout.write(
      `chaos in two Regions: ${seconds} s, CHAOS_SEED=${seed}, ${outages} outages; ` +
        `${sum(user => user.counts.acknowledged)} calls acknowledged, ${sum(user => user.counts.failed)} failed, ` +
        `${sum(user => user.destroyed.length)} sessions ended, ${sum(user => user.counts.excused)} writes overtaken\n`,
    )
    const found = {
      violations: [...users.flatMap(user => user.violations), ...rigs.flatMap(rig => rig.violations)],
      mixedUp: transport.mixedUp,
      lost: users.flatMap(({ session }) =>
        session.keys.filter(key => !textOf(here, session.id).includes(key)),
      ),
      back: users.flatMap(user => user.destroyed.filter(id => textOf(here, id).includes('data'))),
    }
    expect({ seed, ...found }).toEqual({ seed, violations: [], mixedUp: [], lost: [], back: [] })
    expect(sorted(here)).toEqual(sorted(there))
    expect(outages).toBeGreaterThan(0)
    expect(leftFirst.size).toBeGreaterThan(0)
    expect(sum(user => user.destroyed.length)).toBeGreaterThan(0)
  },
  seconds * 1000 + MOST_MORE_MS + 170_000,
)

function openStore(table: GlobalTable, rigs: readonly FaultRig[], transport: TaggedTransport): SessionStore {
  const [first, second] = rigs
  return new SessionStore({
    table: table.name,
    region: REGIONS[0],
    endpoint: first?.url,
    failover: {
      regions: [{ region: REGIONS[1], endpoint: second?.url }],
      attemptTimeoutMs: 500,
      returnAfterSeconds: 1,
    },
    credentials: engineCredentials,
    hashIds: false,
    touchAfterSeconds: 0,
    compression: false,
    transport,
    connectTimeoutMs: 1000,
    attemptTimeoutMs: 2000,
    deadlineMs: 6000,
  })
}

/** The item of a session, as text; empty without one. */
function textOf(items: readonly Item[], id: string): string {
  const item = items.find(each => JSON.stringify(each['id']) === JSON.stringify({ S: id }))
  return item === undefined ? '' : JSON.stringify(item)
}

function sorted(items: readonly Item[]): readonly string[] {
  return items.map(item => JSON.stringify(item)).toSorted()
}
