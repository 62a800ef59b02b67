import { runChild } from './child.mjs'

/** @typedef {{ operations: number, rssMegabytes: number, heapMegabytes: number }} MemorySample */

/**
 * Watches the memory of one process of our store over many operations.
 *
 * @param {import('./stub-server.mjs').StubServer} server
 * @param {number} operations
 */
export async function measureMemory(server, operations) {
  console.log(`\nmemory over ${operations} operations`)
  const samples = /** @type {MemorySample[]} */ (
    await runChild({
      script: 'memory.mjs',
      args: [server.url('https', 'native', 512), String(operations)],
      caFile: server.caFile,
    })
  )
  for (const { operations: done, rssMegabytes, heapMegabytes } of samples) {
    console.log(
      `  ${String(done).padStart(8)} operations: RSS ${rssMegabytes.toFixed(1)} MB, live heap ${heapMegabytes.toFixed(2)} MB`,
    )
  }
  return samples
}
