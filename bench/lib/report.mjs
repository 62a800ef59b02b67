import { sections } from '../sections/all.mjs'
import { ratioOf, spreadOf, withSpread } from './compare.mjs'
import { markdownTable, number } from './format.mjs'
import { measuredTargets } from './targets.mjs'

/** @typedef {import('./compare.mjs').Spread} Spread */
/** @typedef {import('../types.d.ts').MeasuredRow} MeasuredRow */
/** @typedef {import('../types.d.ts').Results} Results */
/** @typedef {import('../types.d.ts').RunFacts} RunFacts */
/** @typedef {import('../types.d.ts').Section<never>} Section */
/** @typedef {import('../types.d.ts').SectionResults} SectionResults */

/**
 * The report, in Markdown.
 *
 * @param {Results} results
 */
export function renderReport(results) {
  const measured = sections.flatMap(section => {
    const own = results[section.name]
    return own === undefined ? [] : [{ section, own }]
  })
  const losses = measured.flatMap(({ section, own }) => lossesOf(section, own))
  const versions = new Map(measured.flatMap(({ own }) => Object.entries(own.facts.versions)))
  return [
    '# Benchmark results',
    '`npm run bench` writes this file and the plots. Ratios travel from one machine to another, times do not: the ratios come first. A number is the median of the rounds; behind it, where they differ, the least and the most. A ratio is made of the two numbers of each round.',
    ...(measured.some(({ own }) => own.facts.quick)
      ? ['**This is from a quick run**: few and short rounds, to see where things stand and not to publish.']
      : []),
    ...(measured.some(({ own }) => own.facts.rounds !== undefined)
      ? [
          '**Sections that tell a number of rounds are from a shorter run than the full one** (`--rounds`): so many rounds, without other versions of Node and without most sizes; loads by operation are as long as in a full run, the others as short as in a quick one.',
        ]
      : []),
    ...targetTable(results),
    ...measured.flatMap(({ section, own }) => sectionReport(section, own)),
    '## Where others are better',
    losses.map(loss => `- ${loss}`).join('\n') || 'Nowhere in what was measured here.',
    method,
    '## Versions',
    `${[...versions].map(([name, version]) => `${name} ${version}`).join(', ')}\n`,
  ].join('\n\n')
}

/** @param {Results} results */
function targetTable(results) {
  const rows = measuredTargets(results).map(({ what, limit, measured, unit }) => [
    what,
    measured === undefined ? 'not measured' : withSpread(measured, unit),
    `≤ ${number(limit, unit)}`,
    isMet(measured, limit),
  ])
  return ['## The targets', markdownTable(['Target', 'Measured', 'Wanted', 'Met'], rows)]
}

/**
 * @param {Spread | undefined} measured
 * @param {number} limit
 */
function isMet(measured, limit) {
  if (measured === undefined) return ''
  return measured.middle <= limit ? 'yes' : '**no**'
}

/**
 * @param {Section} section
 * @param {SectionResults} results
 */
function sectionReport(section, { facts, rows }) {
  const { name, title, intro, metrics, references, plot } = section
  const [main] = metrics
  const groups = new Map(rows.map(row => [row.title, rows.filter(other => other.title === row.title)]))
  return [
    `## ${title}`,
    describeFacts(facts),
    intro,
    ...(plot === undefined ? [] : [`![${plot.title}](${name}.svg)`]),
    ...references.flatMap(reference => ratioTable(section, rows, reference)),
    ...[...groups].map(([group, own]) => `### ${group}\n\n${detailTable(section, own, main?.field ?? '')}`),
  ]
}

/**
 * How much everyone takes of what the section is about, over one of them, at every row.
 *
 * @param {Section} section
 * @param {readonly MeasuredRow[]} rows
 * @param {string} reference
 */
function ratioTable(section, rows, reference) {
  const [main] = section.metrics
  const compared = rows.filter(({ samples }) => samples[reference] !== undefined)
  const shown = section.contenders.filter(({ name }) => compared.some(({ samples }) => samples[name]))
  if (main === undefined || compared.length === 0) return []
  return [
    `${main.label}, over that of ${labelOf(section, reference)}:`,
    markdownTable(
      ['', ...shown.map(({ label }) => label)],
      compared.map(row => {
        const title = [row.title, row.variant].filter(Boolean).join(', ')
        return [title].concat(
          shown.map(({ name }) => withSpread(ratioOf(row, name, reference, main.field), '×')),
        )
      }),
    ),
  ]
}

/**
 * All numbers of rows with one title.
 *
 * @param {Section} section
 * @param {readonly MeasuredRow[]} rows
 * @param {string} mainField
 */
function detailTable(section, rows, mainField) {
  const [reference] = section.references
  const names = [...new Set(rows.flatMap(({ samples }) => Object.keys(samples)))]
  const metrics = section.metrics.filter(({ field }) =>
    rows.some(row => names.some(name => spreadOf(row, name, field) !== undefined)),
  )
  /** @typedef {(row: MeasuredRow, name: string) => string} Cell */
  /** @type {{ label: string, isText?: boolean, cell: Cell }[]} */
  const columns = [{ label: '', isText: true, cell: (_, name) => labelOf(section, name) }]
  if (rows.some(({ variant }) => variant !== undefined)) {
    columns.push({ label: '', isText: true, cell: ({ variant = '' }) => variant })
  }
  if (reference !== undefined && rows.some(({ samples }) => samples[reference])) {
    const label = `over ${labelOf(section, reference)}`
    columns.push({ label, cell: (row, name) => withSpread(ratioOf(row, name, reference, mainField), '×') })
  }
  for (const { field, label } of metrics) {
    const show =
      field === mainField ? withSpread : (/** @type {Spread | undefined} */ spread) => number(spread?.middle)
    columns.push({ label, cell: (row, name) => show(spreadOf(row, name, field)) })
  }
  return markdownTable(
    columns.map(({ label }) => label),
    names.flatMap(name =>
      rows.filter(({ samples }) => samples[name]).map(row => columns.map(({ cell }) => cell(row, name))),
    ),
    columns.filter(({ isText }) => isText).length,
  )
}

/**
 * Everything in which somebody else did better than one of ours, in sentences.
 *
 * @param {Section} section
 * @param {SectionResults} results
 */
function lossesOf({ title: about, contenders, metrics, subjects }, { rows }) {
  const compared = metrics.filter(({ isCompared }) => isCompared)
  const ours = contenders.filter(({ name, kind }) => kind === 'ours' && (subjects?.includes(name) ?? true))
  return rows.flatMap(row =>
    ours.flatMap(({ name: own, label }) => {
      const better = contenders
        .filter(({ kind }) => kind === 'other')
        .flatMap(({ name, label: other }) => {
          const fields = compared.filter(({ field, moreIsBetter = false }) => {
            const ratio = ratioOf(row, name, own, field)?.middle ?? NaN
            return moreIsBetter ? ratio > 1 : ratio < 1
          })
          const values = fields.map(
            ({ field, label: what }) =>
              `${what} ${number(spreadOf(row, name, field)?.middle)} against ${number(spreadOf(row, own, field)?.middle)}`,
          )
          return values.length === 0 ? [] : [`${other} (${values.join(', ')})`]
        })
      const where = [about, row.title, row.variant].filter(Boolean).join(', ')
      return better.length === 0 ? [] : [`${where}; than ${label}: ${better.join('; ')}`]
    }),
  )
}

/**
 * @param {Section} section
 * @param {string} name
 */
function labelOf({ contenders }, name) {
  return contenders.find(contender => contender.name === name)?.label ?? `\`${name}\``
}

/** @param {RunFacts} facts */
function describeFacts(facts) {
  return (
    `${facts.date}: ${facts.cpu}, ${facts.cores} cores, ${facts.memoryGigabytes} GB, ${facts.platform}, ` +
    `Node ${facts.node}; load average before the run ${facts.loadAverageBefore}${facts.quick ? '; quick run' : ''}` +
    `${facts.rounds === undefined ? '' : `; --rounds ${facts.rounds}`}.`
  )
}

const method = `## How it is measured

- A stub server in another process answers every request with a constant: a valid item in the layout of the contender, with the headers of DynamoDB, a checksum of the body, and a request ID that no other response has. It is the same server for everyone, on every machine. Over TLS it has an RSA certificate and speaks TLS 1.3 with AES-128-GCM, and everyone verifies it.
- Every contender runs in a fresh process each time, and in turns with the others (A B C, B C A, ...). It is warmed up at every row, for longer when it is slow. The length of a run is a budget of CPU time, so that whatever else the machine does makes a run longer, not shorter of operations. It shows first that it reads what the server serves; one that fails is not measured.
- The stores (ours, connect-dynamodb) do the work of a store: they parse and write JSON, make and check expiry, hash the ID (ours), make writes conditional (ours). So do the work by hand and "undici, all work of a store", without retries, timeouts and merging. The clients only send what our store sends, which is recorded from it before each run, and parse the answer.
- Everyone may open as many connections as there are requests in flight. Everything else is at its default, except that keep-alive is on where it is off by default.
- The bare socket writes the same bytes again and again and counts the bytes that come back: no signature, no parsing.
- The contenders are the newest versions that support the Node versions that this package supports.`
