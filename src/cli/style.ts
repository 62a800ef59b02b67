import type { Output } from './io.ts'

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const

/** How a text can look. */
export type Style = keyof typeof CODES

/**
 * Makes the function that colours text for an output: only where a person is looking at it, and not where `NO_COLOR`
 * is set or the terminal knows no colours.
 */
export function painter(
  { isTerminal }: Output,
  environment: Readonly<Record<string, string | undefined>>,
): (style: Style, text: string) => string {
  const noColor = environment['NO_COLOR']
  const isPlain = !isTerminal || (noColor !== undefined && noColor !== '') || environment['TERM'] === 'dumb'
  return (style, text) => (isPlain ? text : `\u001B[${CODES[style]}m${text}\u001B[0m`)
}
