import type { Command, OptionDeclaration } from './command.ts'
import { commonOptionsOf } from './common-options.ts'
import { columns, examples, GAP, type HelpTarget, WIDEST, wrapped } from './help.ts'
import { painter } from './style.ts'

/** The help of one command. */
export function commandHelp(name: string, command: Command, { output, environment }: HelpTarget): string {
  const paint = painter(output, environment)
  const width = Math.min(output.columns, WIDEST)
  const own =
    command.options.length === 0 ? [] : [paint('bold', 'Options'), ...optionLines(command.options, width), '']
  return [
    paint('bold', 'Usage'),
    ...command.usage.map(
      usage => `${GAP}dynamodb-sessions ${name}${usage === '' ? '' : ` ${usage}`} [options]`,
    ),
    '',
    ...command.description.flatMap(paragraph => [...wrapped(paragraph, width), '']),
    ...own,
    paint('bold', 'Common options'),
    ...optionLines(commonOptionsOf(command), width),
    '',
    paint('bold', 'Examples'),
    ...examples(command.examples, paint),
    '',
  ].join('\n')
}

function optionLines(options: readonly OptionDeclaration[], width: number): string[] {
  return columns(
    options.map(({ name, value, description }) => [
      `${name === 'help' ? '-h, ' : ''}--${name}${value === undefined ? '' : ` <${value}>`}`,
      description,
    ]),
    width,
  )
}
