import { Markup } from './markup.ts'

/** The look of a report: in light and dark, from a phone on. */
export const REPORT_STYLE: Markup = new Markup(`
:root { --page: #ffffff; --text: #1f2328; --quiet: #59636e; --line: #d1d9e0; --bar: #0969da }
@media (prefers-color-scheme: dark) {
  :root { --page: #0d1117; --text: #e6edf3; --quiet: #9198a1; --line: #3d444d; --bar: #4493f8 }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 52rem; margin: 0 auto; padding: 1rem }
h1, .name { overflow-wrap: anywhere } h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem }
p { margin: .5rem 0 } .note, .axis { color: var(--quiet) }
.axis { display: flex; justify-content: space-between; gap: 1rem; border-top: 1px solid var(--line); font-size: .875rem; margin: 0 }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .5rem .3rem 0; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top }
th:first-child, .text, .plot { text-align: left } tbody th { font-weight: normal }
thead th { color: var(--quiet); font-size: .875em }
td:last-child { padding-right: 0 } td.plot { width: 40%; white-space: nowrap }
svg { fill: var(--bar) } svg.columns { display: block; width: 100%; height: 10rem }
svg.share { width: calc(100% - 4rem); height: .75rem; vertical-align: middle }
@media (max-width: 30rem) { table { font-size: .875rem } td, th { padding-right: .35rem } td.plot { width: 30% } }
`)
