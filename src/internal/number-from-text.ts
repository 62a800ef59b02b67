const DECIMAL = /^\s*\d+(?:\.\d+)?\s*$/

/**
 * The number that a setting is, as an environment variable or the command line has it: decimal digits, perhaps with a
 * fraction, and blanks around them.
 *
 * @returns NaN for anything else. What JavaScript also reads as a number (blanks as 0, `0x10`, `1e3`, `Infinity`) is more
 *   likely a mistake than a setting.
 */
export function numberFromText(text: string): number {
  return DECIMAL.test(text) ? Number(text) : Number.NaN
}
