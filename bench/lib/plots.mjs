import { contenders } from './contenders.mjs'
import { number } from './markdown.mjs'
import { startupApps } from './measure-startup.mjs'
import { describePoint } from './plan.mjs'
import { barPlot } from './svg.mjs'

/** @typedef {import('./sections.mjs').Results} Results */

/**
 * The plots of what has been measured.
 *
 * @param {Results} results
 * @returns {Record<string, string>} SVG by file name.
 */
export function plotResults({ cpu, startup, size }) {
  const [point] = cpu?.points ?? []
  return {
    ...(point !== undefined && { 'cpu-per-operation.svg': plotCpu(point) }),
    ...(startup !== undefined && { 'startup.svg': plotStartup(startup.starts) }),
    ...(size !== undefined && { 'bundle-size.svg': plotBundles(size.bundles) }),
  }
}

/** @param {import('./measure-cpu.mjs').MeasuredPoint} measured */
function plotCpu({ point, results }) {
  const floor = results['floor']?.cpuMicrosPerOperation ?? Number.NaN
  const bars = contenders.flatMap(({ name, label, kind }) => {
    const value = results[name]?.cpuMicrosPerOperation
    if (value === undefined) return []
    const text = `${number(value)} µs${Number.isFinite(floor) ? ` (${number(value / floor)}× floor)` : ''}`
    return [{ label, value, text, kind: kind === 'ours' || kind === 'floor' ? colourOf[kind] : 'other' }]
  })
  return barPlot({
    title: 'CPU per operation',
    subtitle: `Client process only; ${describePoint(point)}. Less is better.`,
    bars: /** @type {import('./svg.mjs').Bar[]} */ (bars),
  })
}

const colourOf = /** @type {const} */ ({ ours: 'ours', floor: 'reference' })

/** @param {readonly import('./measure-startup.mjs').MeasuredStartup[]} starts */
function plotStartup(starts) {
  /** @type {import('./svg.mjs').Bar[]} */
  const bars = startupApps.flatMap(({ name, label }) =>
    [false, true].flatMap(bundled => {
      const start = starts.find(
        ({ app, protocol, bundled: isBundled }) =>
          app === name && protocol === 'https' && isBundled === bundled,
      )
      if (start === undefined || name === 'nothing') return []
      const { cpuMs, wallMs } = start.result
      return [
        {
          label: `${label}${bundled ? ', bundled' : ''}`,
          value: cpuMs,
          text: `${number(cpuMs)} ms (elapsed ${number(wallMs)})`,
          kind: name.startsWith('ours') ? 'ours' : 'other',
        },
      ]
    }),
  )
  return barPlot({
    title: 'CPU of a cold start',
    subtitle: 'Import, construction and first read over TLS in a fresh process. Less is better.',
    bars,
  })
}

/** @param {readonly import('./measure-size.mjs').BundleResult[]} bundles */
function plotBundles(bundles) {
  return barPlot({
    title: 'Size of bundles',
    subtitle: 'Minified by esbuild and gzipped, express-session left out. Less is better.',
    bars: bundles.map(({ name, label, gzipBytes }) => ({
      label,
      value: gzipBytes,
      text: `${number(gzipBytes / 1024)} KB`,
      kind: name.startsWith('ours') ? 'ours' : 'other',
    })),
  })
}
