import { SessionStore } from '../../src/store/session-store.ts'
import { PayloadCodec } from '../../src/encryption/payload-codec.ts'
import { binaryOf } from '../../src/layouts/attributes.ts'
import { SocketTransport } from '../../src/aws/http/socket-transport.ts'
import { engineCredentials, engineRegion, type Engine } from '../support/engines.ts'
import { FaultRig } from '../support/fault-rig/fault-rig.ts'
import { seededPlan } from '../support/fault-rig/plan.ts'
import type { RigCertificates } from '../support/fault-rig/rig-certificates.ts'
import { SessionTable } from '../support/session-table.ts'
import type { Item } from '../../src/types.ts'
import { counterOf, type Payload } from './payload.ts'
import { SessionUser } from './session-user.ts'
import { settlesWithin } from './settles-within.ts'
import { TaggedTransport } from './tagged-transport.ts'

/** One run: where, how long and from which seed. */
export interface ChaosRunOptions {
  readonly engine: Engine
  readonly certificates: RigCertificates | undefined
  readonly seed: number
  readonly seconds: number
}

/** What a run has come to. */
export interface ChaosReport {
  readonly calls: number
  readonly acknowledged: number
  readonly refused: number
  readonly failed: number
  readonly requests: number
  readonly connections: number
  readonly injected: ReadonlyMap<string, number>
  /** Sessions of which something acknowledged is missing or mangled in the table at the end. */
  readonly losses: readonly string[]
  /** Answers that went to the wrong request (G8). */
  readonly mixedUp: readonly string[]
  /** Everything else that must not happen. */
  readonly violations: readonly string[]
  readonly peakConnections: number
  /** Connections that the server still has after the store was closed. */
  readonly connectionsLeft: number
}

/** Most connections of the store in a run; there are more sessions than that, so that calls queue. */
export const MAX_SOCKETS = 16

/** Reads what any store has compressed. */
const codec = new PayloadCodec({})

const SESSIONS = 60
const STORES = 6
/** Closing has nothing to wait for; this is only so that a failure shows as one. */
const CLOSING_MS = 10_000
const LIMITS = { connectTimeoutMs: 300, attemptTimeoutMs: 350, deadlineMs: 1200 }

/** Lets many sessions work through a faulty network, and checks what they were told against what is stored. */
export async function runChaos(options: ChaosRunOptions): Promise<ChaosReport> {
  const { engine, certificates, seed, seconds } = options
  const table = await SessionTable.create(engine)
  const rig = await FaultRig.start({
    engine: engine.endpoint,
    plan: seededPlan({ seed, tls: certificates !== undefined }),
    certificates,
    overlongMs: LIMITS.attemptTimeoutMs + 100,
  })
  const sockets = new SocketTransport({ maxSockets: MAX_SOCKETS, ca: certificates?.ca })
  const transport = new TaggedTransport(sockets)
  // Each store has a retry quota of its own; one alone would soon have none left.
  const stores = Array.from(
    { length: STORES },
    () =>
      new SessionStore<Payload>({
        table: table.name,
        endpoint: rig.url,
        region: engineRegion,
        credentials: engineCredentials,
        hashIds: false,
        // The model knows what was acknowledged; a touch that is left out acknowledges nothing.
        touchAfterSeconds: 0,
        transport,
        ...LIMITS,
      }),
  )
  const users = stores.flatMap((store, number) =>
    Array.from(
      { length: SESSIONS / STORES },
      (_, index) =>
        new SessionUser(`session-${number}-${index}`, {
          store,
          transport,
          rig,
          seed,
          deadlineMs: LIMITS.deadlineMs,
        }),
    ),
  )
  const violations: string[] = []
  try {
    const untilMs = performance.now() + seconds * 1000
    await Promise.all(
      users.map(async user => {
        while (performance.now() < untilMs) await user.step()
      }),
    )
    rig.calm()
    violations.push(...(await checkRecovery(rig, users)))
    const losses = await compareWithTable(table, users)
    await Promise.all(stores.map(async store => store.close()))
    if (!(await settlesWithin(transport.close(), CLOSING_MS))) violations.push('the transport did not close')
    if (!(await settlesWithin(rig.untilUnused(), CLOSING_MS))) violations.push('a connection stayed open')
    return {
      ...countCalls(users),
      requests: rig.requests,
      connections: rig.connections,
      injected: rig.injected,
      losses,
      mixedUp: transport.mixedUp,
      violations: [
        ...violations,
        ...rig.violations,
        ...users.flatMap(({ id, model }) => model.violations.map(violation => `${id}: ${violation}`)),
      ],
      peakConnections: rig.peakConnections,
      connectionsLeft: rig.openConnections,
    }
  } finally {
    await rig.close()
  }
}

/** Without faults every session can be read, and no place in the pool or its queue is lost. */
async function checkRecovery(rig: FaultRig, users: readonly SessionUser[]): Promise<readonly string[]> {
  const problems: string[] = []
  for (const user of users) user.becomePatient()
  // The first calls meet the connections that the last faults have left behind.
  await Promise.all(users.map(async user => user.read()))
  rig.holdUntil(MAX_SOCKETS)
  const atOnce = await Promise.all(users.slice(0, MAX_SOCKETS).map(async user => user.read()))
  if (!atOnce.every(Boolean)) problems.push(`fewer than ${MAX_SOCKETS} requests can be under way at a time`)
  const all = await Promise.all(users.map(async user => user.read()))
  if (!all.every(Boolean)) problems.push('a session cannot be read although the network is in order')
  return problems
}

/** The data of an item, which are compressed from 1 KB on; a gravestone has none. */
function dataIn(item: Item, key: string): string | undefined {
  const binary = binaryOf(item['data'])
  return binary === undefined ? textOf(item['data']) : codec.decode({ B: binary }, key)
}

async function compareWithTable(
  table: SessionTable,
  users: readonly SessionUser[],
): Promise<readonly string[]> {
  const losses: string[] = []
  const items = new Map((await table.items()).map(item => [textOf(item['id']), item]))
  for (const { id, model } of users) {
    const item = items.get(id)
    items.delete(id)
    const data = item && dataIn(item, textOf(item['id']) ?? '')
    const counter = data === undefined ? undefined : counterOf(id, JSON.parse(data))
    const expiresMs = numberOf(item?.['expiresMs'])
    // A destroyed session may leave a gravestone for a while, which keeps a late request from bringing it back.
    const isGone = item === undefined || (data === undefined && 'lateUntil' in item)
    const isPossible = model.states.some(state =>
      state === 'absent' ? isGone : state.counter === counter && state.expiresMs === expiresMs,
    )
    if (!isPossible)
      losses.push(`${id}: ${JSON.stringify(model.states)}, stored: ${counter} until ${expiresMs}`)
  }
  return [...losses, ...[...items.keys()].map(id => `${id}: nobody has written it`)]
}

function countCalls(
  users: readonly SessionUser[],
): Pick<ChaosReport, 'calls' | 'acknowledged' | 'refused' | 'failed'> {
  const sum = (of: (user: SessionUser) => number): number =>
    users.reduce((total, user) => total + of(user), 0)
  const acknowledged = sum(({ counts }) => counts.acknowledged)
  const refused = sum(({ counts }) => counts.refused)
  const failed = sum(({ counts }) => counts.unknown)
  return { calls: acknowledged + refused + failed, acknowledged, refused, failed }
}

function textOf(value: unknown): string | undefined {
  const text: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'S') : undefined
  return typeof text === 'string' ? text : undefined
}

function numberOf(value: unknown): number | undefined {
  const text: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'N') : undefined
  return typeof text === 'string' ? Number(text) : undefined
}
