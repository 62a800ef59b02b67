import { named } from '../contenders/all.mjs'
import { startEngine } from '../lib/engine.mjs'
import { costStores } from './cost.mjs'

/** @typedef {{ writers: number, stores: number }} Axes */

const names = ['ours', 'connect-dynamodb', 'dynamodb-store']

/** @type {readonly Axes[]} */
const storms = [
  { writers: 2, stores: 1 },
  { writers: 50, stores: 1 },
  { writers: 500, stores: 1 },
  { writers: 2, stores: 2 },
  { writers: 50, stores: 50 },
]

/** @type {import('../types.d.ts').Section<Axes>} */
export const stormSection = {
  name: 'storm',
  title: 'Storms',
  intro:
    'Many requests have loaded one session, and all save a change of their own at once, through one store or each through a store of its own, in one process against DynamoDB Local. What loading takes is not counted; what is lost has its requests counted, too. "Lost" are the changes that are not in the session afterwards; "errors" are those of them that the store has reported.',
  contenders: costStores.filter(({ name }) => names.includes(name)),
  metrics: [
    { field: 'requestsPerSave', label: 'requests per save kept' },
    { field: 'lost', label: 'saves lost', isCompared: true },
    { field: 'errors', label: 'errors' },
    { field: 'writeUnitsPerWriter', label: 'write units per writer' },
    { field: 'milliseconds', label: 'ms' },
  ],
  references: [],
  packages: ['connect-dynamodb', 'dynamodb-store'],
  open: async ({ plan, run }) => {
    const engine = await startEngine()
    return {
      rows: storms.map(axes => ({
        title: `${axes.writers} writers, ${axes.stores === 1 ? 'one store' : `${axes.stores} stores`}`,
        axes,
        contenders: names,
        rounds: plan.rounds,
      })),
      measure: async ({ axes }, name) => {
        const store = named(costStores, name)
        const table = await engine.createTable(store.partitionKey)
        return run('storm.mjs', { ...axes, endpoint: engine.endpoint, table, store })
      },
      close: engine.stop,
    }
  },
}
