/**
 * @typedef {object} Bar
 * @property {string} label
 * @property {number} value
 * @property {string} text What is written at the end of the bar.
 * @property {'ours' | 'other' | 'reference'} kind
 */

// Greys and colours that can be read on white and on black alike.
const colours = { ours: '#2f81f7', other: '#8b949e', reference: '#bf8700', text: '#7a7a7a' }
const font = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"'
const width = 900
const labelWidth = 310
const textWidth = 190
const barHeight = 22
const barGap = 10
const headHeight = 62

/**
 * A plot of horizontal bars, as an SVG without a background.
 *
 * @param {object} plot
 * @param {string} plot.title
 * @param {string} plot.subtitle
 * @param {readonly Bar[]} plot.bars
 */
export function barPlot({ title, subtitle, bars }) {
  const height = headHeight + bars.length * (barHeight + barGap) + 8
  const largest = Math.max(...bars.map(({ value }) => value))
  const scale = (width - labelWidth - textWidth) / largest
  const rows = bars.map(({ label, value, text, kind }, index) => {
    const y = headHeight + index * (barHeight + barGap)
    const length = Math.max(2, value * scale)
    const baseline = y + barHeight / 2 + 5
    const weight = kind === 'ours' ? ' font-weight="600"' : ''
    return `
  <text x="${labelWidth - 12}" y="${baseline}" text-anchor="end" font-size="14"${weight}>${escapeXml(label)}</text>
  <rect x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="3" fill="${colours[kind]}"/>
  <text x="${(labelWidth + length + 8).toFixed(1)}" y="${baseline}" font-size="14"${weight}>${escapeXml(text)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(title)}" fill="${colours.text}" ${font}>
  <title>${escapeXml(title)}</title>
  <text x="0" y="22" font-size="18" font-weight="600">${escapeXml(title)}</text>
  <text x="0" y="44" font-size="13">${escapeXml(subtitle)}</text>${rows.join('')}
</svg>
`
}

/** @param {string} text */
function escapeXml(text) {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
