import { join, relative } from 'node:path'

import { bundleProcess } from '../lib/bundle.mjs'
import { benchFolder, workFolder } from '../lib/folders.mjs'

const contenders = /** @type {const} */ ([
  { name: 'failover', label: 'ours, with failover', kind: 'ours' },
  { name: 'alone', label: 'ours, one Region', kind: 'ours' },
  { name: 'sdk', label: 'AWS SDK v3 client', kind: 'other' },
])
const processes = join(benchFolder, 'processes')
const bundles = join(workFolder, 'bundles')
const programs = /** @type {const} */ (['outage.mjs', 'outage-regions.mjs'])

/** @type {import('../types.d.ts').Section<undefined>} */
export const outageSection = {
  name: 'outage',
  title: 'An outage',
  intro:
    'Eight callers read and write a session, one call being both, while a Region fails in phases of equal length: its host name has no address and open connections break; connections are refused; it takes 10 s for each request; it is well again. Everyone is at its defaults, but for `returnAfterSeconds: 1`. The other Region is up all the time; only the store with `failover` knows it. "Left" is measured from the first refused connection, "returned" from when the Region was well. Only on Linux, for its addresses.',
  contenders,
  metrics: [
    { field: 'errors', label: 'errors', isCompared: true },
    { field: 'slowestMs', label: 'slowest call, ms', isCompared: true },
    { field: 'longestGapMs', label: 'longest time without a good response, ms', isCompared: true },
    { field: 'errorsUnresolved', label: 'errors, no address' },
    { field: 'errorsRefused', label: 'errors, refused' },
    { field: 'errorsSlow', label: 'errors, slow' },
    { field: 'errorsWell', label: 'errors, well' },
    { field: 'slowestUnresolved', label: 'slowest ms, no address' },
    { field: 'slowestRefused', label: 'slowest ms, refused' },
    { field: 'slowestSlow', label: 'slowest ms, slow' },
    { field: 'slowestWell', label: 'slowest ms, well' },
    { field: 'leftMs', label: 'left after, ms' },
    { field: 'returnedMs', label: 'returned after, ms' },
    { field: 'calls', label: 'calls', moreIsBetter: true },
  ],
  references: [],
  subjects: ['failover'],
  packages: ['@aws-sdk/client-dynamodb'],
  open: async ({ plan, url, run }) => {
    for (const name of programs) await bundleProcess(join(processes, name), join(bundles, name))
    const engine = url({ protocol: 'http', host: '127.0.0.1', itemBytes: 512 }, 'native')
    return {
      // Elsewhere only 127.0.0.1 belongs to the loopback interface.
      rows:
        process.platform === 'linux'
          ? [
              {
                title: 'A Region fails and comes back',
                axes: undefined,
                contenders: contenders.map(({ name }) => name),
                rounds: plan.rounds,
              },
            ]
          : [],
      measure: async (_, contender) =>
        run(relative(processes, join(bundles, 'outage.mjs')), {
          engine,
          phaseMs: plan.outagePhaseMs,
          contender,
        }),
    }
  },
}
