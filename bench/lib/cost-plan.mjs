/** @typedef {{ resave: boolean, rolling: boolean }} CostSetting Settings of express-session. */
/**
 * One store as an app would configure it.
 *
 * @typedef {object} CostStore
 * @property {string} name
 * @property {string} label
 * @property {'dynamodb-sessions' | 'connect-dynamodb' | 'dynamodb-store'} package
 * @property {Record<string, boolean | number>} options What is not at its default.
 * @property {string} partitionKey
 */
/**
 * What visitors do.
 *
 * @typedef {object} CostWorkload
 * @property {string} name
 * @property {string} label
 * @property {string} description
 * @property {boolean} hasSession Whether the visitor has a session.
 * @property {number} sessionBytes Size of the session as JSON.
 * @property {number} requestsPerView Requests of one page view, all at once; each reaches another app, with a store of its own.
 * @property {number} changesPerView How many of them change the session, in a page view that changes it.
 */

/**
 * List prices of on-demand capacity in us-east-1, in dollars for a million request units, as of 2026: an assumption of
 * the tables, like the size of the session.
 */
export const prices = { region: 'us-east-1', dollarsPerMillionReads: 0.125, dollarsPerMillionWrites: 0.625 }

/** Every tenth page view changes the session. */
export const viewsPerChange = 10

/** How long sessions live: as long as their cookies. */
export const lifetimeMs = 86_400_000

/** Shortest and longest time between two page views; they average half a minute. */
export const pauseMs = { shortest: 5000, longest: 55_000 }

/** @type {readonly CostSetting[]} */
export const costSettings = [
  { resave: false, rolling: false },
  { resave: false, rolling: true },
  { resave: true, rolling: false },
  { resave: true, rolling: true },
]

const ours = /** @type {const} */ ({ package: 'dynamodb-sessions', partitionKey: 'id' })

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
    name: 'ours-every-touch',
    label: 'ours, `touchAfterSeconds: 0`',
    options: { touchAfterSeconds: 0 },
  },
  { ...ours, name: 'ours-locking', label: 'ours, `locking: true`', options: { locking: true } },
  {
    name: 'connect-dynamodb',
    label: 'connect-dynamodb',
    package: 'connect-dynamodb',
    options: {},
    partitionKey: 'id',
  },
  {
    name: 'dynamodb-store',
    label: 'dynamodb-store',
    package: 'dynamodb-store',
    options: {},
    partitionKey: 'sessionId',
  },
  {
    name: 'dynamodb-store-hourly',
    label: 'dynamodb-store, `touchInterval` of an hour',
    package: 'dynamodb-store',
    options: { touchInterval: 3_600_000 },
    partitionKey: 'sessionId',
  },
]

const visitor = { hasSession: true, sessionBytes: 512, requestsPerView: 1, changesPerView: 1 }

/** @type {readonly CostWorkload[]} */
export const costWorkloads = [
  {
    ...visitor,
    name: 'visitor',
    label: 'One request per page, session of 0.5 KB',
    description: 'A visitor with a session; one page view in ten changes it.',
  },
  {
    ...visitor,
    name: 'large',
    label: 'One request per page, session of 4 KB',
    description:
      'The same with more in the session: 4096 bytes of JSON. Capacity is counted in units of 4 KB (reads) and 1 KB (writes), so that JSON with anything beside it just takes one more of each; dynamodb-store keeps a map, which is shorter.',
    sessionBytes: 4096,
  },
  {
    ...visitor,
    name: 'parallel',
    label: 'Three parallel requests per page, session of 0.5 KB',
    description:
      'Each page sends three requests at once, which reach three apps with a store each, as behind a load balancer. In one page view of ten, two of them change the session, each another top-level key, and the third only reads. What an app does with a request takes 5 ms. How often a change is lost, and how often a lock is asked for again, depends on timing and differs a little from run to run.',
    requestsPerView: 3,
    changesPerView: 2,
  },
  {
    ...visitor,
    name: 'anonymous',
    label: 'Visitors without a session',
    description: 'Nobody has a cookie, and nothing is put into the session (`saveUninitialized: false`).',
    hasSession: false,
  },
]

/** @param {CostSetting} setting */
export function describeSetting({ resave, rolling }) {
  return `resave ${resave ? 'on' : 'off'}, rolling ${rolling ? 'on' : 'off'}`
}

/** @param {string} storeName */
export function isOurs(storeName) {
  return storeName === 'ours' || storeName.startsWith('ours-')
}
