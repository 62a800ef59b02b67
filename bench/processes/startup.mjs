/*
 * One cold start in a process of its own: loads an app, lets it read one session, and tells what that took. Started
 * with the URL of a module that exports `firstRead`, and the endpoint.
 */
const [, , moduleUrl = '', endpoint = ''] = process.argv

const cpuBefore = process.cpuUsage()
const startedMs = performance.now()
/** @type {unknown} */
const loaded = await import(moduleUrl)
await /** @type {{ firstRead: (endpoint: string) => Promise<void> }} */ (loaded).firstRead(endpoint)
const wallMs = performance.now() - startedMs
const cpu = process.cpuUsage(cpuBefore)
const processCpu = process.cpuUsage()

process.send?.(
  {
    wallMs,
    cpuMs: (cpu.user + cpu.system) / 1000,
    // The origin of performance.now() is the start of the process: this includes that of Node itself.
    processWallMs: performance.now(),
    processCpuMs: (processCpu.user + processCpu.system) / 1000,
    rssMegabytes: process.memoryUsage.rss() / 1e6,
  },
  () => process.exit(),
)
