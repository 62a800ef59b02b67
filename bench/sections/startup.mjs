import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { bundleApp } from '../lib/bundle.mjs'
import { benchFolder, workFolder } from '../lib/folders.mjs'
import { otherNodes } from '../lib/plan.mjs'

/** @typedef {{ protocol: import('../types.d.ts').Protocol, bundled: boolean }} Axes */

/** The apps, by the name of their file in `startup/`. */
const apps = /** @type {const} */ ([
  { name: 'nothing', label: 'Node itself', kind: 'reference' },
  { name: 'floor', label: 'node:tls + node:crypto alone', kind: 'reference' },
  { name: 'ours-store', label: 'ours: SessionStore', kind: 'ours' },
  { name: 'ours-express', label: 'ours: DynamoDBStore (express)', kind: 'ours' },
  { name: 'ours-register-idle', label: 'ours: the preload, no sessions', kind: 'ours' },
  { name: 'ours-register', label: 'ours: the preload, express-session', kind: 'ours' },
  { name: 'sdk', label: 'AWS SDK v3 client', kind: 'other' },
  { name: 'connect-dynamodb', label: 'connect-dynamodb (on the SDK)', kind: 'other' },
])
// What is preloaded has to be there before the app, and as files: it is never part of a bundle.
const bundledApps = apps.map(({ name }) => name).filter(name => !name.startsWith('ours-register'))
const bundleFolder = join(workFolder, 'bundles')

/** @type {import('../types.d.ts').Section<Axes>} */
export const startupSection = {
  name: 'startup',
  title: 'Start-up',
  intro:
    'Import, construction and first read in a fresh process, with region and credentials from the environment. "Process" includes the start of Node itself. The first round reads the files from the disk and is not counted.',
  contenders: apps,
  metrics: [
    { field: 'cpuMs', label: 'CPU ms', isCompared: true },
    { field: 'wallMs', label: 'ms', isCompared: true },
    { field: 'processCpuMs', label: 'process CPU ms' },
    { field: 'processWallMs', label: 'process ms' },
    { field: 'rssMegabytes', label: 'RSS MB' },
  ],
  references: ['floor', 'sdk'],
  subjects: ['ours-express'],
  packages: ['@aws-sdk/client-dynamodb', 'connect-dynamodb', 'express-session', 'esbuild'],
  plot: {
    title: 'CPU of a cold start',
    subtitle: 'Import, construction and first read over TLS in a fresh process. Less is better.',
    rows: 2,
    unit: ' ms',
  },
  open: async context => {
    for (const name of bundledApps) await bundleApp(source(name), bundle(name))
    const warm = new Set()
    const protocols = /** @type {const} */ (['https', 'http'])
    const here = protocols.flatMap(protocol => [false, true].map(bundled => ({ protocol, bundled })))
    const elsewhere = context.plan.extent === 'all' ? otherNodes : []
    const rows = [undefined, ...elsewhere].flatMap(node =>
      here.slice(0, node === undefined ? undefined : 2).map(axes => ({
        title: `${axes.bundled ? 'Bundled by esbuild' : 'From node_modules'}, ${axes.protocol === 'https' ? 'TLS' : 'HTTP'}`,
        axes,
        contenders: axes.bundled ? bundledApps : apps.map(({ name }) => name),
        rounds: context.plan.startupRounds,
        node,
      })),
    )
    return {
      rows,
      measure: async ({ axes, node }, name) => {
        const layout = name === 'connect-dynamodb' ? name : 'native'
        const endpoint = context.url({ protocol: axes.protocol, host: '127.0.0.1', itemBytes: 512 }, layout)
        const moduleUrl = pathToFileURL(axes.bundled ? bundle(name) : source(name)).href
        const start = async () => context.run('startup.mjs', { moduleUrl, endpoint }, { node })
        const first = JSON.stringify([axes, node, name])
        if (!warm.has(first)) await start()
        warm.add(first)
        return start()
      },
    }
  },
}

/** @param {string} name */
function source(name) {
  return join(benchFolder, 'startup', `${name}.mjs`)
}

/** @param {string} name */
function bundle(name) {
  return join(bundleFolder, `${name}.mjs`)
}
