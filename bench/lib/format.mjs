import { markdownTable as renderTable } from 'markdown-table'

/**
 * A Markdown table.
 *
 * @param {readonly string[]} headers The first columns are text, the others are numbers.
 * @param {readonly (readonly string[])[]} rows
 * @param {number} [textColumns]
 */
export function markdownTable(headers, rows, textColumns = 1) {
  return renderTable([headers, ...rows], {
    align: headers.map((_, index) => (index < textColumns ? 'l' : 'r')),
  })
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
  const digits =
    size >= 100 || (unit === '' && Number.isInteger(value)) ? 0 : size >= 10 ? 1 : size >= 0.2 ? 2 : 3
  const [whole = '', fraction] = value.toFixed(digits).split('.')
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ' ')
  return `${grouped}${fraction === undefined ? '' : `.${fraction}`}${unit}`
}
