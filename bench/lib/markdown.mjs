/**
 * A Markdown table.
 *
 * @param {readonly string[]} headers The first column is text, the others are numbers.
 * @param {readonly (readonly string[])[]} rows
 */
export function markdownTable(headers, rows) {
  const alignment = headers.map((_, index) => (index === 0 ? '---' : '---:'))
  return `${[headers, alignment, ...rows].map(tableLine).join('\n')}\n`
}

/**
 * A number with as many digits as help.
 *
 * @param {number | undefined} value
 * @param {string} [unit]
 */
export function number(value, unit = '') {
  if (value === undefined || !Number.isFinite(value)) return ''
  const size = Math.abs(value)
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.2 ? 2 : 3
  const [whole = '', fraction] = value.toFixed(digits).split('.')
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ' ')
  return `${grouped}${fraction === undefined ? '' : `.${fraction}`}${unit}`
}

/** @param {readonly string[]} cells */
function tableLine(cells) {
  return `| ${cells.join(' | ')} |`
}
