import type { Command, OptionDeclaration } from './args.ts'
import { type CommandLineIo, type Output, type Paint, painter } from './output.ts'

/** What an output looks like, and the environment that has a say in it. */
interface HelpTarget {
  readonly output: Output
  readonly environment: CommandLineIo['environment']
}

type Row = readonly [left: string, right: string]

const GAP = '  '
/** Longer lines are hard to read. */
const WIDEST = 100

/** The help of the whole command line. */
export function globalHelp(
  commands: readonly { readonly name: string; readonly summary: string }[],
  { output, environment }: HelpTarget,
): string {
  const paint = painter(output, environment)
  const width = Math.min(output.columns, WIDEST)
  const sections = {
    Usage: [
      `${GAP}dynamodb-sessions <command> [options]`,
      `${GAP}dynamodb-sessions <command> --help`,
      `${GAP}dynamodb-sessions --version`,
    ],
    Commands: columns(
      commands.map(({ name, summary }) => [name, summary]),
      width,
    ),
    'To begin with': examples(
      {
        'Create the table, with time to live and the index by user:': 'create-table --region eu-west-1',
        'Or take it into your infrastructure code, with the policy that the application needs:':
          'create-table --print terraform',
        'Find out why it does not work where the application runs:': 'doctor',
        'Sign a user out everywhere:': 'destroy --user ada',
      },
      paint,
    ),
    Settings: wrapped(
      'Region, credentials and endpoint are found where the AWS SDK finds them. The options of the store may come from ' +
        'the environment as they do for the application: DYNAMODB_SESSIONS_TABLE, DYNAMODB_SESSIONS_PREFIX and so on; ' +
        'what is on the command line takes precedence. Encryption keys come from DYNAMODB_SESSIONS_ENCRYPTION alone, ' +
        'because every process of a machine can see command lines.',
      width,
    ),
    Secrets: wrapped(
      'Session data, session IDs and user IDs are not printed unless --show-data asks for them. Give a session ID as "-" ' +
        'to have it read from the standard input.',
      width,
    ),
    'Exit codes': columns(
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
  }
  const lead = 'Sessions in Amazon DynamoDB: set the table up, check it, look into it.'
  return `${lead}\n\n${titled(sections, paint)}`
}

/**
 * The help of one command.
 *
 * @param common the options that it has in common with other commands.
 */
export function commandHelp(
  name: string,
  command: Command,
  common: readonly OptionDeclaration[],
  { output, environment }: HelpTarget,
): string {
  const paint = painter(output, environment)
  const width = Math.min(output.columns, WIDEST)
  const listed = (options: readonly OptionDeclaration[]): readonly string[] =>
    options.length === 0 ? [] : columns(options.map(optionRow), width)
  const forms = command.usage.map(form => `${GAP}dynamodb-sessions ${name}${form && ` ${form}`} [options]`)
  const paragraphs = command.description.map(paragraph => `${wrapped(paragraph, width).join('\n')}\n`)
  const sections = {
    Options: listed(command.options),
    'Common options': listed(common),
    Examples: examples(command.examples, paint),
  }
  return [titled({ Usage: forms }, paint), ...paragraphs, titled(sections, paint)].join('\n')
}

/** Sections that have something in them, each under its title and with an empty line behind it. */
function titled(sections: Readonly<Record<string, readonly string[]>>, paint: Paint): string {
  return Object.entries(sections)
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => `${paint('bold', title)}\n${lines.join('\n')}\n`)
    .join('\n')
}

function optionRow({ name, value, hasOpposite, description }: OptionDeclaration): Row {
  const before = name === 'help' ? '-h, ' : ''
  const after = hasOpposite ? `, --no-${name}` : value === undefined ? '' : ` <${value}>`
  return [`${before}--${name}${after}`, description]
}

/** Command lines to learn from, with what they do. */
function examples(given: Command['examples'], paint: Paint): string[] {
  const lines: string[] = []
  for (const [what, line] of Object.entries(given)) {
    lines.push('', `${GAP}${what}`, `${GAP}${paint('dim', '$')} npx dynamodb-sessions ${line}`)
  }
  return lines.slice(1)
}

/** Names and what they mean, in two columns. */
function columns(rows: readonly Row[], width: number): string[] {
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
function wrapped(text: string, width: number): string[] {
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
