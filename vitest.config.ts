import { availableParallelism } from 'node:os'

import { configDefaults, defineConfig } from 'vitest/config'
import type { ViteUserConfigFnObject } from 'vitest/config'

import { CountReporter } from './test/support/count-reporter.ts'
import { LongestFirst } from './test/support/longest-first.ts'

/** Pure tests that replace modules of the process, so that no other may run in it. */
const withMocks = [
  'options/option-effects',
  'aws/credentials/default-provider-loading',
  'aws/http/odd-sockets',
].map(name => `test/unit/${name}.test.ts`)

/** Tests that leave their process as they have found it, so that it needs to load the sources only once. */
const sharingProcesses = [
  'test/adapters/!(next|sveltekit)/**/*.test.ts',
  'test/adapters/*.test.ts',
  'test/{concurrency,contract,integration}/**/*.test.ts',
]

const config: ViteUserConfigFnObject = defineConfig(({ mode }) => ({
  test: {
    setupFiles: ['test/support/clean-environment.ts'],
    pool: 'forks',
    // Most tests wait for sockets, processes and timers: one worker for each core would leave the cores idle.
    maxWorkers: Math.min(2 * availableParallelism(), 8),
    // For a machine that has twenty times as much to do.
    testTimeout: 180_000,
    expect: { poll: { timeout: 150_000 } },
    hookTimeout: 300_000,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', new CountReporter()],
    // In the order in which they run.
    projects: [
      {
        extends: true,
        mode,
        test: {
          name: 'system',
          include: ['test/!(unit)/**/*.test.ts', ...withMocks],
          exclude: [
            ...configDefaults.exclude,
            'test/package/fixtures/**',
            ...sharingProcesses,
            // What installs tools of its own, and builds the site.
            ...(mode === 'long' ? [] : ['test/site/**', 'test/package/api-report.test.ts']),
          ],
          globalSetup: ['test/support/global-setup.ts'],
        },
      },
      {
        extends: true,
        mode,
        test: {
          name: 'engines',
          include: sharingProcesses,
          // Their packages are 400 MB.
          exclude: [...configDefaults.exclude, ...(mode === 'long' ? [] : ['test/adapters/unjs/**'])],
          globalSetup: ['test/support/global-setup.ts'],
          isolate: false,
        },
      },
      {
        extends: true,
        mode,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          exclude: withMocks,
          setupFiles: mode === 'long' ? [] : ['test/support/fixed-seed.ts'],
          isolate: false,
        },
      },
    ],
  },
}))

export default config
