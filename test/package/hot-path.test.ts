import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { expect, test } from 'vitest'

import { packedPackage, root } from '../support/packed-package.ts'

/** The modules above the client that a warm read of the Express store passes through. */
const aboveTheClient = [
  'adapters/express-store',
  'adapters/shared/framework-sessions',
  'adapters/shared/session-cookie',
  'items/item-table',
  'items/session-record',
  'layouts/attributes',
  'layouts/json',
  'layouts/native',
  'store/session-store',
]

/** Those of the client, down to the socket, and helpers. There may be fewer, not more. */
const MOST_OTHERS = 13

test('a warm read of the Express store passes through few modules', async () => {
  await packedPackage()
  const script = new URL('test/package/fixtures/warm-get.mjs', `file://${root}/`)
  const { stdout } = await promisify(execFile)(process.execPath, [script.pathname])
  const { visits, modules } = JSON.parse(stdout) as { visits: number; modules: string[] }
  expect(visits).toBe(1)
  const others = modules.filter(name => /^(?:aws|internal)\//.test(name))
  expect(modules.filter(name => !others.includes(name))).toEqual(aboveTheClient)
  expect(others.length).toBeLessThanOrEqual(MOST_OTHERS)
})
