/** @typedef {{ operation: 'list' | 'garbage' }} Axes */

const contenders = /** @type {const} */ ([
  { name: 'ours', label: 'ours: SessionStore', kind: 'ours', layout: 'native' },
  { name: 'sdk', label: 'AWS SDK v3 client', kind: 'other', layout: 'native' },
  { name: 'connect-dynamodb', label: 'connect-dynamodb', kind: 'other', layout: 'connect-dynamodb' },
])

/** @type {import('../types.d.ts').Section<Axes>} */
export const scanSection = {
  name: 'scan',
  title: 'Scans and garbage',
  intro:
    'Sessions of 0.5 KB a second, and the CPU of each, against the stub server, which has pages of 250 of them: reading them all (the SDK: `paginateScan` and `JSON.parse`), and deleting what has expired, where all have (ours without its limits of capacity; connect-dynamodb: `reap`; the SDK: `paginateScan` and 16 deletes at a time). Ours deletes only what is still expired; the others delete what they have seen.',
  contenders,
  metrics: [
    { field: 'cpuMicros', label: 'CPU µs/item', isCompared: true },
    { field: 'itemsPerSecond', label: 'items/s', moreIsBetter: true, isCompared: true },
    { field: 'rssMegabytes', label: 'RSS MB' },
  ],
  references: ['ours'],
  packages: ['@aws-sdk/client-dynamodb', 'connect-dynamodb'],
  open: async ({ plan, url, run }) => ({
    rows: [
      {
        title: 'Listing sessions',
        axes: { operation: 'list' },
        contenders: ['ours', 'sdk'],
        rounds: plan.rounds,
      },
      {
        title: 'Collecting garbage',
        axes: { operation: 'garbage' },
        contenders: contenders.map(({ name }) => name),
        rounds: plan.rounds,
      },
    ],
    measure: async ({ axes }, contender) => {
      const layout = contender === 'connect-dynamodb' ? contender : 'native'
      const endpoint = url({ protocol: 'https', host: '127.0.0.1', itemBytes: 512 }, layout)
      return run('scan.mjs', { ...axes, contender, endpoint, items: plan.scanItems })
    },
  }),
}
