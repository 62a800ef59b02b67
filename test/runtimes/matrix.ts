/*
 * What is run on which runtime, and the table of what came of it.
 */
import type { RuntimeVersion } from './runtime-packages.ts'

/** A runtime on which everything is run. */
export interface Column extends RuntimeVersion {
  /** Whether it is workerd without `nodejs_compat`. */
  readonly isBare?: boolean
}

/** By row: `done`, or what went wrong. */
export type Outcomes = Readonly<Record<string, string>>

/** By title of a column and by row: `yes`, or why not. */
export type Results = Readonly<Record<string, Readonly<Record<string, string>>>>

/** What is known not to work: where, and how it has to say so. */
interface Limit {
  readonly row: RegExp
  readonly column: (column: Column) => boolean
  readonly message: RegExp
  readonly reason: string
}

export const TLS_ROW = 'all of these over TLS, with a CA of its own'
export const PRELOAD_ROW = './register, as a preload'

/** What is run; of the bundlers, those that the suite installs by itself only in the long run. */
export const rows: readonly string[] = [
  'reads and writes',
  'merges of parallel changes',
  'locks',
  'lists, garbage collection',
  'encryption',
  'aborts, failures',
  './web',
  './hono',
  './express',
  TLS_ROW,
  PRELOAD_ROW,
  'bundled by esbuild',
  'bundled by rolldown',
  'bundled by webpack',
  'bundled by Vite (SSR)',
]

const isWorkerd = ({ name }: Column): boolean => name === 'workerd'

const limits: readonly Limit[] = [
  {
    row: /./,
    column: ({ isBare }) => isBare === true,
    message: /No such module "node:\w+"/,
    reason: 'does not start: the error names the first module of Node that is missing; set `nodejs_compat`',
  },
  {
    row: /^encryption$/,
    column: ({ name, version }) => name === 'Deno' && isBefore(version, [2, 7]),
    message: /./,
    reason: 'needs Deno 2.7',
  },
  { row: /TLS/, column: isWorkerd, message: /\bca\b/, reason: '`fetch` takes no `ca`' },
  {
    row: /preload/,
    column: ({ name }) => name === 'Bun',
    message: /has no effect in Bun/,
    reason: 'Bun does not load modules through the hooks of Node; a warning says so',
  },
]

/** What the table says of an outcome; `undefined` of a failure that is not known. */
export function cellOf(row: string, column: Column, outcome: string): string | undefined {
  if (outcome === 'done') return 'yes'
  return limits.find(limit => limit.row.test(row) && limit.column(column) && limit.message.test(outcome))
    ?.reason
}

/** How a column is called. */
export function titleOf({ name, version, isBare }: Column): string {
  return `${name} ${version}${isBare === true ? ' without `nodejs_compat`' : ''}`
}

/** The versions that a variable names. */
export function columnsFrom(text: string): readonly Column[] {
  return text.split(',').map(item => {
    const found = /^(?<name>Node|Bun|Deno|workerd) (?<version>[\d.]+)$/.exec(item.trim())?.groups
    if (found === undefined)
      throw new Error(`MATRIX_VERSIONS must be a list such as "Node 25.9.0, Bun 1.3.14"`)
    return { name: found['name'] as Column['name'], version: found['version'] ?? '' }
  })
}

/** The table of the documentation, with the reasons below. */
export function renderTable(results: Results): string {
  const reasons: string[] = []
  const cell = (text: string | undefined): string => {
    if (text === undefined || text === 'yes') return text ?? 'not run'
    if (!reasons.includes(text)) reasons.push(text)
    return `no (${reasons.indexOf(text) + 1})`
  }
  const titles = Object.keys(results)
  const lines = [
    ['', ...titles],
    ['---', ...titles.map(() => '---')],
    ...rows.map(row => [row].concat(titles.map(title => cell(results[title]?.[row])))),
  ]
  const widths = lines[0]?.map((_, index) => Math.max(...lines.map(line => line[index]?.length ?? 0))) ?? []
  const table = lines.map((line, number) => {
    const cells = line.map((text, index) => text.padEnd(widths[index] ?? 0, number === 1 ? '-' : ' '))
    return `| ${cells.join(' | ')} |`
  })
  return [...table, '', ...reasons.map((reason, index) => `${index + 1}. ${reason}`)].join('\n')
}

/** The results that a table of {@link renderTable} tells. */
export function parseTable(text: string): Results {
  const reasons = new Map(
    [...text.matchAll(/^(\d+)\. (.+)$/gm)].map(([, number, reason = '']) => [`no (${number})`, reason]),
  )
  const [[, ...titles] = [], , ...lines] = [...text.matchAll(/^\| (.+) \|$/gm)].map(([, line = '']) =>
    line.split(' | ').map(cell => cell.trim()),
  )
  const cellsOf = (column: number): Record<string, string> =>
    Object.fromEntries(
      lines
        .filter(cells => cells[column + 1] !== 'not run')
        .map(cells => [cells[0] ?? '', reasons.get(cells[column + 1] ?? '') ?? cells[column + 1] ?? '']),
    )
  return Object.fromEntries(titles.map((title, column) => [title, cellsOf(column)]))
}

function isBefore(version: string, [major, minor]: readonly [number, number]): boolean {
  const [itsMajor = 0, itsMinor = 0] = version.split('.').map(Number)
  return itsMajor < major || (itsMajor === major && itsMinor < minor)
}
