import { beforeAll, describe, expect, it } from 'vitest'

import { engine } from '../support/engines.ts'
import { createRigCertificates, type RigCertificates } from '../support/fault-rig/rig-certificates.ts'
import { type ChaosReport, MAX_SOCKETS, runChaos } from './chaos-run.ts'
import { handlesLeft, openHandles } from './open-handles.ts'

const SHORT_SECONDS = 2.5
const LONG_SECONDS = 300

/** `vitest run test/chaos --mode long` is the long version; `CHAOS_SECONDS` says how long all runs take together. */
const isLong = process.env['MODE'] === 'long'
const totalSeconds = Number(process.env['CHAOS_SECONDS'] ?? (isLong ? LONG_SECONDS : SHORT_SECONDS))
/** `CHAOS_SEED` repeats a run. The short version has always the same plan, the long one looks for what is new. */
const seed = Number(process.env['CHAOS_SEED'] ?? (isLong ? Date.now() % 1_000_000 : 20_261_123))

const seconds = totalSeconds / 2

let certificates: RigCertificates

beforeAll(async () => {
  certificates = await createRigCertificates()
})

describe('a faulty network in front of an engine', () => {
  it.each([
    ['TCP', false],
    ['TLS', true],
  ])(
    'over %s loses nothing, mixes nothing up and leaves nothing behind',
    async (protocol, tls) => {
      const before = openHandles()
      const report = await runChaos({
        engine,
        certificates: tls ? certificates : undefined,
        seed,
        seconds,
      })
      process.stdout.write(`${summaryOf(`${engine.name} over ${protocol}`, report)}\n`)
      const { losses, mixedUp, violations, connectionsLeft } = report
      expect({ seed, losses, mixedUp, violations, connectionsLeft }).toEqual({
        seed,
        losses: [],
        mixedUp: [],
        violations: [],
        connectionsLeft: 0,
      })
      expect(report.peakConnections).toBeGreaterThanOrEqual(MAX_SOCKETS)
      expect(await handlesLeft(before)).toEqual({})
    },
    seconds * 1000 + 60_000,
  )
})

function summaryOf(name: string, report: ChaosReport): string {
  const faults = [...report.injected].sort(([a], [b]) => a.localeCompare(b))
  const total = faults.reduce((sum, [, count]) => sum + count, 0)
  return [
    `chaos: ${name}, ${seconds} s, CHAOS_SEED=${seed}`,
    `  ${report.calls} calls: ${report.acknowledged} acknowledged, ${report.refused} refused, ${report.failed} failed`,
    `  ${report.requests} requests on ${report.connections} connections, ${total} faults of ${faults.length} kinds:`,
    `  ${faults.map(([kind, count]) => `${kind} ${count}`).join(', ')}`,
    `  losses ${report.losses.length}, mixed up ${report.mixedUp.length}, other violations ${report.violations.length}`,
  ].join('\n')
}
