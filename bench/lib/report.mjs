import { contenders } from './contenders.mjs'
import { costTables } from './cost-report.mjs'
import { costLosses } from './cost-results.mjs'
import { markdownTable, number } from './markdown.mjs'
import { startupApps } from './measure-startup.mjs'
import { describePoint } from './plan.mjs'
import { lossesOf } from './losses.mjs'
import { targetsOf } from './targets.mjs'

/** @typedef {import('./sections.mjs').Results} Results */
/** @typedef {import('./machine.mjs').RunFacts} RunFacts */

/**
 * The report, in Markdown.
 *
 * @param {Results} results
 */
export function renderReport(results) {
  return [
    '# Benchmark results',
    '`npm run bench` writes this file and the plots. Ratios travel from one machine to another, times do not: the ratios come first.',
    ...(Object.values(results).some(section => section.facts.quick)
      ? ['**This is from a quick run**: few and short rounds, to see where things stand and not to publish.']
      : []),
    ...summary(results),
    ...cpuSection(results),
    ...startupSection(results),
    ...sizeSection(results),
    ...memorySection(results),
    ...costSection(results),
    ...lossesSection(results),
    method,
    ...versionsSection(results),
  ].join('\n\n')
}

/** @param {Results} results */
function summary(results) {
  const rows = targetsOf(results).map(({ what, limit, measured, unit }) => [
    what,
    number(measured, unit),
    `≤ ${number(limit, unit)}`,
    measured <= limit ? 'yes' : '**no**',
  ])
  return rows.length === 0
    ? []
    : ['## The targets', markdownTable(['Target', 'Measured', 'Wanted', 'Met'], rows)]
}

/** @param {Results} results */
function cpuSection({ cpu }) {
  if (cpu === undefined) return []
  const shown = contenders.filter(({ name }) => cpu.points.some(({ results }) => results[name] !== undefined))
  const header = ['', ...shown.map(({ label }) => label)]
  /** @param {string} reference */
  const ratioTable = reference =>
    markdownTable(
      header,
      cpu.points.map(({ point, results }) => [
        describePoint(point),
        ...shown.map(({ name }) => number(ratio(results, name, reference), '×')),
      ]),
    )
  return [
    '## CPU per operation',
    describeFacts(cpu.facts),
    '![CPU per operation of every contender](cpu-per-operation.svg)',
    'CPU time of the client process per operation, over that of the bare socket:',
    ratioTable('floor'),
    'The same, over that of our `DynamoDBStore` (above 1: we take less):',
    ratioTable('ours-express'),
    ...cpu.points.flatMap(({ point, rounds, results }) => [
      `### ${describePoint(point)}`,
      `Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}.`,
      markdownTable(
        ['', 'over floor', 'CPU µs/op', 'of it system', 'op/s', 'p50 µs', 'p99 µs', 'RSS MB'],
        shown.map(({ name, label }) => {
          const result = results[name]
          return [
            label,
            number(ratio(results, name, 'floor'), '×'),
            number(result?.cpuMicrosPerOperation),
            number(result?.systemMicrosPerOperation),
            number(result?.operationsPerSecond),
            number(result?.p50Micros),
            number(result?.p99Micros),
            number(result?.rssMegabytes),
          ]
        }),
      ),
    ]),
  ]
}

/**
 * @param {Record<string, import('./load.mjs').LoadResult>} results
 * @param {string} name
 * @param {string} reference
 */
function ratio(results, name, reference) {
  return (
    (results[name]?.cpuMicrosPerOperation ?? Number.NaN) /
    (results[reference]?.cpuMicrosPerOperation ?? Number.NaN)
  )
}

/** @param {Results} results */
function startupSection({ startup }) {
  if (startup === undefined) return []
  const { starts, facts, rounds } = startup
  const tables = []
  for (const protocol of /** @type {const} */ (['https', 'http'])) {
    for (const bundled of [false, true]) {
      /** @param {string} app */
      const resultOf = app =>
        starts.find(start => start.app === app && start.bundled === bundled && start.protocol === protocol)
          ?.result
      const reference = resultOf('sdk')
      tables.push(
        `### ${bundled ? 'Bundled by esbuild' : 'From node_modules'}, ${protocol === 'https' ? 'TLS' : 'HTTP'}`,
        markdownTable(
          ['', 'CPU over SDK', 'time over SDK', 'CPU ms', 'ms', 'process CPU ms', 'process ms', 'RSS MB'],
          startupApps.map(({ name, label }) => {
            const result = resultOf(name)
            return [
              label,
              number((result?.cpuMs ?? Number.NaN) / (reference?.cpuMs ?? Number.NaN), '×'),
              number((result?.wallMs ?? Number.NaN) / (reference?.wallMs ?? Number.NaN), '×'),
              number(result?.cpuMs),
              number(result?.wallMs),
              number(result?.processCpuMs),
              number(result?.processWallMs),
              number(result?.rssMegabytes),
            ]
          }),
        ),
      )
    }
  }
  return [
    '## Start-up',
    describeFacts(facts),
    `Import, construction and first read in a fresh process, with region and credentials from the environment; medians of ${rounds} rounds. "Process" includes the start of Node itself.`,
    '![CPU of a cold start](startup.svg)',
    ...tables,
  ]
}

/** @param {Results} results */
function sizeSection({ size }) {
  if (size === undefined) return []
  const ours = size.bundles.find(({ name }) => name === 'ours-chain')?.gzipBytes ?? Number.NaN
  const ourInstall = size.installs[0]?.bytes ?? Number.NaN
  return [
    '## Size',
    describeFacts(size.facts),
    '![Size of bundles](bundle-size.svg)',
    'Bundles by esbuild, minified, `express-session` left out. An app with static credentials never loads the credential chain, so the first line leaves out what only `import()` loads; the second adds what finds settings and credentials; the third counts everything: other layouts, locks, encryption, garbage collection, migration.',
    markdownTable(
      ['', 'over ours with the chain', 'min+gzip KB', 'minified KB'],
      size.bundles.map(({ label, minifiedBytes, gzipBytes }) => [
        label,
        number(gzipBytes / ours, '×'),
        number(gzipBytes / 1024),
        number(minifiedBytes / 1024),
      ]),
    ),
    'The bundle with static credentials, by the folders of the source:',
    markdownTable(
      ['', 'minified KB', 'share'],
      size.parts.map(({ folder, minifiedBytes }) => [
        `\`${folder}\``,
        number(minifiedBytes / 1024),
        `${Math.round((100 * minifiedBytes) / total(size.parts))} %`,
      ]),
    ),
    ...(size.installs.length === 0
      ? []
      : [
          'Fresh installations:',
          markdownTable(
            ['', 'over ours', 'MB', 'packages'],
            size.installs.map(({ label, bytes, packages }) => [
              label,
              number(bytes / ourInstall, '×'),
              number(bytes / 1e6),
              String(packages),
            ]),
          ),
        ]),
  ]
}

/** @param {readonly { minifiedBytes: number }[]} parts */
function total(parts) {
  let bytes = 0
  for (const { minifiedBytes } of parts) bytes += minifiedBytes
  return bytes
}

/** @param {Results} results */
function memorySection({ memory }) {
  if (memory === undefined) return []
  return [
    '## Memory over many operations',
    describeFacts(memory.facts),
    'One process of `SessionStore`: half reads, a quarter each of writes and touches, 32 in flight over TLS. RSS before, live heap after a forced collection.',
    markdownTable(
      ['Operations', 'RSS MB', 'live heap MB'],
      memory.samples.map(({ operations, rssMegabytes, heapMegabytes }) => [
        number(operations),
        number(rssMegabytes),
        number(heapMegabytes),
      ]),
    ),
  ]
}

/** @param {Results} results */
function costSection({ cost }) {
  if (cost === undefined) return []
  return ['## Cost', describeFacts(cost.facts), ...costTables(cost.measured, cost.views)]
}

/** @param {Results} results */
function lossesSection(results) {
  const losses = [...lossesOf(results), ...costLosses(results.cost?.measured ?? [])]
  return [
    '## Where others are better',
    losses.length === 0
      ? 'Nowhere in what was measured here; the bare socket, which does nothing, aside.'
      : losses.map(loss => `- ${loss}`).join('\n'),
  ]
}

const method = `## How it is measured

- A stub server in another process answers every request with a constant: a valid item in the layout of whoever asks, with the headers of DynamoDB. It is the same server for everyone in a run. Over TLS it has an RSA certificate and speaks TLS 1.3 with AES-128-GCM, and everyone verifies it.
- Every contender runs in a fresh process each time, and in turns with the others (A B C, B C A, ...). It is warmed up, for longer when it is slow. The length of a run is a budget of CPU time, so that whatever else the machine does makes a run longer, not shorter of operations. It shows first that it reads what the server serves; one that fails is not measured.
- CPU is that of the client process alone, all its threads, user and system.
- The stores (ours, connect-dynamodb) do the work of a store: they parse and write JSON, make and check expiry, hash the ID (ours), make writes conditional (ours). The clients only send GetItem, PutItem and UpdateItem, with the input that our store sends, and parse the answer.
- Everyone may open as many connections as there are requests in flight. Everything else is at its default, except that keep-alive is on where it is off by default.
- The bare socket writes the same bytes again and again and counts the bytes that come back: no signature, no parsing.
- The contenders are the newest versions that support the Node versions that this package supports.`

/** @param {Results} results */
function versionsSection(results) {
  const entries = new Map(Object.values(results).flatMap(section => Object.entries(section.facts.versions)))
  return ['## Versions', `${[...entries].map(([name, version]) => `${name} ${version}`).join(', ')}\n`]
}

/** @param {RunFacts} facts */
function describeFacts(facts) {
  return (
    `${facts.date}: ${facts.cpu}, ${facts.cores} cores, ${facts.memoryGigabytes} GB, ${facts.platform}, ` +
    `Node ${facts.node} (OpenSSL ${facts.openssl}), against ${facts.server}; load average before the run ${facts.loadAverageBefore}` +
    `${facts.quick ? '; quick run' : ''}.`
  )
}
