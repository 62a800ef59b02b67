/*
 * The size budget: how much of the package ends in an application's bundle, minified and gzipped. An entry that grows past its
 * budget fails here, so that growth is decided and not found out. The benchmark measures with the same function.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { beforeAll, expect, test } from 'vitest'

import { packedPackage, root } from '../support/packed-package.ts'

/** KB of each entry: what is loaded at once, and all of it. */
const budgets: Readonly<Record<string, readonly [atOnce: number, whole: number]>> = {
  'index.js': [52, 104],
  'adapters/express.js': [56, 108],
  'adapters/fastify.js': [54, 106],
  'adapters/koa.js': [56, 107],
  'adapters/hono.js': [57, 109],
  'adapters/web.js': [57, 109],
  'adapters/next.js': [58, 110],
  'adapters/lambda.js': [58, 110],
  'adapters/unstorage.js': [48, 77],
  'adapters/better-auth.js': [48, 78],
}

/** Entries that stand on `./web`, and the KB that each may add to it. */
const additions: Readonly<Record<string, number>> = {
  'adapters/next.js': 3,
  'adapters/sveltekit.js': 3,
  'adapters/tanstack-start.js': 3,
}

interface Measure {
  readonly bundleSize: (source: string, extent: string) => Promise<{ readonly gzipKilobytes: number }>
}

let installed: string

beforeAll(async () => {
  installed = (await packedPackage()).installed
}, 300_000)

test.each(Object.entries(budgets))(
  '%s fits into its budget',
  async (entry, [atOnce, whole]) => {
    for (const [extent, budget] of [
      ['without lazy parts', atOnce],
      ['whole', whole],
    ] as const) {
      const gzipKilobytes = await sizeOf(entry, extent)
      expect(gzipKilobytes).toBeLessThanOrEqual(budget)
      // A budget that nothing comes near lets everything pass.
      expect(gzipKilobytes).toBeGreaterThan(0.85 * budget)
    }
  },
  120_000,
)

test.each(Object.entries(additions))(
  '%s adds little to ./web',
  async (entry, budget) => {
    const [own, web] = [await sizeOf(entry, 'whole'), await sizeOf('adapters/web.js', 'whole')]
    expect(own - web).toBeLessThanOrEqual(budget)
    // It has code of its own.
    expect(own - web).toBeGreaterThan(0.2)
  },
  120_000,
)

/** KB of an entry in a bundle. */
async function sizeOf(entry: string, extent: string): Promise<number> {
  const measure = (await import(pathToFileURL(join(root, 'bench/lib/bundle.mjs')).href)) as Measure
  const source = `export * from ${JSON.stringify(join(installed, 'dist/esm', entry))}`
  return (await measure.bundleSize(source, extent)).gzipKilobytes
}
