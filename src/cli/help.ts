import type { Command } from './command.ts'
import { commands } from './commands.ts'
import type { Output } from './io.ts'
import { painter, type Style } from './style.ts'

type Paint = (style: Style, text: string) => string

/** What an output looks like, and the environment that has a say in it. */
export interface HelpTarget {
  readonly output: Output
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** What help is indented by. */
export const GAP = '  '
/** Longer lines are hard to read. */
export const WIDEST = 100

/** The help of the whole command line. */
export function globalHelp({ output, environment }: HelpTarget): string {
  const paint = painter(output, environment)
  const width = Math.min(output.columns, WIDEST)
  return [
    'Sessions in Amazon DynamoDB: set the table up, check it, look into it.',
    '',
    paint('bold', 'Usage'),
    `${GAP}dynamodb-sessions <command> [options]`,
    `${GAP}dynamodb-sessions <command> --help`,
    '',
    paint('bold', 'Commands'),
    ...columns(
      commands.map(({ name, summary }) => [name, summary]),
      width,
    ),
    '',
    paint('bold', 'To begin with'),
    ...examples(
      [
        {
          what: 'Create the table, with time to live and the index by user:',
          line: 'create-table --region eu-west-1',
        },
        {
          what: 'Or take it into your infrastructure code, with the policy that the application needs:',
          line: 'create-table --print terraform',
        },
        { what: 'Find out why it does not work where the application runs:', line: 'doctor' },
        { what: 'Sign a user out everywhere:', line: 'destroy --user ada' },
      ],
      paint,
    ),
    '',
    paint('bold', 'Settings'),
    ...wrapped(
      'Region, credentials and endpoint are found where the AWS SDK finds them. The options of the store may come from ' +
        'the environment as they do for the application: DYNAMODB_SESSIONS_TABLE, DYNAMODB_SESSIONS_PREFIX and so on; ' +
        'what is on the command line takes precedence. Encryption keys come from DYNAMODB_SESSIONS_ENCRYPTION alone, ' +
        'because every process of a machine can see command lines.',
      width,
    ),
    '',
    paint('bold', 'Secrets'),
    ...wrapped(
      'Session data, session IDs and user IDs are not printed unless --show-data asks for them. Give a session ID as "-" ' +
        'to have it read from the standard input.',
      width,
    ),
    '',
    paint('bold', 'Exit codes'),
    ...columns(
      [
        ['0', 'it worked'],
        ['1', 'it failed; the reason is on the standard error output'],
        ['2', 'the command line or a setting makes no sense'],
        ['3', 'doctor found failures (with --strict: or warnings)'],
        ['4', 'show: there is no such session, or it has expired'],
        ['130', 'interrupted by Ctrl-C (143: by SIGTERM)'],
      ],
      width,
    ),
    '',
  ].join('\n')
}

/** Command lines to learn from, with what they do. */
export function examples(given: Command['examples'], paint: Paint): string[] {
  return given.flatMap(({ what, line }, index) => [
    ...(index === 0 ? [] : ['']),
    `${GAP}${what}`,
    `${GAP}${paint('dim', '$')} npx dynamodb-sessions ${line}`,
  ])
}

/** Names and what they mean, in two columns. */
export function columns(rows: readonly (readonly [left: string, right: string])[], width: number): string[] {
  const leftWidth = Math.max(...rows.map(([left]) => left.length))
  const indent = ' '.repeat(leftWidth + 2 * GAP.length)
  return rows.flatMap(([left, right]) => {
    const lines = wrap(right, Math.max(20, width - indent.length))
    return lines.map((line, index) =>
      index === 0 ? `${GAP}${left.padEnd(leftWidth)}${GAP}${line}` : indent + line,
    )
  })
}

/** A paragraph, indented, in lines of a width. */
export function wrapped(text: string, width: number): string[] {
  return wrap(text, width - GAP.length).map(line => GAP + line)
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
