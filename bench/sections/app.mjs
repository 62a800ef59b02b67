/** @typedef {{ connections: number }} Axes */

const contenders = /** @type {const} */ ([
  { name: 'memory', label: 'express-session in memory', kind: 'reference', package: 'express-session' },
  { name: 'ours', label: 'ours: DynamoDBStore', kind: 'ours', package: 'dynamodb-sessions' },
  { name: 'connect-dynamodb', label: 'connect-dynamodb', kind: 'other', package: 'connect-dynamodb' },
])

/** @type {import('../types.d.ts').Section<Axes>} */
export const appSection = {
  name: 'app',
  title: 'An Express app',
  intro:
    'A page of an Express app that reads its session of 0.5 KB, with express-session and every store at its defaults, over HTTP under load by autocannon in a process of its own; the stub server is the table, over TLS. CPU is that of the app.',
  contenders,
  metrics: [
    { field: 'cpuMicros', label: 'CPU µs/page', isCompared: true },
    { field: 'requestsPerSecond', label: 'pages/s', moreIsBetter: true, isCompared: true },
    { field: 'p50Ms', label: 'p50 ms' },
    { field: 'p99Ms', label: 'p99 ms', isCompared: true },
  ],
  references: ['memory', 'ours'],
  packages: ['express', 'express-session', 'connect-dynamodb', 'autocannon'],
  open: async ({ plan, url, run }) => ({
    rows: [1, 32, 256].map(connections => ({
      title: `${connections} ${connections === 1 ? 'connection' : 'connections'}`,
      axes: { connections },
      contenders: contenders.map(({ name }) => name),
      rounds: plan.rounds,
    })),
    measure: async ({ axes: { connections } }, name) => {
      const store = contenders.find(contender => contender.name === name)?.package
      const layout = name === 'connect-dynamodb' ? name : 'native'
      const endpoint = url({ protocol: 'https', host: '127.0.0.1', itemBytes: 512 }, layout)
      return run('app.mjs', { store, endpoint, connections, requests: plan.appRequests })
    },
  }),
}
