/*
 * How the modules that the compiler has put into `build` become the files that are published: CommonJS in `dist`, and the
 * same as ES modules, for bundlers alone, in `dist/esm`. Nothing is minified.
 */
import { readFileSync } from 'node:fs'

import { defineConfig } from 'rolldown'

const manifest = /** @type {typeof import('./package.json')} */ (
  JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))
)

/** What applications import, by the names of the modules. */
const entries = Object.values(manifest.exports).flatMap(target =>
  typeof target === 'object' && 'import' in target ? [target.import.default.slice('./dist/'.length, -4)] : [],
)

/** What is started, and what the preload loads by its path, when it is needed and without waiting. */
const entriesByPath = [
  'cli/main',
  'register/index',
  'register/substitutes',
  'adapters/express-store',
  'session/store',
  'session/unread-variables',
]

/**
 * What is loaded as one file, because a process that needs one of these needs the others: the modules, what they import
 * statically, and so on, as far as no earlier file has it. What is in no group is put together by who loads it.
 *
 * The first five are what a process loads that reads a session with credentials from its environment. They could be fewer
 * only if others had to load what they have no use for: `./php` takes the errors alone, `./credentials` not the core, and
 * who passes credentials takes nothing that finds them.
 *
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const groups = {
  errors: ['errors', 'internal/core-objects', 'internal/process-environment'],
  http: [
    'http/clock-skew',
    'http/endpoint',
    'http/error-classification',
    'http/retry',
    'http/socket-transport',
    'internal/credentials-shape',
    'internal/diagnostics',
    'internal/partitions',
    'internal/pending-steps',
    'internal/user-agent',
    'sigv4/sign',
  ],
  core: ['adapters/express-store', 'session/store'],
  settings: ['config/call-settings', 'config/route-search', 'config/settings'],
  proxy: ['config/proxy-settings', 'http/proxy-tunnel'],
  'default-provider': [
    'credentials/cached-provider',
    'credentials/default-provider',
    'credentials/instant',
    'credentials/shared-flight',
  ],

  'provider-chain': ['credentials/credentials-document', 'credentials/provider-chain'],
  ini: ['credentials/ini'],
  'instance-metadata': ['config/instance-metadata-region', 'credentials/instance-metadata'],
  'service-call': ['credentials/json-call'],
  sts: ['credentials/mfa-code', 'credentials/sts-endpoint', 'credentials/sts'],

  php: ['layout/php/index'],
  'foreign-layout': [
    'layout/foreign/document-codec',
    'layout/foreign/expiry-rule',
    'layout/foreign/foreign-layout',
    'layout/foreign/stored-data',
  ],
  'data-seal': ['seal/data-seal'],
  'key-values': ['session/key-values-options', 'session/key-values'],
  table: ['table/index'],
  // For the preload, which has no use for the rest of what the command line needs it with.
  nearest: ['internal/nearest'],

  cli: ['cli/run'],
  'cli-invocation': ['cli/common-options', 'cli/invocation'],
  'cli-output': ['cli/failure', 'cli/format', 'cli/progress'],
}

const config = defineConfig([
  {
    ...input([...entries, ...entriesByPath]),
    output: {
      ...output('dist'),
      format: 'cjs',
      exports: 'named',
      esModule: true,
      strict: true,
      // What is loaded later is loaded with `require`: the CommonJS modules of Jest have no `import()`.
      dynamicImportInCjs: false,
      externalLiveBindings: false,
    },
  },
  { ...input(entries), output: { ...output('dist/esm'), format: 'esm' } },
])

export default config

/**
 * @param {readonly string[]} modules
 * @returns {import('rolldown').InputOptions}
 */
function input(modules) {
  return {
    cwd: new URL('build', import.meta.url).pathname,
    input: Object.fromEntries(modules.map(name => [name, `./${name}.js`])),
    platform: 'node',
    external: ['express-session', 'react-router', /^node:/],
    // That modules of a group are loaded together, whoever asks for one, is what groups are for.
    checks: { bundlerTimings: false, ineffectiveDynamicImport: false },
    onLog: (_level, { message }) => {
      throw new Error(message)
    },
  }
}

/**
 * @param {string} folder
 * @returns {import('rolldown').OutputOptions}
 */
function output(folder) {
  return {
    dir: new URL(folder, import.meta.url).pathname,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    // What tells other bundlers that they may leave out a call stays.
    comments: { legal: false, jsdoc: false, annotation: true },
    minifyInternalExports: false,
    generatedCode: { symbols: false },
    codeSplitting: {
      groups: Object.entries(groups).map(([name, modules]) => ({
        name,
        test: id => modules.some(module => id.endsWith(`/build/${module}.js`)),
      })),
    },
  }
}
