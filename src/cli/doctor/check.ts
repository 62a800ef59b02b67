import { type CommandLineIo, painter, printable, type Style } from '../output.ts'

/** What came out of one check. `skip`: it could not be made. */
type Level = 'pass' | 'warn' | 'fail' | 'skip'

/** One check of `doctor` and what came out of it. */
export interface Check {
  readonly name: string
  readonly level: Level
  /** What was found. */
  readonly found: string
  /** What to do about it; absent when there is nothing to do. */
  readonly fix?: string
}

/** Makes a {@link Check}. */
export function check(level: Level, name: string, found: string, fix?: string): Check {
  return { name, level, found, ...(fix !== undefined && { fix }) }
}

/** How many checks came to what. */
export function summaryOf(checks: readonly Check[]): Readonly<Record<Level, number>> {
  const summary = { pass: 0, warn: 0, fail: 0, skip: 0 }
  for (const { level } of checks) summary[level]++
  return summary
}

const STYLES: Readonly<Record<Level, Style>> = { pass: 'green', warn: 'yellow', fail: 'red', skip: 'dim' }

/** The checks of a table for people. */
export function reportOf(
  table: string,
  checks: readonly Check[],
  { stdout, environment }: Pick<CommandLineIo, 'stdout' | 'environment'>,
): string {
  const paint = painter(stdout, environment)
  const width = Math.max(...checks.map(({ name }) => name.length))
  const { pass, warn, fail, skip } = summaryOf(checks)
  const worst = fail > 0 ? 'fail' : warn > 0 ? 'warn' : 'pass'
  const counts = `${pass} passed, ${warn} warned, ${fail} failed${skip > 0 ? `, ${skip} not checked` : ''}`
  return [
    paint('bold', `table "${table}"`),
    ...checks.flatMap(({ level, name, found, fix }) => [
      `${paint(STYLES[level], level)}  ${name.padEnd(width)}  ${printable(found)}`,
      ...(fix === undefined ? [] : [`${' '.repeat(width + 8)}${paint('bold', 'fix:')} ${printable(fix)}`]),
    ]),
    paint(STYLES[worst], counts),
  ].join('\n')
}
