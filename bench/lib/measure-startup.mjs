import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { bundleApp } from './bundle.mjs'
import { runChild } from './child.mjs'
import { itemSizes } from './answers.mjs'
import { benchFolder, workFolder } from './folders.mjs'
import { medians } from './statistics.mjs'

/** @typedef {{ wallMs: number, cpuMs: number, processWallMs: number, processCpuMs: number, rssMegabytes: number }} StartupResult */
/** @typedef {{ app: string, bundled: boolean, protocol: import('./stub-server.mjs').Protocol, result: StartupResult }} MeasuredStartup */

/** The apps, by the name of their file in `startup/`. */
export const startupApps = [
  { name: 'nothing', label: 'Node itself', layout: 'native' },
  { name: 'floor', label: 'node:tls + node:crypto alone', layout: 'native' },
  { name: 'ours-store', label: 'ours: SessionStore', layout: 'native' },
  { name: 'ours-express', label: 'ours: DynamoDBStore (express)', layout: 'native' },
  { name: 'ours-register-idle', label: 'ours: the preload, no sessions', layout: 'native', preloads: true },
  { name: 'ours-register', label: 'ours: the preload, express-session', layout: 'native', preloads: true },
  { name: 'sdk', label: 'AWS SDK v3 client', layout: 'native' },
  { name: 'connect-dynamodb', label: 'connect-dynamodb (on the SDK)', layout: 'connect-dynamodb' },
]

/**
 * Measures import, construction and first read in fresh processes, in turns, from `node_modules` and from a bundle.
 *
 * @param {import('./stub-server.mjs').StubServer} server
 * @param {number} rounds
 * @returns {Promise<MeasuredStartup[]>} Medians over the rounds.
 */
export async function measureStartup(server, rounds) {
  const bundleFolder = join(workFolder, 'bundles')
  await mkdir(bundleFolder, { recursive: true })
  const variants = []
  for (const { name, layout, preloads = false } of startupApps) {
    const source = join(benchFolder, 'startup', `${name}.mjs`)
    const bundle = join(bundleFolder, `${name}.mjs`)
    // What is preloaded has to be there before the app, and as files: it is never part of a bundle.
    if (!preloads) await bundleApp(source, bundle)
    for (const protocol of /** @type {const} */ (['https', 'http'])) {
      const [itemBytes = 0] = itemSizes
      const url = server.url(protocol, /** @type {import('./answers.mjs').LayoutName} */ (layout), itemBytes)
      for (const bundled of preloads ? [false] : [false, true]) {
        variants.push({ app: name, bundled, protocol, url, file: bundled ? bundle : source, results: [] })
      }
    }
  }

  console.log(`\nstart-up (rounds: ${rounds})`)
  // The first round reads the files from the disk; it is not counted.
  for (let round = -1; round < rounds; round++) {
    for (const { file, url, results } of variants) {
      const args = [pathToFileURL(file).href, url]
      const result = await runChild({ script: 'startup.mjs', args, caFile: server.caFile })
      if (round >= 0) /** @type {StartupResult[]} */ (results).push(/** @type {StartupResult} */ (result))
    }
  }
  return variants.map(({ app, bundled, protocol, results }) => {
    const result = medians(/** @type {StartupResult[]} */ (results))
    console.log(
      `  ${app.padEnd(18)} ${bundled ? 'bundled ' : 'unbundled'} ${protocol.padEnd(5)} ` +
        `${result.cpuMs.toFixed(1).padStart(7)} ms CPU ${result.wallMs.toFixed(1).padStart(7)} ms`,
    )
    return { app, bundled, protocol, result }
  })
}
