import { mkdtemp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'
import { describe, expect, inject, test } from 'vitest'

import { SessionStore } from '../../src/index.ts'
import { areInstalled } from '../support/packages.ts'
import { type Column, columnsFrom, gapOf, renderTable, rows, titleOf } from './matrix.ts'
import { runtimeBinary, runtimesFolder } from './runtime-binary.ts'
import { installedRuntime } from './runtime-packages.ts'
import { overTls, run, type ScenarioSettings, scenarioSettings } from './scenario-run.ts'
import { startWorker } from './workerd.ts'

/** By row: `done`, or what went wrong. */
type Outcomes = Readonly<Record<string, string>>

const LONG_MS = 300_000
const TLS_ROW = 'all of these over TLS, with a CA of its own'
const scenarioRows = rows.filter(row => row !== TLS_ROW)
const page = fileURLToPath(new URL('../../docs/runtimes.md', import.meta.url))
const binaries = {
  Bun: ['@oven', 'bin/bun'],
  Deno: ['@deno', 'deno'],
  workerd: ['@cloudflare', 'bin/workerd'],
} as const
const published = await pinnedColumns()
const named = process.env['MATRIX_VERSIONS']
const isThere = named !== undefined || (await areInstalled(runtimesFolder, 'the runtimes of test/runtimes'))
const columns = named === undefined ? published : columnsFrom(named)

describe.skipIf(!isThere).each(columns.map(column => [titleOf(column), column] as const))(
  '%s',
  (_, column) => {
    const isRun = (row: string): boolean => gapOf(row, column) === undefined

    test.runIf(column.isBare === true)(
      'does not start, and names what is missing',
      async () => {
        await expect(startedWorker(column, [])).rejects.toThrow(/No such module "node:\w+"/)
      },
      LONG_MS,
    )

    test.runIf(scenarioRows.some(isRun))(
      'uses a store in every way',
      async () => {
        const settings = await scenarioSettings()
        const found =
          column.name === 'workerd' ? await runInWorker(column, settings) : await outcomesOn(column, settings)
        expect(faultsIn(column, found)).toEqual({})
        if (isRun('encryption')) await expectSealed(settings)
      },
      LONG_MS,
    )

    test.runIf(isRun(TLS_ROW))(
      'does the same over TLS',
      async () => {
        const found = await outcomesOn(column, await overTls(await scenarioSettings()))
        expect(faultsIn(column, found)).toEqual({})
      },
      LONG_MS,
    )
  },
)

// The cells are what the tests above have found: a row that fails on a runtime fails there.
test('docs/runtimes.md has the table of what is run', async () => {
  const text = await readFile(page, 'utf8')
  const [before, rest = ''] = text.split('<!-- matrix -->\n')
  const after = rest.split('<!-- end of matrix -->')[1]
  const table = renderTable(published)
  await expect(`${before}<!-- matrix -->\n\n${table}\n\n<!-- end of matrix -->${after}`).toMatchFileSnapshot(
    page,
  )
})

/** The versions that the package file of the runtimes has. */
async function pinnedColumns(): Promise<readonly Column[]> {
  const manifest = JSON.parse(await readFile(join(runtimesFolder, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<'bun' | 'deno' | 'workerd', string>>
  }
  const { bun, deno, workerd } = manifest.dependencies
  return [
    { name: 'Bun', version: bun },
    { name: 'Deno', version: deno },
    { name: 'workerd', version: workerd },
    { name: 'workerd', version: workerd, isBare: true },
  ]
}

async function binaryOf({ name, version }: Column): Promise<string> {
  if (named === undefined && name !== 'Node') {
    const [scope, path] = binaries[name]
    return runtimeBinary(scope, path)
  }
  const binary = await installedRuntime({ name, version })
  if (binary === undefined) throw new Error(`${name} ${version} could not be installed`)
  return binary
}

async function outcomesOn(column: Column, settings: ScenarioSettings): Promise<Outcomes> {
  const binary = await binaryOf(column)
  const command = column.name === 'Deno' ? ([binary, 'run', '--allow-all'] as const) : ([binary] as const)
  return JSON.parse(await run(command, 'run-scenario.mjs', settings)) as Outcomes
}

async function startedWorker(column: Column, flags?: readonly string[]): Promise<string> {
  const bundle = join(await mkdtemp(join(inject('runFolder'), 'worker-')), 'worker.js')
  await build({
    entryPoints: [fileURLToPath(new URL('fixtures/worker.mjs', import.meta.url))],
    outfile: bundle,
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'module', 'import'],
    external: ['node:*'],
  })
  return startWorker({ binary: await binaryOf(column), bundle, ...(flags !== undefined && { flags }) })
}

async function runInWorker(column: Column, settings: ScenarioSettings): Promise<Outcomes> {
  const url = await startedWorker(column)
  const send = async (): Promise<unknown> =>
    (await fetch(url, { method: 'POST', body: JSON.stringify(settings) })).json()
  const found = (await send()) as Outcomes
  // A store of one request goes on in the next.
  expect(await send()).toEqual({ a: 1, b: 2, c: 3 })
  return found
}

/** What was to be done and was not. */
function faultsIn(column: Column, found: Outcomes): Record<string, string> {
  const wanted = scenarioRows.filter(row => gapOf(row, column) === undefined && found[row] !== 'done')
  return Object.fromEntries(wanted.map(row => [row, found[row] ?? 'was not run']))
}

/** What another runtime has encrypted with a passphrase, Node decrypts. */
async function expectSealed({ connection, table }: ScenarioSettings): Promise<void> {
  const encryption = { keys: ['a passphrase that is long enough'] }
  const store = new SessionStore({ ...connection, table, prefix: 'sealed:', encryption, compression: {} })
  expect((await store.read('a'))?.data).toEqual({ secret: 'x'.repeat(100_000) })
  await store.close()
}
