import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { modulesFolder } from './folders.mjs'

/**
 * @typedef {object} ContenderInfo
 * @property {string} name Name of its file.
 * @property {string} label
 * @property {'ours' | 'store' | 'client' | 'floor'} kind What it does: a whole session store or a DynamoDB client.
 * @property {readonly string[]} packages What has to be installed for it.
 * @property {import('./answers.mjs').LayoutName} layout The items it reads.
 */

/** Everything that is measured, in the order of the tables. @type {readonly ContenderInfo[]} */
export const contenders = [
  { name: 'floor', label: 'bare socket (floor)', kind: 'floor', packages: [], layout: 'native' },
  { name: 'ours-client', label: 'ours: client', kind: 'ours', packages: [], layout: 'native' },
  { name: 'ours-store', label: 'ours: SessionStore', kind: 'ours', packages: [], layout: 'native' },
  {
    name: 'ours-express',
    label: 'ours: DynamoDBStore (express)',
    kind: 'ours',
    packages: [],
    layout: 'native',
  },
  { name: 'undici', label: 'undici + our signer', kind: 'client', packages: ['undici'], layout: 'native' },
  { name: 'aws4', label: 'aws4 + node:https', kind: 'client', packages: ['aws4'], layout: 'native' },
  {
    name: 'aws-lite',
    label: '@aws-lite/dynamodb',
    kind: 'client',
    packages: ['@aws-lite/client', '@aws-lite/dynamodb'],
    layout: 'native',
  },
  { name: 'aws4fetch', label: 'aws4fetch', kind: 'client', packages: ['aws4fetch'], layout: 'native' },
  {
    name: 'sdk',
    label: 'AWS SDK v3 client',
    kind: 'client',
    packages: ['@aws-sdk/client-dynamodb'],
    layout: 'native',
  },
  {
    name: 'connect-dynamodb',
    label: 'connect-dynamodb (on the SDK)',
    kind: 'store',
    packages: ['connect-dynamodb'],
    layout: 'connect-dynamodb',
  },
]

/** @param {string} name */
export function contenderNamed(name) {
  const found = contenders.find(contender => contender.name === name)
  if (found === undefined) {
    throw new Error(`there is no contender "${name}"; there are ${contenders.map(c => c.name).join(', ')}`)
  }
  return found
}

/**
 * The version of an installed package.
 *
 * @param {string} packageName
 */
export async function installedVersion(packageName) {
  /** @type {unknown} */
  const manifest = JSON.parse(await readFile(join(modulesFolder, packageName, 'package.json'), 'utf8'))
  return /** @type {{ version: string }} */ (manifest).version
}
