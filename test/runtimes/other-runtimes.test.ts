import { describe, expect, test } from 'vitest'

import { SessionStore } from '../../src/index.ts'
import { areInstalled } from '../support/packages.ts'
import { runtimeBinary, runtimesFolder } from './runtime-binary.ts'
import { overTls, run, type ScenarioSettings, scenarioSettings } from './scenario-run.ts'
import { startWorker } from './workerd.ts'

const isThere = await areInstalled(runtimesFolder, 'the runtimes of test/runtimes')
const LONG_MS = 120_000

describe.skipIf(!isThere).each([
  { name: 'Bun', command: () => [runtimeBinary('@oven', 'bin/bun')] as const },
  { name: 'Deno', command: () => [runtimeBinary('@deno', 'deno'), 'run', '--allow-all'] as const },
])('$name', ({ command }) => {
  test(
    'uses a store in every way, over TCP and TLS, and ends by itself',
    async () => {
      const settings = await scenarioSettings()
      expect(await run(command(), 'run-scenario.mjs', settings)).toBe('done\n')
      await expectSealed(settings)
      const secure = await overTls(await scenarioSettings())
      expect(await run(command(), 'run-scenario.mjs', secure)).toBe('done\n')
    },
    LONG_MS,
  )
})

test.skipIf(!isThere)(
  'a Worker uses a store in every way, and in more requests than one',
  async () => {
    const url = await startWorker()
    const settings = await scenarioSettings()
    for (let request = 0; request < 2; request++) {
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(settings) })
      expect(await response.text()).toBe('{"a":1,"b":2,"c":3}')
    }
    await expectSealed(settings)
  },
  LONG_MS,
)

/** What another runtime has encrypted with a passphrase, Node decrypts. */
async function expectSealed({ connection, table }: ScenarioSettings): Promise<void> {
  const encryption = { keys: ['a passphrase that is long enough'] }
  const store = new SessionStore({ ...connection, table, prefix: 'sealed:', encryption, compression: {} })
  expect((await store.read('a'))?.data).toEqual({ secret: 'x'.repeat(100_000) })
  await store.close()
}
