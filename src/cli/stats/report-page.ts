import { byteSize, counted, duration, grouped, isoTime, printable } from '../output.ts'
import { COST_ASSUMPTIONS, costLines, type ReportFigures } from './report-figures.ts'
import type { Bin, TimeHistogram } from './bounded-counts.ts'
import { columnPlot, Markup, markup, shareBar } from './markup.ts'

/** What a report is about. */
export interface Report {
  readonly table: string
  readonly atMs: number
  /** What the terminal shows, as names and values. */
  readonly rows: readonly (readonly [name: string, value: string])[]
  readonly figures: ReportFigures
  /** Whether users are named; else they are numbered. */
  readonly showUsers: boolean
}

/**
 * The report as an HTML page that needs nothing else: no script, no request. The policy in it keeps it so, whatever stands in
 * the table.
 */
export function reportPage({ table, atMs, rows, figures, showUsers }: Report): string {
  const title = `Sessions in ${printable(table)}`
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>As they were on <time datetime="${isoTime(atMs)}">${timeText(atMs)}</time>. All times are in UTC.</p>
${section('Summary', pairTable(['Measure', 'Value'], rows))}
${section('Sessions by creation', timePlot('created', figures.created), note(withoutCreation(figures.withoutCreation)))}
${section('Sessions by expiry', timePlot('expiring', figures.expiring))}
${section(
  'Sizes',
  bucketTable('Size', figures.sizes.bins(), limit => `${limit / 1024} KB`),
)}
${section('Users with most sessions', users(figures, showUsers))}
${section('Expired sessions that are still there', backlog(figures))}
${section('Cost estimate', cost(figures))}
</main>
</body>
</html>
`
  return page.text
}

function section(title: string, ...content: readonly Markup[]): Markup {
  return markup`<section>
<h2>${title}</h2>
${content}
</section>`
}

function note(text: string): Markup {
  return text === '' ? markup`` : markup`<p class="note">${text}</p>`
}

function withoutCreation(count: number): string {
  return count === 0 ? '' : `${counted(count, 'session')} more without a creation time.`
}

/** Columns over time, with the numbers in a table that opens. */
function timePlot(verb: 'created' | 'expiring', histogram: TimeHistogram): Markup {
  const bins = histogram.bins()
  const beyond = [
    histogram.earlier === 0 ? '' : `${counted(histogram.earlier, 'session')} earlier than the plot shows.`,
    histogram.later === 0 ? '' : `${counted(histogram.later, 'session')} later than the plot shows.`,
  ].filter(Boolean)
  const [first, last] = [bins[0], bins.at(-1)]
  if (first === undefined || last === undefined) return note(['None to show.', ...beyond].join(' '))
  const highest = Math.max(...bins.map(({ count }) => count))
  const each = duration(histogram.widthMs)
  const words = `Sessions ${verb}, from ${timeText(first.from)} to ${timeText(last.to)}, a bar for each ${each}; the highest has ${grouped(highest)}`
  const bars = bins.map(bin => ({
    value: bin.count,
    title: `from ${timeText(bin.from)}: ${counted(bin.count, 'session')}`,
  }))
  const rows = bins.map(({ from, count }) => [timeText(from), grouped(count)] as const)
  return markup`<p>A bar for each ${each}; the highest has ${counted(highest, 'session')}.</p>
${columnPlot(words, bars)}
<p class="axis"><span>${timeText(first.from)}</span> <span>${timeText(last.to)}</span></p>
<details><summary>The numbers</summary>${pairTable([`From, for ${each}`, 'Sessions'], rows)}</details>
${note(beyond.join(' '))}`
}

/** A table whose rows have bars. */
function bucketTable(
  title: string,
  bins: readonly (Bin & { readonly sum: number })[],
  inWords: (limit: number) => string,
): Markup {
  const total = bins.reduce((sum, { count }) => sum + count, 0)
  const rows = bins.map(({ from, to, count, sum }) => {
    const label = to === Infinity ? `more than ${inWords(from)}` : `up to ${inWords(to)}`
    return markup`<tr><th scope="row">${label}</th><td>${grouped(count)}</td><td>${byteSize(sum)}</td>${shareCell(count, total)}</tr>
`
  })
  return markup`<table><thead><tr><th scope="col">${title}</th><th scope="col">Sessions</th><th scope="col">Bytes</th><th scope="col" class="plot">Share</th></tr></thead>
<tbody>${rows}</tbody></table>`
}

function shareCell(count: number, total: number): Markup {
  const share = total === 0 ? 0 : count / total
  return markup`<td class="plot">${shareBar(share)} ${(share * 100).toFixed(1)} %</td>`
}

const MOST_USERS = 10
const LONGEST_NAME = 80

function users({ users: counts, units }: ReportFigures, showUsers: boolean): Markup {
  const top = counts.top(MOST_USERS)
  if (top.length === 0) return note('No session has a user ID.')
  const rows = top.map(({ name, count }, index) => {
    const label = showUsers ? shortened(printable(name)) : `user ${index + 1}`
    return markup`<tr><th scope="row" class="name">${label}</th><td>${grouped(count)}</td>${shareCell(count, units.live)}</tr>
`
  })
  const of =
    counts.names === undefined
      ? `There are too many users to count all. These counts may be too low by up to ${grouped(counts.error)}.`
      : `Of ${counted(counts.names, 'user')}.`
  return markup`<p>${of}${showUsers ? '' : ' User IDs are left out; --show-data names them.'}</p>
<table><thead><tr><th scope="col">User</th><th scope="col">Sessions</th><th scope="col" class="plot">Share</th></tr></thead>
<tbody>${rows}</tbody></table>`
}

function shortened(name: string): string {
  const characters = Array.from(name)
  return characters.length <= LONGEST_NAME ? name : `${characters.slice(0, LONGEST_NAME).join('')}…`
}

function backlog({ backlog: buckets }: ReportFigures): Markup {
  const bins = buckets.bins()
  const [count, bytes] = bins.reduce(([counts, sums], bin) => [counts + bin.count, sums + bin.sum], [0, 0])
  if (count === 0) return note('None.')
  return markup`<p>${counted(count, 'session')}, ${byteSize(bytes)}. Time to live deletes them within some days; gc does at once.</p>
${bucketTable('Expired for', bins, duration)}`
}

function cost(figures: ReportFigures): Markup {
  const rows = costLines(figures).map(
    ({ what, amount, cost: dollars }) =>
      markup`<tr><th scope="row">${what}</th><td>${amount}</td><td>${dollars}</td></tr>
`,
  )
  const assumptions = COST_ASSUMPTIONS.map(text => markup`<li>${text}</li>`)
  return markup`<table><thead><tr><th scope="col">What</th><th scope="col">Amount</th><th scope="col">Cost</th></tr></thead>
<tbody>${rows}</tbody></table>
<p>What this assumes:</p>
<ul>${assumptions}</ul>`
}

/** A table of names and values. */
function pairTable(
  [name, value]: readonly [string, string],
  rows: readonly (readonly [string, string])[],
): Markup {
  const lines = rows.map(
    ([left, right]) => markup`<tr><th scope="row">${left}</th><td class="text">${right}</td></tr>
`,
  )
  return markup`<table><thead><tr><th scope="col">${name}</th><th scope="col" class="text">${value}</th></tr></thead>
<tbody>${lines}</tbody></table>`
}

/** A time as people read it, to the minute. */
function timeText(epochMs: number): string {
  return isoTime(epochMs)
    .replace('T', ' ')
    .replace(/:\d\dZ$/, '')
}

/** The look of a report: in light and dark, from a phone on. */
const REPORT_STYLE: Markup = new Markup(`
:root { --page: #ffffff; --text: #1f2328; --quiet: #59636e; --line: #d1d9e0; --bar: #0969da }
@media (prefers-color-scheme: dark) {
  :root { --page: #0d1117; --text: #e6edf3; --quiet: #9198a1; --line: #3d444d; --bar: #4493f8 }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 52rem; margin: 0 auto; padding: 1rem }
h1, .name { overflow-wrap: anywhere } h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem }
p { margin: .5rem 0 } .note, .axis { color: var(--quiet) }
.axis { display: flex; justify-content: space-between; gap: 1rem; border-top: 1px solid var(--line); font-size: .875rem; margin: 0 }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .5rem .3rem 0; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top }
th:first-child, .text, .plot { text-align: left } tbody th { font-weight: normal }
thead th { color: var(--quiet); font-size: .875em }
td:last-child { padding-right: 0 } td.plot { width: 40%; white-space: nowrap }
svg { fill: var(--bar) } svg.columns { display: block; width: 100%; height: 10rem }
svg.share { width: calc(100% - 4rem); height: .75rem; vertical-align: middle }
@media (max-width: 30rem) { table { font-size: .875rem } td, th { padding-right: .35rem } td.plot { width: 30% } }
`)
