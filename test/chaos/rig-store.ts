import { onTestFinished } from 'vitest'

import { SocketTransport } from '../../src/aws/http/socket-transport.ts'
import { SessionStore } from '../../src/store/session-store.ts'
import { type Engine, engineCredentials, engineRegion } from '../support/engines.ts'
import { FaultRig } from '../support/fault-rig/fault-rig.ts'
import { ArmedPlan } from '../support/fault-rig/plan.ts'
import type { RigCertificates } from '../support/fault-rig/rig-certificates.ts'
import { SessionTable } from '../support/session-table.ts'
import type { Payload } from './payload.ts'
import { TaggedTransport } from './tagged-transport.ts'

/** A store whose requests go through a rig of its own. */
export interface RigStore {
  readonly rig: FaultRig
  readonly store: SessionStore<Payload>
  readonly transport: TaggedTransport
  readonly plan: ArmedPlan
  readonly close: () => Promise<void>
}

/** What may differ between the stores of tests. */
export interface RigStoreOptions {
  readonly certificates?: RigCertificates | undefined
  /** Table to use. @default a new one */
  readonly table?: SessionTable
  /** Separates stores that share a table. @default '' */
  readonly prefix?: string
  /** @default 1, so that every request goes over the same connection as long as that is good */
  readonly maxSockets?: number
  /** @default 500 */
  readonly attemptTimeoutMs?: number
}

/** Opens a store with a new table. */
export async function openRigStore(
  engine: Engine,
  { maxSockets = 1, attemptTimeoutMs = 500, certificates, table, prefix = '' }: RigStoreOptions = {},
): Promise<RigStore> {
  const { name } = table ?? (await SessionTable.create(engine))
  const plan = new ArmedPlan()
  const rig = await FaultRig.start({
    engine: engine.endpoint,
    plan,
    certificates,
    overlongMs: attemptTimeoutMs * 2,
  })
  const transport = new TaggedTransport(new SocketTransport({ maxSockets, ca: certificates?.ca }))
  const store = new SessionStore<Payload>({
    table: name,
    prefix,
    endpoint: rig.url,
    region: engineRegion,
    credentials: engineCredentials,
    hashIds: false,
    // The model knows what was acknowledged; a touch that is left out acknowledges nothing.
    touchAfterSeconds: 0,
    transport,
    connectTimeoutMs: 1000,
    attemptTimeoutMs,
    // On a slow machine attempts without a fault take longer than they may, too.
    maxAttempts: 20,
    deadlineMs: 50_000,
  })
  const close = async (): Promise<void> => {
    await transport.close()
    await rig.close()
  }
  return { rig, store, transport, plan, close }
}

/** The same, for one test. */
export async function useRigStore(engine: Engine, options: RigStoreOptions = {}): Promise<RigStore> {
  const opened = await openRigStore(engine, options)
  onTestFinished(opened.close)
  return opened
}
