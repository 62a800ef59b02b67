import { loadContenders, loadPackages } from '../contenders/all.mjs'
import { basePoint, describePoint, runLoad } from './cpu.mjs'

/** @typedef {import('../types.d.ts').Point} Point */

const looks = [25, 50, 75, 100]
/** A young generation that is never full while allocations are counted. Megabytes. */
const youngGeneration = ['--max-semi-space-size=256', '--min-semi-space-size=256']

/** @type {import('../types.d.ts').Section<Point>} */
export const memorySection = {
  name: 'memory',
  title: 'Memory',
  intro:
    'What another store or client takes that is open and has read a session, its connection included: the live heap with what is outside of it, and RSS. And what an operation allocates, one in flight, which is garbage soon.',
  contenders: loadContenders,
  metrics: [
    { field: 'allocatedKilobytesPerOperation', label: 'allocated KB/op', isCompared: true },
    { field: 'heapKilobytesPerStore', label: 'heap KB/store', isCompared: true },
    { field: 'rssKilobytesPerStore', label: 'RSS KB/store', isCompared: true },
  ],
  references: ['limit', 'ours-express'],
  subjects: ['ours-express'],
  packages: loadPackages,
  open: async context => ({
    rows: ['get', 'set'].flatMap(operation =>
      [512, 65_536].map(itemBytes => {
        const axes = { ...basePoint, inFlight: 1, operation: /** @type {'get'} */ (operation), itemBytes }
        return {
          title: describePoint(axes),
          axes,
          contenders: loadContenders.map(({ name }) => name),
          rounds: context.plan.rounds,
        }
      }),
    ),
    measure: async ({ axes }, contender) =>
      runLoad(context, 'memory-of-store.mjs', axes, contender, { nodeOptions: youngGeneration }),
  }),
}

/** @type {import('../types.d.ts').Section<Point>} */
export const leakSection = {
  name: 'leak',
  title: 'Memory over many operations',
  intro:
    'One process of `SessionStore`: half reads, a quarter each of writes and touches, 32 in flight over TLS. RSS before, live heap after a forced collection, at each quarter of the way.',
  contenders: loadContenders.filter(({ name }) => name === 'ours-store'),
  metrics: [
    { field: 'growth', label: 'RSS at the end over half-way' },
    ...looks.map(look => ({ field: `rss${look}`, label: `RSS MB at ${look} %` })),
    ...looks.map(look => ({ field: `heap${look}`, label: `heap MB at ${look} %` })),
  ],
  references: [],
  packages: [],
  open: async context => ({
    rows: [
      {
        title: `${context.plan.memoryOperations} operations`,
        axes: basePoint,
        contenders: ['ours-store'],
        rounds: 1,
      },
    ],
    measure: async ({ axes }) =>
      context.run('memory-over-time.mjs', {
        url: context.url(axes, 'native'),
        operations: context.plan.memoryOperations,
      }),
  }),
}
