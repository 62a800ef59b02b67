/*
 * Two Regions with a name server in front of them, in a thread of its own, for outage.mjs: says where they are, replays an
 * outage of the first one when it is told to, and tells of each phase when it begins. The first is well again until it is
 * told that the outage is over.
 */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

import { NameServer } from '../../test/outage/name-server.ts'
import { RegionHosts } from '../../test/outage/region-hosts.ts'
import { createAuthority, createCertificate } from '../../test/support/certificates.ts'

/** Longer than anybody waits for an attempt. */
const slowMs = 10_000
const hosts = ['dynamodb.us-east-1.example.test', 'dynamodb.us-west-2.example.test']
const [host = '', otherHost = ''] = hosts
const address = '127.0.0.1'
const otherAddress = '127.0.0.2'

const { engine, phaseMs } = /** @type {{ engine: string, phaseMs: number }} */ (workerData)
const authority = await createAuthority('Benchmark of outages')
const certificate = await createCertificate({ authority, hostnames: hosts })
const first = new RegionHosts(engine, certificate)
const second = new RegionHosts(engine, certificate)
const nameServer = await NameServer.start([otherAddress])
nameServer.names.set(host, [address])
await first.start(address)
await second.start(otherAddress)
if (parentPort === null) throw new Error('this is for a worker thread')
const parent = parentPort

send({
  nameServer: nameServer.address,
  ca: authority.cert,
  endpoint: `https://${host}:${first.port}`,
  otherEndpoint: `https://${otherHost}:${second.port}`,
})
await once(parent, 'message')

send('Unresolved')
nameServer.names.set(host, [])
first.cut()
await pause(phaseMs)

send('Refused')
await first.stop(address)
await pause(phaseMs)

send('Slow')
first.delayMs = slowMs
await first.start(address)
nameServer.names.set(host, [address])
await pause(phaseMs)

send('Well')
first.delayMs = 0

/** @param {unknown} message */
function send(message) {
  parent.postMessage(message, [])
}
