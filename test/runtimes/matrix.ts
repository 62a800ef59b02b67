/*
 * What is run on which runtime.
 */
import type { RuntimeVersion } from './runtime-packages.ts'

/** A runtime on which everything is run. */
export interface Column extends RuntimeVersion {
  /** Whether it is workerd without `nodejs_compat`. */
  readonly isBare?: boolean
}

/** What is not run, and why. */
export interface Gap {
  readonly row: RegExp
  readonly column: (column: Column) => boolean
  readonly reason: string
}

/** What is run. */
export const rows: readonly string[] = [
  'reads and writes',
  'merges of parallel changes',
  'locks',
  'lists, garbage collection',
  'encryption',
  'aborts, failures',
  './web',
  'all of these over TLS, with a CA of its own',
]

const isWorkerd = ({ name }: Column): boolean => name === 'workerd'

/** What the rows and columns have no result for. */
export const gaps: readonly Gap[] = [
  {
    row: /./,
    column: ({ isBare }) => isBare === true,
    reason: 'does not start: the error names the first module of Node that is missing; set `nodejs_compat`',
  },
  {
    row: /^encryption$/,
    column: ({ name, version }) => name === 'Deno' && isBefore(version, [2, 7]),
    reason: 'needs Deno 2.7',
  },
  { row: /TLS/, column: isWorkerd, reason: '`fetch` takes no `ca`' },
]

/** Why a row is not run on a runtime; `undefined` where it is. */
export function gapOf(row: string, column: Column): string | undefined {
  return gaps.find(gap => gap.row.test(row) && gap.column(column))?.reason
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
export function renderTable(columns: readonly Column[]): string {
  const reasons: string[] = []
  const cell = (row: string, column: Column): string => {
    const reason = gapOf(row, column)
    if (reason === undefined) return 'yes'
    if (!reasons.includes(reason)) reasons.push(reason)
    return `no (${reasons.indexOf(reason) + 1})`
  }
  const lines = [
    ['', ...columns.map(titleOf)],
    ['---', ...columns.map(() => '---')],
    ...rows.map(row => [row].concat(columns.map(column => cell(row, column)))),
  ]
  const widths = lines[0]?.map((_, index) => Math.max(...lines.map(line => line[index]?.length ?? 0))) ?? []
  const table = lines.map((line, number) => {
    const cells = line.map((text, index) => text.padEnd(widths[index] ?? 0, number === 1 ? '-' : ' '))
    return `| ${cells.join(' | ')} |`
  })
  return [...table, '', ...reasons.map((reason, index) => `${index + 1}. ${reason}`)].join('\n')
}

function isBefore(version: string, [major, minor]: readonly [number, number]): boolean {
  const [itsMajor = 0, itsMinor = 0] = version.split('.').map(Number)
  return itsMajor < major || (itsMajor === major && itsMinor < minor)
}
