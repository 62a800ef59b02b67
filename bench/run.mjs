/*
 * `npm run bench`: measures dynamodb-sessions next to the other ways to reach DynamoDB from JavaScript and writes
 * RESULTS.md, results.json and the plots.
 */
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { loadContenders, named } from './contenders/all.mjs'
import { benchFolder, caFile, workFolder } from './lib/folders.mjs'
import { ensureContendersInstalled, installOurPackage } from './lib/install.mjs'
import { planOf } from './lib/plan.mjs'

/** What takes long, or the network, is asked for by name in a quick run. */
const notQuick = new Set(['memory', 'leak', 'install'])

const usage = `npm run bench -- [options]

  --quick              some minutes instead of hours; writes nothing into the repository
  --rounds <number>    so many rounds of the main rows, without other versions of Node; writes RESULTS.md, which says so
  --only <sections>    some of cpu, app, startup, bundle, install, memory, leak, scan, storm, tails, outage, cost, with commas between
  --contenders <names> these alone, with commas between
  --node <version>     measures with Node 20, 22, 24 or 26, which npm installs
  --output <folder>    where the report goes
  --matrix             CPU at every combination of the axes; takes a day
  --profile <name>     instead of all that: CPU profile of one contender, at 32 gets in flight over TLS
`

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    matrix: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    only: { type: 'string' },
    contenders: { type: 'string' },
    node: { type: 'string' },
    output: { type: 'string' },
    profile: { type: 'string' },
    rounds: { type: 'string' },
  },
})

if (values.help) {
  console.log(usage)
} else {
  await ensureContendersInstalled()
  await installOurPackage()
  await run()
}

async function run() {
  // These load what has only been there since.
  const { runProcess, startService } = await import('./lib/processes.mjs')
  const { recordRequests } = await import('./lib/recorded-requests.mjs')
  const { runSections } = await import('./lib/run-sections.mjs')
  const { profileContender } = await import('./lib/profile.mjs')
  const { sections } = await import('./sections/all.mjs')

  const { quick, node, profile } = values
  const names = sections.map(({ name }) => name)
  const wanted =
    values.only?.split(',').map(name => named(sections, name).name) ??
    names.filter(name => !quick || !notQuick.has(name))
  const everyone = [...loadContenders, ...sections.flatMap(({ contenders }) => contenders)]
  const folder = resolve(values.output ?? (quick ? join(workFolder, 'quick') : benchFolder))

  await recordRequests()
  /** @type {{ message: { ports: Record<string, number>, authority: string }, stop: () => Promise<void> }} */
  const stub = await startService(join(benchFolder, 'processes', 'stub-server.mjs'))
  try {
    await writeFile(caFile, stub.message.authority)
    /** @type {import('./types.d.ts').Context} */
    const context = {
      plan: planOf(values),
      contenders: values.contenders?.split(',').map(name => named(everyone, name).name),
      url: ({ protocol, host, itemBytes }, layout) =>
        `${protocol}://${host}:${stub.message.ports[`${protocol} ${layout} ${itemBytes}`]}`,
      run: async (script, job, options = {}) =>
        runProcess(script, job, { ...options, node: options.node ?? node }),
    }
    if (profile === undefined) await runSections(context, { folder, wanted, node })
    else await profileContender(context, named(loadContenders, profile).name)
  } finally {
    await stub.stop()
  }
}
