import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { x } from 'tinyexec'

import { named } from '../contenders/all.mjs'
import { bundleParts, bundleSize } from '../lib/bundle.mjs'
import { repositoryFolder } from '../lib/folders.mjs'
import { installedVersion } from '../lib/install.mjs'

const ours = /** @type {const} */ ({
  kind: 'ours',
  source: `
    import { DynamoDBStore } from 'dynamodb-sessions/express'
    export const createStore = options => new DynamoDBStore(options)`,
})
const other = /** @type {const} */ ({ kind: 'other', extent: 'whole' })
const ourModules = `
  import { DynamoDBStore } from '../build/adapters/express.js'
  export const createStore = options => new DynamoDBStore(options)
`

const bundles = /** @type {const} */ ([
  {
    ...ours,
    name: 'ours-static',
    label: 'ours: ./express, static credentials',
    extent: 'without lazy parts',
  },
  {
    ...ours,
    name: 'ours-chain',
    label: 'ours: ./express, default chain',
    extent: 'with the credential chain',
  },
  { ...ours, name: 'ours-whole', label: 'ours: ./express, everything', extent: 'whole' },
  {
    ...other,
    name: 'aws4fetch',
    label: 'aws4fetch (signs only)',
    source: `export { AwsClient } from 'aws4fetch'`,
  },
  {
    ...other,
    name: 'aws4',
    label: 'aws4 (signs only)',
    source: `import aws4 from 'aws4'; export const sign = aws4.sign`,
  },
  {
    ...other,
    name: 'aws-lite',
    label: '@aws-lite/client + dynamodb',
    source: `import client from '@aws-lite/client'; import plugin from '@aws-lite/dynamodb'
      export const create = () => client({ plugins: [plugin] })`,
  },
  {
    ...other,
    name: 'sdk',
    label: 'AWS SDK v3 client',
    source: `import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
      export const get = async input => new DynamoDBClient({}).send(new GetItemCommand(input))`,
  },
  {
    ...other,
    name: 'connect-dynamodb',
    label: 'connect-dynamodb + AWS SDK v3 client',
    source: `import session from 'express-session'; import connect from 'connect-dynamodb'
      import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
      export const createStore = options => new (connect(session))({ client: new DynamoDBClient(options) })`,
  },
])

/** @type {import('../types.d.ts').Section<'bundle' | 'part'>} */
export const bundleSection = {
  name: 'bundle',
  title: 'Size of bundles',
  intro:
    'Bundles by esbuild, minified, `express-session` left out. An app with static credentials never loads the credential chain, so the first line leaves out what only `import()` loads; the second adds what finds settings and credentials; the third counts everything: other layouts, locks, encryption, garbage collection, migration. Below, the bundle with static credentials by the folders of the source.',
  contenders: bundles,
  metrics: [
    { field: 'gzipKilobytes', label: 'min+gzip KB', isCompared: true },
    { field: 'minifiedKilobytes', label: 'minified KB' },
    { field: 'share', label: 'share' },
  ],
  references: ['ours-chain'],
  subjects: ['ours-static'],
  packages: [
    'esbuild',
    'aws4fetch',
    'aws4',
    '@aws-lite/client',
    '@aws-sdk/client-dynamodb',
    'connect-dynamodb',
  ],
  plot: {
    title: 'Size of bundles',
    subtitle: 'Minified by esbuild and gzipped, express-session left out. Less is better.',
    rows: 1,
    unit: ' KB',
  },
  open: async () => {
    const parts = await bundleParts(ourModules)
    const total = [...parts.values()].reduce((sum, bytes) => sum + bytes, 0)
    return {
      rows: [
        { title: 'Bundles', axes: 'bundle', contenders: bundles.map(({ name }) => name), rounds: 1 },
        {
          title: 'Parts of ours, static credentials',
          axes: 'part',
          contenders: [...parts.keys()],
          rounds: 1,
        },
      ],
      measure: async ({ axes }, name) => {
        if (axes === 'bundle') {
          const { source, extent } = named(bundles, name)
          return bundleSize(source, extent)
        }
        const bytes = parts.get(name) ?? 0
        return { minifiedKilobytes: bytes / 1024, share: bytes / total }
      },
    }
  },
}

/** What is installed for each; ours is the packed tarball. */
const installs = [
  { name: 'ours', label: 'dynamodb-sessions', packages: [] },
  {
    name: 'connect-dynamodb',
    label: 'connect-dynamodb',
    packages: ['connect-dynamodb', '@aws-sdk/client-dynamodb'],
  },
  { name: 'sdk', label: '@aws-sdk/client-dynamodb', packages: ['@aws-sdk/client-dynamodb'] },
  {
    name: 'aws-lite',
    label: '@aws-lite/client + dynamodb',
    packages: ['@aws-lite/client', '@aws-lite/dynamodb'],
  },
  { name: 'undici', label: 'undici', packages: ['undici'] },
  { name: 'aws4', label: 'aws4', packages: ['aws4'] },
  { name: 'aws4fetch', label: 'aws4fetch', packages: ['aws4fetch'] },
]

/** @type {import('../types.d.ts').Section<undefined>} */
export const installSection = {
  name: 'install',
  title: 'Size of installations',
  intro: 'Fresh installations by npm, which needs the network.',
  contenders: installs.map(({ name, label }) => ({ name, label, kind: name === 'ours' ? 'ours' : 'other' })),
  metrics: [
    { field: 'megabytes', label: 'MB', isCompared: true },
    { field: 'packages', label: 'packages' },
  ],
  references: ['ours'],
  packages: installs.flatMap(({ packages }) => packages),
  open: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dynamodb-sessions-install-'))
    const pack = ['pack', '--ignore-scripts', '--pack-destination', folder, repositoryFolder]
    await x('npm', pack, { throwOnError: true })
    const tarball = (await readdir(folder)).find(file => file.endsWith('.tgz')) ?? ''
    return {
      rows: [
        { title: 'Installations', axes: undefined, contenders: installs.map(({ name }) => name), rounds: 1 },
      ],
      measure: async (_, name) => {
        const specifications = name === 'ours' ? [join(folder, tarball)] : []
        for (const each of named(installs, name).packages) {
          specifications.push(`${each}@${await installedVersion(each)}`)
        }
        return install(join(folder, name), specifications)
      },
      close: async () => rm(folder, { recursive: true, force: true }),
    }
  },
}

/**
 * @param {string} folder
 * @param {readonly string[]} specifications
 */
async function install(folder, specifications) {
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), '{"private":true}')
  const options = ['--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts']
  await x('npm', ['install', ...options, ...specifications], { throwOnError: true })
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
  return { megabytes: bytes / 1e6, packages }
}
