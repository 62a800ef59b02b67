import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { x } from 'tinyexec'
import { bundleParts, bundleSize } from './bundle.mjs'
import { installedVersion } from './contenders.mjs'

/** @typedef {{ name: string, label: string, minifiedBytes: number, gzipBytes: number }} BundleResult */
/** @typedef {{ label: string, packages: number, bytes: number }} InstallResult */

const ourStore = `
  import { DynamoDBStore } from 'dynamodb-sessions/express'
  export const createStore = options => new DynamoDBStore(options)
`
const ourModules = `
  import { DynamoDBStore } from '../build/adapters/express.js'
  export const createStore = options => new DynamoDBStore(options)
`
const sdkImport = `import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'`

/** @type {readonly { name: string, label: string, source: string, extent: import('./bundle.mjs').Extent }[]} */
const bundles = [
  {
    name: 'ours-static',
    label: 'ours: ./express, static credentials',
    source: ourStore,
    extent: 'without lazy parts',
  },
  {
    name: 'ours-chain',
    label: 'ours: ./express, default chain',
    source: ourStore,
    extent: 'with the credential chain',
  },
  { name: 'ours-whole', label: 'ours: ./express, everything', source: ourStore, extent: 'whole' },
  {
    name: 'aws4fetch',
    label: 'aws4fetch (signs only)',
    source: `export { AwsClient } from 'aws4fetch'`,
    extent: 'whole',
  },
  {
    name: 'aws4',
    label: 'aws4 (signs only)',
    source: `import aws4 from 'aws4'; export const sign = aws4.sign`,
    extent: 'whole',
  },
  {
    name: 'aws-lite',
    label: '@aws-lite/client + dynamodb',
    source: `import client from '@aws-lite/client'; import plugin from '@aws-lite/dynamodb'
      export const create = () => client({ plugins: [plugin] })`,
    extent: 'whole',
  },
  {
    name: 'sdk',
    label: 'AWS SDK v3 client',
    source: `${sdkImport}; export const get = async input => new DynamoDBClient({}).send(new GetItemCommand(input))`,
    extent: 'whole',
  },
  {
    name: 'connect-dynamodb',
    label: 'connect-dynamodb + AWS SDK v3 client',
    source: `import session from 'express-session'; import connect from 'connect-dynamodb'
      import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
      export const createStore = options => new (connect(session))({ client: new DynamoDBClient(options) })`,
    extent: 'whole',
  },
]

/** @type {readonly { label: string, packages: readonly string[] }[]} */
const installs = [
  { label: 'connect-dynamodb', packages: ['connect-dynamodb', '@aws-sdk/client-dynamodb'] },
  { label: '@aws-sdk/client-dynamodb', packages: ['@aws-sdk/client-dynamodb'] },
  { label: '@aws-lite/client + dynamodb', packages: ['@aws-lite/client', '@aws-lite/dynamodb'] },
  { label: 'undici', packages: ['undici'] },
  { label: 'aws4', packages: ['aws4'] },
  { label: 'aws4fetch', packages: ['aws4fetch'] },
]

/** Sizes of bundles, minified and gzipped. @returns {Promise<BundleResult[]>} */
export async function measureBundles() {
  console.log('\nbundles')
  const results = []
  for (const { name, label, source, extent } of bundles) {
    const result = { name, label, ...(await bundleSize(source, extent)) }
    console.log(`  ${label.padEnd(38)} ${(result.gzipBytes / 1024).toFixed(1).padStart(7)} KB min+gzip`)
    results.push(result)
  }
  return results
}

/** What our bundle with static credentials consists of. */
export async function measureParts() {
  return bundleParts(ourModules)
}

/**
 * What a fresh installation brings along.
 *
 * @returns {Promise<InstallResult[]>}
 * @throws {Error} when npm fails, for example without a network.
 */
export async function measureInstalls() {
  console.log('\nfresh installations')
  const folder = await mkdtemp(join(tmpdir(), 'dynamodb-sessions-install-'))
  try {
    const tarball = await packOurs(folder)
    const all = [{ label: 'dynamodb-sessions', specifications: [tarball] }]
    for (const { label, packages } of installs) {
      const specifications = []
      for (const name of packages) specifications.push(`${name}@${await installedVersion(name)}`)
      all.push({ label, specifications })
    }
    const results = []
    for (const [index, { label, specifications }] of all.entries()) {
      const result = { label, ...(await install(join(folder, String(index)), specifications)) }
      console.log(
        `  ${label.padEnd(38)} ${String(result.packages).padStart(4)} packages ${(result.bytes / 1e6).toFixed(2).padStart(7)} MB`,
      )
      results.push(result)
    }
    return results
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** @param {string} folder */
async function packOurs(folder) {
  await x('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { throwOnError: true })
  const name = (await readdir(folder)).find(file => file.endsWith('.tgz'))
  if (name === undefined) throw new Error('npm pack made no tarball')
  return join(folder, name)
}

/**
 * @param {string} folder
 * @param {readonly string[]} specifications
 */
async function install(folder, specifications) {
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), '{"private":true}')
  await x(
    'npm',
    ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', ...specifications],
    {
      throwOnError: true,
    },
  )
  const modules = join(folder, 'node_modules')
  /** @type {unknown} */
  const lock = JSON.parse(await readFile(join(modules, '.package-lock.json'), 'utf8'))
  const packages = Object.keys(/** @type {{ packages: object }} */ (lock).packages).length
  let bytes = 0
  for (const entry of await readdir(modules, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && entry.name !== '.package-lock.json') {
      bytes += (await stat(join(entry.parentPath, entry.name))).size
    }
  }
  return { packages, bytes }
}
