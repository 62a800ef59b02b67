/*
 * How the modules that the compiler has put into `build` become the files that are published: CommonJS in `dist`, and the
 * same as ES modules, for bundlers alone, in `dist/esm`. Nothing is minified.
 */
import { defineConfig } from 'rolldown'

import manifest from './package.json' with { type: 'json' }

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
  'store/session-store',
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
  errors: [
    'diagnostics',
    'errors',
    'internal/core-objects',
    'internal/message-text',
    'internal/option',
    'internal/process-environment',
    // So small that the preload need not read another file for it.
    'options/preload-options',
  ],
  http: [
    'aws/http/server-clock',
    'aws/http/endpoint',
    'aws/http/retry',
    'aws/http/socket-transport',
    'internal/diagnostics',
    'aws/config/partitions',
    'aws/config/region-names',
    'aws/config/route-finder',
    'internal/deadline',
    'internal/keyed-calls',
    'aws/sigv4/sign',
  ],
  core: ['adapters/express-store', 'store/session-store'],
  settings: ['aws/config/settings'],
  proxy: ['aws/config/route-settings', 'aws/http/proxy-tunnel'],
  'default-provider': ['aws/credentials/cached-provider', 'aws/credentials/default-provider'],

  'credentials-document': ['aws/credentials/credentials-document'],
  ini: ['aws/credentials/ini'],
  'instance-metadata': ['aws/config/instance-metadata-client', 'aws/credentials/instance-metadata'],
  'service-call': ['aws/credentials/service-call'],
  sts: ['aws/credentials/sts'],

  php: ['layouts/php/index'],
  'foreign-layouts': ['layouts/foreign/rows'],
  'payload-codec': ['encryption/payload-codec'],
  'entry-options': ['options/entry-options'],
  'key-values': ['options/key-value-options', 'key-values/key-value-store'],
  table: ['table/index'],

  cli: ['cli/run'],
  'cli-args': ['cli/args'],
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
