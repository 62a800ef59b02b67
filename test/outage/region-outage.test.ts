import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import { createAuthority, createCertificate, type KeyPair } from '../support/certificates.ts'
import { engine, engineCredentials } from '../support/engines.ts'
import { GlobalTable } from '../support/global-table.ts'
import { hashSessionId as keyOf } from '../../src/layouts/native.ts'
import { newId } from '../support/session-ids.ts'
import { bundleOf, SuspendableProcess } from '../support/suspendable-process.ts'
import { NameServer } from './name-server.ts'
import { RegionHosts } from './region-hosts.ts'
import type { LoadOptions, Question, Report } from './region-load.ts'

const FIRST = { region: 'us-east-1', host: 'dynamodb.us-east-1.example.test', address: '127.0.0.1' }
const SECOND = { region: 'us-west-2', host: 'dynamodb.us-west-2.example.test', address: '127.0.0.2' }
const PROCESSES = 2
const SESSIONS = 3
const LAG_MS = 20
/** For a machine that has twenty times as much to do; a Region that does not respond is left after three times as long. */
const ATTEMPT_TIMEOUT_MS = 3000
/** How often the outage is replayed, and how many rounds each process makes in each phase. */
const isLong = process.env['MODE'] === 'long'
const REPLAYS = Number(process.env['OUTAGE_REPLAYS'] ?? (isLong ? 5 : 1))
const ROUNDS = isLong ? 100 : 10

type LoadProcess = SuspendableProcess<Question, Report>

let bundle: string
let authority: KeyPair
let certificate: KeyPair

beforeAll(async () => {
  authority = await createAuthority('Test CA')
  ;[bundle, certificate] = await Promise.all([
    bundleOf(new URL('region-load.ts', import.meta.url)),
    createCertificate({ authority, hostnames: [FIRST.host, SECOND.host] }),
  ])
})

async function reportsOf(fleet: readonly LoadProcess[]): Promise<Report[]> {
  return Promise.all(fleet.map(process => process.ask({ call: 'report' })))
}

/** Lets every process get on with its work. */
async function untilAllHaveWorked(fleet: readonly LoadProcess[]): Promise<void> {
  const before = await reportsOf(fleet)
  await expect
    .poll(
      async () => {
        const now = await reportsOf(fleet)
        return now.every(({ rounds }, index) => rounds >= (before[index]?.rounds ?? 0) + ROUNDS)
      },
      { interval: 50 },
    )
    .toBe(true)
}

async function untilAllUse(fleet: readonly LoadProcess[], region: string): Promise<void> {
  await expect
    .poll(async () => (await reportsOf(fleet)).map(({ health }) => health.region), {
      interval: 50,
    })
    .toEqual(fleet.map(() => region))
}

/** Elsewhere only 127.0.0.1 belongs to the loopback interface. */
describe.runIf(process.platform === 'linux')('while a Region fails', () => {
  test(
    'processes go on in the other one, lose nothing that was replicated, and return',
    async () => {
      const table = await GlobalTable.start(engine)
      table.lagMs = LAG_MS
      const [firstEndpoint = '', secondEndpoint = ''] = table.endpoints
      const first = new RegionHosts(firstEndpoint, certificate)
      const second = new RegionHosts(secondEndpoint, certificate)
      const nameServer = await NameServer.start([SECOND.address])
      nameServer.names.set(FIRST.host, [FIRST.address])
      onTestFinished(async () => {
        nameServer.close()
        await first.close()
        await second.close()
        await table.close()
      })
      await first.start(FIRST.address)
      await second.start(SECOND.address)
      const startProcess = (): LoadProcess => {
        const options: LoadOptions = {
          nameServer: nameServer.address,
          sessionIds: Array.from({ length: SESSIONS }, () => newId()),
          store: {
            table: table.name,
            region: FIRST.region,
            endpoint: `https://${FIRST.host}:${first.port}`,
            failover: {
              regions: [{ region: SECOND.region, endpoint: `https://${SECOND.host}:${second.port}` }],
              attemptTimeoutMs: ATTEMPT_TIMEOUT_MS,
              returnAfterSeconds: 1,
            },
            credentials: engineCredentials,
            ca: authority.cert,
            proxy: false,
            connectTimeoutMs: 20_000,
            attemptTimeoutMs: 20_000,
            deadlineMs: 40_000,
          },
        }
        const started: LoadProcess = new SuspendableProcess(bundle, options)
        onTestFinished(() => started.kill())
        return started
      }
      const fleet = Array.from({ length: PROCESSES }, startProcess)
      await Promise.all(fleet.map(process => process.ask({ call: 'start' })))
      await untilAllHaveWorked(fleet)

      for (let replay = 0; replay < REPLAYS; replay++) {
        // The name has no address. Those that are known still respond.
        nameServer.names.set(FIRST.host, [])
        first.cut()
        await untilAllHaveWorked(fleet)
        await untilAllUse(fleet, FIRST.region)

        // Connections are refused.
        await first.stop(FIRST.address)
        await untilAllUse(fleet, SECOND.region)
        await untilAllHaveWorked(fleet)

        // The Region is there, and takes longer than anybody waits.
        nameServer.names.set(FIRST.host, [FIRST.address])
        first.delayMs = 4 * ATTEMPT_TIMEOUT_MS
        await first.start(FIRST.address)
        await untilAllHaveWorked(fleet)

        // It is well again.
        first.delayMs = 0
        await untilAllUse(fleet, FIRST.region)
        await untilAllHaveWorked(fleet)
      }

      // It does not respond any more, from one moment to the next.
      first.delayMs = Infinity
      await untilAllUse(fleet, SECOND.region)
      await untilAllHaveWorked(fleet)

      const reports = await Promise.all(fleet.map(process => process.ask({ call: 'stop' })))
      await table.deliver()
      const stored = await Promise.all([table.items(0), table.items(1)])
      expect(reports.flatMap(({ errors }) => errors)).toEqual([])
      expect(stored[0].map(item => JSON.stringify(item)).toSorted()).toEqual(
        stored[1].map(item => JSON.stringify(item)).toSorted(),
      )
      const lost = reports.flatMap(({ sessions }) =>
        Object.entries(sessions).flatMap(([id, { acknowledged, unreplicated }]) => {
          const item = stored[1].find(each => JSON.stringify(each['id']) === JSON.stringify({ S: keyOf(id) }))
          const text = JSON.stringify(item?.['data'] ?? '')
          return acknowledged.filter(key => !text.includes(`\\"${key}\\":`) && !unreplicated.includes(key))
        }),
      )
      expect(lost).toEqual([])
      // What is left of a session that was destroyed is a gravestone, without data.
      const back = reports.flatMap(({ destroyed }) =>
        destroyed.filter(id =>
          stored[0].some(
            each => JSON.stringify(each['id']) === JSON.stringify({ S: keyOf(id) }) && 'data' in each,
          ),
        ),
      )
      expect(back).toEqual([])
      expect(reports.flatMap(({ destroyed }) => destroyed).length).toBeGreaterThan(0)
      const total = (count: 'calls' | 'slowCalls'): number =>
        reports.reduce((sum, report) => sum + report[count], 0)
      process.stdout.write(
        `${total('calls')} calls, ${total('slowCalls')} of them slower than a second\n` +
          reports.map(({ events }) => `  ${events.join('\n  ')}\n`).join(''),
      )
    },
    400_000 * REPLAYS,
  )
})
