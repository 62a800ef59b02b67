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
const barHeight = 32
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
  const height = headHeight + bars.length * barHeight + 8
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  chart.setOption({
    animation: false,
    textStyle: text,
    title: {
      text: plot.title,
      subtext: plot.subtitle,
      left: 0,
      top: 0,
      padding: 0,
      textStyle: { ...text, fontSize: 18 },
      subtextStyle: { ...text, fontSize: 13 },
    },
    grid: { left: 400, right: 110, top: headHeight, bottom: 8 },
    xAxis: { type: 'value', show: false },
    yAxis: {
      type: 'category',
      inverse: true,
      data: bars.map(({ title }) => title),
      axisLabel: { ...text, fontSize: 14, interval: 0 },
      axisLine: { show: false },
      axisTick: { show: false },
    },
    series: [
      {
        type: 'bar',
        barWidth: 22,
        data: bars.map(({ value, label, colour }) => ({
          value,
          itemStyle: { color: colour, borderRadius: 3 },
          label: { show: true, position: 'right', formatter: label, ...text, fontSize: 14 },
        })),
      },
    ],
  })
  const svg = chart.renderToSVGString()
  // Its clock would keep this process alive.
  chart.dispose()
  return `${svg}\n`
}
