import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { describe, expect, test } from 'vitest'

import { SessionStore } from '../../src/index.ts'
import { environmentFor } from '../integration/register/preload.ts'
import { engine } from '../support/engines.ts'
import { areInstalled } from '../support/packages.ts'
import { SessionTable } from '../support/session-table.ts'
import { bundledBy, type BundlerName, bundlerNames } from './bundles.ts'
import {
  cellOf,
  type Column,
  columnsFrom,
  type Outcomes,
  parseTable,
  PRELOAD_ROW,
  renderTable,
  type Results,
  rows,
  titleOf,
  TLS_ROW,
} from './matrix.ts'
import { runtimeBinary, runtimesFolder } from './runtime-binary.ts'
import { installedRuntime } from './runtime-packages.ts'
import {
  overTls,
  preloadedFrameworks,
  run,
  scenarioApp,
  type ScenarioSettings,
  scenarioSettings,
} from './scenario-run.ts'
import { startWorker } from './workerd.ts'

const LONG_MS = 600_000
const IN_BUNDLES = ['reads and writes', 'encryption', './web']
const page = fileURLToPath(new URL('../../docs/runtimes.md', import.meta.url))
const binaries = {
  Bun: ['@oven', 'bin/bun'],
  Deno: ['@deno', 'deno'],
  workerd: ['@cloudflare', 'bin/workerd'],
} as const
const isLong = process.env['MODE'] === 'long'
// The short run leaves Node out: all other tests run there.
const nodes = isLong ? ['20.20.2', '22.23.3', '24.21.0', '26.10.0'] : []
const pinned = await pinnedColumns()
const named = process.env['MATRIX_VERSIONS']
const isThere = named !== undefined || (await areInstalled(runtimesFolder, 'the runtimes of test/runtimes'))
const usual = [...nodes.map((version): Column => ({ name: 'Node', version })), ...(isThere ? pinned : [])]
const columns = named === undefined ? usual : columnsFrom(named)
const bundlers = [...bundlerNames.usual, ...(isLong ? bundlerNames.long : [])]
const results: Record<string, Record<string, string>> = Object.fromEntries(
  columns.map(column => [titleOf(column), {}]),
)

describe.each(columns.map(column => [titleOf(column), column] as const))('%s', (title, column) => {
  /** Puts outcomes into the table; returns those that are neither right nor known to be wrong. */
  function faultsIn(outcomes: Outcomes): Outcomes {
    const faults: Record<string, string> = {}
    for (const [row, outcome] of Object.entries(outcomes)) {
      const cell = cellOf(row, column, outcome)
      if (cell === undefined) faults[row] = outcome
      else results[title] = { ...results[title], [row]: cell }
    }
    return faults
  }

  if (column.name === 'workerd' && column.isBare !== true)
    results[title] = { [PRELOAD_ROW]: 'workerd runs one bundle: nothing is loaded before it' }

  test.runIf(column.isBare === true)(
    'does not start',
    async () => {
      const refusal = await outcomeOf(async () => startedWorker(column, await workerOf(), []))
      const ran = rows.filter(row => isLong || !bundlerNames.long.some(name => row === bundleRow(name)))
      expect(faultsIn(Object.fromEntries(ran.map(row => [row, refusal])))).toEqual({})
    },
    LONG_MS,
  )

  test.skipIf(column.isBare)(
    'uses a store in every way',
    async () => {
      const settings = await scenarioSettings()
      const outcomes = await (column.name === 'workerd'
        ? outcomesInWorker(column, await workerOf(), settings)
        : outcomesOn(column, 'run-scenario.mjs', settings))
      expect(faultsIn(outcomes)).toEqual({})
      if (outcomes['encryption'] === 'done') await expectSealed(settings)
    },
    LONG_MS,
  )

  test.runIf(column.name === 'workerd' && column.isBare !== true)(
    'serves an Express application',
    async () => {
      const bundle = await workerOf('express-worker.mjs', 'rolldown')
      const outcomes = await outcomesInWorker(column, bundle, await scenarioSettings())
      expect(faultsIn(outcomes)).toEqual({})
    },
    LONG_MS,
  )

  test.skipIf(column.isBare)(
    'does the same over TLS',
    async () => {
      const settings = await overTls(await scenarioSettings())
      const outcome = await outcomeOf(async () =>
        firstFault(
          column.name === 'workerd'
            ? await outcomesInWorker(column, await workerOf(), settings)
            : await outcomesOn(column, 'run-scenario.mjs', settings),
        ),
      )
      expect(faultsIn({ [TLS_ROW]: outcome })).toEqual({})
    },
    LONG_MS,
  )

  test.skipIf(column.name === 'workerd')(
    'moves the sessions of an application that knows nothing of it',
    async () => {
      expect(faultsIn({ [PRELOAD_ROW]: await outcomeOf(async () => preloadOn(column)) })).toEqual({})
    },
    LONG_MS,
  )

  test.skipIf(column.isBare).each(bundlers)(
    'runs what %s has bundled',
    async bundler => {
      const settings = { ...(await scenarioSettings()), only: IN_BUNDLES }
      const outcome = await outcomeOf(async () => {
        const outcomes =
          column.name === 'workerd'
            ? await outcomesInWorker(column, await workerOf('worker.mjs', bundler), settings)
            : await outcomesOn(column, await bundleOf('bundled.mjs', bundler), settings)
        return firstFault(outcomes)
      })
      expect(faultsIn({ [bundleRow(bundler)]: outcome })).toEqual({})
    },
    LONG_MS,
  )
})

// The long run is what `--update` writes; every run compares what it has found.
test('docs/runtimes.md has the table of what was found', async () => {
  const text = await readFile(page, 'utf8')
  const [before, rest = ''] = text.split('<!-- matrix -->\n')
  const [table = '', after] = rest.split('<!-- end of matrix -->')
  const told = parseTable(table)
  const found = isLong && named === undefined ? results : joined(told, results)
  await expect(
    `${before}<!-- matrix -->\n\n${renderTable(found)}\n\n<!-- end of matrix -->${after}`,
  ).toMatchFileSnapshot(page)
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

async function binaryOf(column: Column): Promise<string> {
  const { name, version } = column
  if (name === 'Node' && version === process.versions.node) return process.execPath
  if (name !== 'Node' && pinned.includes(column)) {
    const [scope, path] = binaries[name]
    return runtimeBinary(scope, path)
  }
  const binary = await installedRuntime({ name, version })
  if (binary === undefined) throw new Error(`${name} ${version} could not be installed`)
  return binary
}

async function commandOf(column: Column): Promise<readonly [file: string, ...args: string[]]> {
  const binary = await binaryOf(column)
  return column.name === 'Deno' ? [binary, 'run', '--allow-all'] : [binary]
}

async function outcomesOn(column: Column, program: string, settings: ScenarioSettings): Promise<Outcomes> {
  return JSON.parse(await run(await commandOf(column), program, settings)) as Outcomes
}

/** Whether a preloaded package keeps the sessions of an application; else what the process has warned of. */
async function preloadOn(column: Column): Promise<string> {
  const [file, ...args] = await commandOf(column)
  const { NODE_OPTIONS: _, ...variables } = environmentFor(await SessionTable.create(engine))
  // Deno wants a file.
  const preload =
    column.name === 'Deno'
      ? './node_modules/dynamodb-sessions/dist/register/index.js'
      : 'dynamodb-sessions/register'
  const app = await scenarioApp()
  let warnings = ''
  for (const framework of preloadedFrameworks) {
    const command = [...args, '--import', preload, 'unmodified.cjs', framework]
    const { stdout, stderr } = await app.run(file, command, variables)
    expect(JSON.parse(stdout)).toEqual([1, 2])
    warnings += stderr
  }
  const store = new SessionStore({
    table: variables['DYNAMODB_SESSIONS_TABLE'] ?? '',
    endpoint: engine.endpoint,
    region: variables['AWS_REGION'] ?? '',
    credentials: {
      accessKeyId: variables['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: variables['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
  })
  const count = await store.count()
  await store.close()
  return count === preloadedFrameworks.length
    ? 'done'
    : `there are ${count} sessions in the table\n${warnings}`
}

async function bundleOf(program: string, bundler: BundlerName): Promise<string> {
  return bundledBy(bundler, join((await scenarioApp()).folder, program), false)
}

async function workerOf(program = 'worker.mjs', bundler: BundlerName = 'esbuild'): Promise<string> {
  return bundledBy(bundler, join((await scenarioApp()).folder, program), true)
}

async function startedWorker(column: Column, bundle: string, flags?: readonly string[]): Promise<string> {
  return startWorker({ binary: await binaryOf(column), bundle, ...(flags !== undefined && { flags }) })
}

async function outcomesInWorker(
  column: Column,
  bundle: string,
  settings: ScenarioSettings,
): Promise<Outcomes> {
  const url = await startedWorker(column, bundle)
  const send = async (): Promise<unknown> =>
    (await fetch(url, { method: 'POST', body: JSON.stringify(settings) })).json()
  const found = (await send()) as Outcomes
  if (found['merges of parallel changes'] === 'done') {
    const next = JSON.stringify(await send())
    if (next !== '{"a":1,"b":2,"c":3}')
      throw new Error(`a store of one request has read this in the next: ${next}`)
  }
  return found
}

async function outcomeOf(action: () => Promise<string>): Promise<string> {
  try {
    return await action()
  } catch (error) {
    return String(error)
  }
}

function firstFault(outcomes: Outcomes): string {
  return Object.values(outcomes).find(outcome => outcome !== 'done') ?? 'done'
}

function bundleRow(bundler: string): string {
  return `bundled by ${bundler}`
}

/** Results with others in place of those of the same columns and rows. */
function joined(told: Results, found: Results): Results {
  return Object.fromEntries(
    Object.entries(told).map(([title, cells]) => [title, { ...cells, ...found[title] }]),
  )
}

/** What another runtime has encrypted with a passphrase, Node decrypts. */
async function expectSealed({ connection, table }: ScenarioSettings): Promise<void> {
  const encryption = { keys: ['a passphrase that is long enough'] }
  const store = new SessionStore({ ...connection, table, prefix: 'sealed:', encryption, compression: {} })
  expect((await store.read('a'))?.data).toEqual({ secret: 'x'.repeat(100_000) })
  await store.close()
}
