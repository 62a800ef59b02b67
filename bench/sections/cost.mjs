import { named } from '../contenders/all.mjs'
import { startEngine } from '../lib/engine.mjs'

/** @typedef {{ resave: boolean, rolling: boolean }} Setting Settings of express-session. */
/**
 * One store as an app would configure it.
 *
 * @typedef {object} CostStore
 * @property {string} name
 * @property {string} label
 * @property {'ours' | 'other'} kind
 * @property {string} package
 * @property {Record<string, unknown>} options What is not at its default.
 * @property {string} partitionKey
 */
/**
 * What visitors do.
 *
 * @typedef {object} Workload
 * @property {string} label
 * @property {boolean} hasSession Whether the visitor has a session.
 * @property {number} sessionBytes Size of the session as JSON.
 * @property {number} requestsPerView Requests of one page view, all at once; each reaches another app, with a store of its own.
 * @property {number} changesPerView How many of them change the session, in a page view that changes it.
 */

/**
 * List prices of on-demand capacity in us-east-1, in dollars for a million request units, as of 2026: an assumption of
 * the tables, like the size of the session.
 */
const prices = { read: 0.125, write: 0.625 }

const ours = /** @type {const} */ ({ kind: 'ours', package: 'dynamodb-sessions', partitionKey: 'id' })
const connect = /** @type {const} */ ({ kind: 'other', package: 'connect-dynamodb', partitionKey: 'id' })
const other = /** @type {const} */ ({ kind: 'other', package: 'dynamodb-store', partitionKey: 'sessionId' })

/** In the order of the tables; the first is what the others are compared with. @type {readonly CostStore[]} */
export const costStores = [
  { ...ours, name: 'ours', label: 'ours', options: {} },
  {
    ...ours,
    name: 'ours-eventual',
    label: 'ours, `consistentRead: false`',
    options: { consistentRead: false },
  },
  {
    ...ours,
    name: 'ours-uncompressed',
    label: 'ours, `compression: false`',
    options: { compression: false },
  },
  {
    ...ours,
    name: 'ours-every-touch',
    label: 'ours, `touchAfterSeconds: 0`',
    options: { touchAfterSeconds: 0 },
  },
  { ...ours, name: 'ours-locking', label: 'ours, `locking: true`', options: { locking: true } },
  { ...connect, name: 'connect-dynamodb', label: 'connect-dynamodb', options: {} },
  { ...other, name: 'dynamodb-store', label: 'dynamodb-store', options: {} },
  {
    ...other,
    name: 'dynamodb-store-hourly',
    label: 'dynamodb-store, `touchInterval` of an hour',
    options: { touchInterval: 3_600_000 },
  },
]

const visitor = { hasSession: true, sessionBytes: 512, requestsPerView: 1, changesPerView: 1 }

/** @type {readonly Workload[]} */
const workloads = [
  { ...visitor, label: 'One request per page, session of 0.5 KB' },
  { ...visitor, label: 'One request per page, session of 4 KB', sessionBytes: 4096 },
  {
    ...visitor,
    label: 'Three parallel requests per page, session of 0.5 KB',
    requestsPerView: 3,
    changesPerView: 2,
  },
  { ...visitor, label: 'Visitors without a session', hasSession: false },
]

const settings = [false, true].flatMap(resave => [false, true].map(rolling => ({ resave, rolling })))

/** @type {import('../types.d.ts').Section<{ setting: Setting, workload: Workload }>} */
export const costSection = {
  name: 'cost',
  title: 'Cost',
  intro: [
    `For 1 000 page views: a real Express app with express-session, its session cookie living a day, and a visitor who views a page every 30 seconds on average, on the clock of the app's process, which the benchmark moves. One page view in ten changes the session. A proxy between store and DynamoDB Local counts the requests and sums up the capacity that the engine reports; what a failed condition takes, which it does not report, counts by DynamoDB's rules (the item that is there, at least one unit). Starting and signing in are not counted.`,
    `Capacity is counted in units of 4 KB (reads) and 1 KB (writes), so that a session of 4096 bytes of JSON with anything beside it just takes one more of each; dynamodb-store keeps a map, which is shorter. Three parallel requests reach three apps with a store each, as behind a load balancer; in one page view of ten, two of them change the session, each another top-level key, and the third only reads. What an app does with a request takes 5 ms. How often a change is lost, and how often a lock is asked for again, depends on timing. Without a session, nobody has a cookie, and nothing is put into the session (\`saveUninitialized: false\`).`,
    `Dollars, for a million views, are for request units alone, at us-east-1 on-demand list prices taken to be $${prices.read} per million read and $${prices.write} per million write request units (2026). Stores are at their defaults unless it says otherwise; "lost" are changes that had been answered with success and were not in the session at the end.`,
  ].join('\n\n'),
  contenders: costStores,
  metrics: [
    { field: 'dollars', label: '$ per million views', isCompared: true },
    { field: 'requests', label: 'requests' },
    { field: 'readUnits', label: 'read units' },
    { field: 'writeUnits', label: 'write units' },
    { field: 'failedConditions', label: 'failed conditions' },
    { field: 'lostPercent', label: 'lost changes, %' },
    { field: 'itemBytes', label: 'item bytes' },
  ],
  references: ['ours'],
  packages: ['connect-dynamodb', 'dynamodb-store', 'aws-sdk', 'express', 'express-session'],
  lanes: 3,
  open: async ({ plan, run }) => {
    const engine = await startEngine()
    return {
      rows: workloads.flatMap(workload =>
        settings.map(setting => ({
          title: workload.label,
          variant: `resave ${setting.resave ? 'on' : 'off'}, rolling ${setting.rolling ? 'on' : 'off'}`,
          axes: { setting, workload },
          contenders: costStores.map(({ name }) => name),
          rounds: 1,
        })),
      ),
      measure: async ({ axes }, name) => {
        const store = named(costStores, name)
        const table = await engine.createTable(store.partitionKey)
        const job = { ...axes, endpoint: engine.endpoint, table, store, views: plan.costViews }
        /** @type {import('../types.d.ts').Sample} */
        const sample = await run('cost.mjs', job)
        const { readUnits = 0, writeUnits = 0 } = sample
        return { dollars: (readUnits * prices.read + writeUnits * prices.write) / 1000, ...sample }
      },
      close: engine.stop,
    }
  },
}
