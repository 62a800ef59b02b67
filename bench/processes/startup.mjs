/*
 * One cold start in a process of its own: loads an app, lets it read one session, and tells what that took. Started
 * with the URL of a module that exports `firstRead`, and the endpoint. Imports nothing else.
 */
const { moduleUrl, endpoint } = /** @type {{ moduleUrl: string, endpoint: string }} */ (
  /** @type {unknown} */ (JSON.parse(process.argv[2] ?? ''))
)

const cpuBefore = process.cpuUsage()
const startedMs = performance.now()
/** @type {unknown} */
const loaded = await import(moduleUrl)
await /** @type {{ firstRead: (endpoint: string) => Promise<void> }} */ (loaded).firstRead(endpoint)
const wallMs = performance.now() - startedMs
const cpu = process.cpuUsage(cpuBefore)
const processCpu = process.cpuUsage()

process.stdout.write(
  JSON.stringify({
    cpuMs: (cpu.user + cpu.system) / 1000,
    wallMs,
    processCpuMs: (processCpu.user + processCpu.system) / 1000,
    // The origin of performance.now() is the start of the process: this includes that of Node itself.
    processWallMs: performance.now(),
    rssMegabytes: process.memoryUsage.rss() / 1e6,
  }),
  () => process.exit(),
)
