import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import { SessionStore } from '../../src/index.ts'
import { createAuthority, createCertificate, type KeyPair } from '../support/certificates.ts'
import { engine } from '../support/engines.ts'
import { newId } from '../support/session-ids.ts'
import { SessionTable } from '../support/session-table.ts'
import { bundleOf, SuspendableProcess } from '../support/suspendable-process.ts'
import { NameServer, type NameServerMode } from './name-server.ts'
import { RegionHosts } from './region-hosts.ts'
import type { LoadOptions, Question, Report } from './session-load.ts'

const HOST = 'dynamodb.eu-west-1.example.test'
const PROCESSES = 2
const SESSIONS = 4
/** Rounds of each process after each of the interruptions. */
const ROUNDS = 10
const CUTS = 4

type LoadProcess = SuspendableProcess<Question, Report>

let bundle: string
let authority: KeyPair
let certificate: KeyPair

beforeAll(async () => {
  authority = await createAuthority('Test CA')
  ;[bundle, certificate] = await Promise.all([
    bundleOf(new URL('session-load.ts', import.meta.url)),
    createCertificate({ authority, hostnames: [HOST] }),
  ])
})

/** Lets every process get on with its work. */
async function untilAllHaveWorked(fleet: readonly LoadProcess[]): Promise<void> {
  for (const process of fleet) {
    const before = await process.ask({ call: 'report' })
    await expect
      .poll(async () => (await process.ask({ call: 'report' })).rounds, { interval: 20 })
      .toBeGreaterThanOrEqual(before.rounds + ROUNDS)
  }
}

// Elsewhere only 127.0.0.1 belongs to the loopback interface.
describe.runIf(process.platform === 'linux')('while the host name of DynamoDB cannot be resolved', () => {
  test('processes that know its addresses go on, and return to the name server by themselves', async () => {
    const table = await SessionTable.create(engine)
    const hosts = new RegionHosts(table.options.endpoint, certificate)
    const nameServer = await NameServer.start(['127.0.0.1', '127.0.0.2'])
    onTestFinished(async () => {
      nameServer.close()
      await hosts.close()
    })
    await hosts.start('127.0.0.1', '127.0.0.2')
    const startProcess = (): LoadProcess => {
      const options: LoadOptions = {
        nameServer: nameServer.address,
        sessionIds: Array.from({ length: SESSIONS }, () => newId()),
        store: {
          ...table.options,
          endpoint: `https://${HOST}:${hosts.port}`,
          ca: authority.cert,
          proxy: false,
          // A quarter of it is what the name server is given.
          connectTimeoutMs: 8000,
        },
      }
      const started: LoadProcess = new SuspendableProcess(bundle, options)
      onTestFinished(() => started.kill())
      return started
    }
    const cutWhile = async (mode: NameServerMode): Promise<void> => {
      nameServer.mode = mode
      for (let count = 0; count < CUTS; count++) {
        expect(hosts.cut()).toBeGreaterThan(0)
        await untilAllHaveWorked(fleet)
      }
    }

    const fleet = Array.from({ length: PROCESSES }, startProcess)
    for (const process of fleet) await process.ask({ call: 'start' })
    await untilAllHaveWorked(fleet)
    expect(hosts.connectionsTo('127.0.0.1')).toBeGreaterThan(0)
    expect(hosts.connectionsTo('127.0.0.2')).toBeGreaterThan(0)

    await cutWhile([])
    const { errors } = await startProcess().ask({ call: 'try' })
    expect(errors.join('\n')).toMatch(
      new RegExp(
        `the host name ${HOST} could not be resolved \\(ENOTFOUND\\); check whether the name server`,
      ),
    )
    await cutWhile('servfail')
    await cutWhile('silent')

    await hosts.start('127.0.0.3')
    nameServer.mode = ['127.0.0.3']
    await hosts.stop('127.0.0.1', '127.0.0.2')
    await untilAllHaveWorked(fleet)
    expect(hosts.connectionsTo('127.0.0.3')).toBeGreaterThan(0)

    const store = new SessionStore(table.options)
    onTestFinished(() => store.close())
    for (const process of fleet) {
      const report = await process.ask({ call: 'stop' })
      expect(report.errors).toEqual([])
      expect(report.events).toEqual(['start ENOTFOUND', 'end resolved'])
      expect(Object.keys(report.acknowledged)).toHaveLength(SESSIONS)
      for (const [id, n] of Object.entries(report.acknowledged)) {
        expect(await store.read(id)).toMatchObject({ data: { n } })
      }
    }
  }, 240_000)
})
