import { named } from '../contenders/all.mjs'

/** @typedef {{ reads: number }} Axes */

const contenders = /** @type {const} */ ([
  { name: 'plain', label: 'ours', kind: 'ours', options: {} },
  { name: 'hedged', label: 'ours, hedgedReads: true', kind: 'ours', options: { hedgedReads: true } },
  {
    name: 'hedged-5',
    label: 'ours, hedgedReads: { budgetPercent: 5 }',
    kind: 'ours',
    options: { hedgedReads: { budgetPercent: 5 } },
  },
])

/** @type {import('../types.d.ts').Section<Axes>} */
export const tailsSection = {
  name: 'tails',
  title: 'Tails',
  intro:
    'Reads of one session, 16 at a time, from a server whose latency is distributed as DynamoDB’s is: log-normal, 4 ms at the median and 25 ms at the 99th percentile, and 200 ms for one in 2,000. With `hedgedReads` slow reads are sent a second time; "more reads" is what that costs.',
  contenders,
  metrics: [
    { field: 'p999', label: 'p99.9 ms', isCompared: true },
    { field: 'p99', label: 'p99 ms', isCompared: true },
    { field: 'p9999', label: 'p99.99 ms', isCompared: true },
    { field: 'p50', label: 'p50 ms' },
    { field: 'extraPercent', label: 'more reads %' },
  ],
  references: [],
  packages: [],
  open: async ({ plan, run }) => ({
    rows: [
      {
        title: 'Reads of a slow server',
        axes: { reads: plan.tailReads },
        contenders: contenders.map(({ name }) => name),
        rounds: plan.rounds,
      },
    ],
    measure: async ({ axes }, name) =>
      run('tails.mjs', { ...axes, options: named(contenders, name).options }),
  }),
}
