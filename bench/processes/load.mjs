/*
 * One contender under load: how much CPU an operation takes, and how long. Nothing but the contender is loaded.
 */
import { runLoad } from '../lib/load.mjs'
import { finish, readLoadJob } from './job.mjs'

/** @typedef {import('../types.d.ts').ContenderModule} ContenderModule */
/** @typedef {import('../types.d.ts').Plan} Plan */

/** @type {import('../types.d.ts').Job & Pick<Plan, 'warmUpCpuMs' | 'warmUpOperations' | 'measureCpuMs'>} */
const job = readLoadJob()
/** @type {unknown} */
const loaded = await import(`../contenders/${job.contender.module}.mjs`)
const target = await /** @type {ContenderModule} */ (loaded).open(job)
// Connections are opened bit by bit: a thousand handshakes at once take longer than a connection may.
const { inFlight, warmUpCpuMs: cpuMs, warmUpOperations: operations } = job
await runLoad(target, inFlight, { cpuMs, operations, rampMs: 200 })
finish(await runLoad(target, job.inFlight, { cpuMs: job.measureCpuMs }))
