import { init } from 'echarts'

import { spreadOf } from './compare.mjs'
import { number } from './format.mjs'

// Greys and colours that can be read on white and on black alike.
const colours = { ours: '#2f81f7', other: '#8b949e', reference: '#bf8700' }
const text = {
  color: '#7a7a7a',
  fontFamily: 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif',
}
const width = 980
const barWidth = 22
const barSpace = 10
const headHeight = 62

/**
 * A plot of horizontal bars: what a section is about, at its first rows.
 *
 * @param {import('../types.d.ts').Section<never>} section
 * @param {import('../types.d.ts').SectionResults} results
 * @returns {string | undefined} SVG without a background; nothing for a section that has no plot.
 */
export function plotSection({ plot, metrics, contenders }, { rows }) {
  const [main] = metrics
  if (plot === undefined || main === undefined) return undefined
  const bars = contenders.flatMap(({ name, label, kind }) =>
    rows.slice(0, plot.rows).flatMap((row, index) => {
      const value = spreadOf(row, name, main.field)?.middle
      if (value === undefined) return []
      const title = index === 0 ? label : `${label}; ${row.title}`
      return [{ title, value, label: number(value, plot.unit), colour: colours[kind] }]
    }),
  )
  return renderBars({
    ...plot,
    categories: bars.map(({ title }) => title),
    left: 400,
    series: [{ bars: bars.map(({ value, label, colour }) => ({ value, label, colour })) }],
  })
}

/**
 * The numbers that the README begins with: ours beside connect-dynamodb, each pair on a scale of its own.
 *
 * @param {import('../types.d.ts').Results} results
 * @returns {string | undefined} SVG without a background; nothing as long as one of the sections is missing.
 */
export function plotSummary({ install, cpu, startup }) {
  const [installed, read, start] = [install?.rows[0], cpu?.rows[0], startup?.rows[0]]
  const pairs = [
    { title: 'packages installed', row: installed, field: 'packages', unit: '', ours: 'ours' },
    { title: 'on disk', row: installed, field: 'megabytes', unit: ' MB', ours: 'ours' },
    { title: 'CPU of a read', row: read, field: 'cpuMicros', unit: ' µs', ours: 'ours-express' },
    {
      title: 'CPU of a start, first read in it',
      row: start,
      field: 'cpuMs',
      unit: ' ms',
      ours: 'ours-express',
    },
  ].map(({ title, row, field, unit, ours }) => {
    const values = [ours, 'connect-dynamodb'].map(name => spreadOf(row, name, field)?.middle ?? NaN)
    return { title, values, labels: values.map(value => number(value, unit)) }
  })
  if (pairs.some(({ values }) => values.some(Number.isNaN))) return undefined
  return renderBars({
    title: 'Two ways to store Express sessions in DynamoDB',
    subtitle: 'Each pair has a scale of its own. Less is better.',
    categories: pairs.map(({ title }) => title),
    left: 240,
    series: [
      { name: 'dynamodb-sessions', colour: colours.ours },
      { name: 'connect-dynamodb with the AWS SDK', colour: colours.other },
    ].map(({ name, colour }, side) => ({
      name,
      colour,
      bars: pairs.map(({ values, labels }) => ({
        value: (values[side] ?? NaN) / Math.max(...values),
        label: labels[side] ?? '',
        colour,
      })),
    })),
  })
}

/**
 * @typedef {{ value: number, label: string, colour: string }} Bar
 * @typedef {{ name?: string, colour?: string, bars: Bar[] }} Series A bar of each category; with a name it is in the legend.
 * @param {{ title: string, subtitle: string, categories: string[], left: number, series: Series[] }} chart
 */
function renderBars({ title, subtitle, categories, left, series }) {
  const height = headHeight + categories.length * (series.length * barWidth + barSpace) + 8
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  chart.setOption({
    animation: false,
    textStyle: text,
    title: {
      text: title,
      subtext: subtitle,
      left: 0,
      top: 0,
      padding: 0,
      textStyle: { ...text, fontSize: 18 },
      subtextStyle: { ...text, fontSize: 13 },
    },
    legend: { left: 650, top: 0, orient: 'vertical', textStyle: { ...text, fontSize: 13 } },
    grid: { left, right: 110, top: headHeight, bottom: 8 },
    xAxis: { type: 'value', show: false },
    yAxis: {
      type: 'category',
      inverse: true,
      data: categories,
      axisLabel: { ...text, fontSize: 14, interval: 0 },
      axisLine: { show: false },
      axisTick: { show: false },
    },
    series: series.map(({ name, colour: color, bars }) => ({
      type: 'bar',
      name,
      color,
      barWidth,
      barGap: '0%',
      data: bars.map(({ value, label, colour }) => ({
        value,
        itemStyle: { color: colour, borderRadius: 3 },
        label: { show: true, position: 'right', formatter: label, ...text, fontSize: 14 },
      })),
    })),
  })
  const svg = chart.renderToSVGString()
  // Its clock would keep this process alive.
  chart.dispose()
  return `${svg}\n`
}
