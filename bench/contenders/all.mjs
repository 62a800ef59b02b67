/** @typedef {import('../types.d.ts').LoadContender} LoadContender */

const ours = /** @type {const} */ ({ kind: 'ours', layout: 'native' })
const other = /** @type {const} */ ({ kind: 'other', layout: 'native' })
const reference = /** @type {const} */ ({ kind: 'reference', layout: 'native' })

/** Everyone who is put under load, in the order of the tables. @type {readonly LoadContender[]} */
export const loadContenders = [
  { ...reference, name: 'floor', label: 'bare socket (floor)', module: 'raw-socket' },
  { ...reference, name: 'limit', label: 'the work by hand (limit)', module: 'raw-socket' },
  { ...ours, name: 'ours-client', label: 'ours: client', module: 'ours' },
  { ...ours, name: 'ours-store', label: 'ours: SessionStore', module: 'ours' },
  { ...ours, name: 'ours-express', label: 'ours: DynamoDBStore (express)', module: 'express-store' },
  { ...other, name: 'undici', label: 'undici, signed by hand', module: 'undici' },
  { ...other, name: 'undici-store', label: 'undici, all work of a store', module: 'undici' },
  { ...other, name: 'aws4', label: 'aws4 + node:https', module: 'aws4' },
  { ...other, name: 'aws-lite', label: '@aws-lite/dynamodb', module: 'aws-lite' },
  { ...other, name: 'aws4fetch', label: 'aws4fetch', module: 'aws4fetch' },
  { ...other, name: 'sdk', label: 'AWS SDK v3 client', module: 'sdk' },
  {
    ...other,
    name: 'connect-dynamodb',
    label: 'connect-dynamodb (on the SDK)',
    module: 'express-store',
    layout: 'connect-dynamodb',
  },
]

/** Packages whose versions a report of a load tells. */
export const loadPackages = [
  'undici',
  'aws4',
  '@aws-lite/client',
  '@aws-lite/dynamodb',
  'aws4fetch',
  '@aws-sdk/client-dynamodb',
  'connect-dynamodb',
  'express-session',
]

/**
 * Finds one by its name.
 *
 * @template {{ readonly name: string }} Named
 * @param {readonly Named[]} list
 * @param {string} name
 */
export function named(list, name) {
  const found = list.find(entry => entry.name === name)
  if (found === undefined) {
    throw new Error(`there is no "${name}"; there are ${list.map(entry => entry.name).join(', ')}`)
  }
  return found
}
