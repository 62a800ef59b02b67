import { ratioOf, spreadOf } from './compare.mjs'

/** @typedef {import('../types.d.ts').Results} Results */
/**
 * Met when what is measured is no more. It is measured over another contender of the row, or over another row.
 *
 * @typedef {object} Target
 * @property {string} what
 * @property {string} [row] Without one: the only row of the section.
 * @property {string} [contender]
 * @property {string} [field]
 * @property {string} [over]
 * @property {string} [overRow]
 * @property {number} limit
 */
/** @typedef {{ section: string, contender: string, field: string, unit: string, targets: Target[] }} Group */

const base = 'get, 0.5 KB, 32 in flight, TLS'
const [node, bundled] = ['From node_modules, TLS', 'Bundled by esbuild, TLS']
const ownPart = "CPU of import, construction and first read over Node's own part"
const [two, fifty, many] = ['2 writers, one store', '50 writers, one store', '500 writers, one store']

/** The project's own targets: of each section what is measured unless a target says otherwise. @type {readonly Group[]} */
const groups = [
  {
    section: 'cpu',
    contender: 'ours-express',
    field: 'cpuMicros',
    unit: '×',
    targets: [
      { what: 'CPU of `get` over the AWS SDK', row: base, over: 'sdk', limit: 0.05 },
      { what: 'CPU of `get` over aws4 + node:https', row: base, over: 'aws4', limit: 0.4 },
      { what: 'CPU of `get` over undici, all work of a store', row: base, over: 'undici-store', limit: 1 },
      { what: 'CPU of `get` over undici, signed by hand', row: base, over: 'undici', limit: 0.75 },
      { what: 'CPU of `get` over the bare socket', row: base, over: 'floor', limit: 2 },
      { what: 'CPU of `set` over `get`', row: base.replace('get', 'set'), overRow: base, limit: 1.25 },
      { what: 'CPU of `touch` over `get`', row: base.replace('get', 'touch'), overRow: base, limit: 1 },
      {
        what: 'CPU of `get` over by hand, 64 KB',
        row: base.replace('0.5', '64'),
        over: 'limit',
        limit: 1.15,
      },
      {
        what: 'CPU of `set` over by hand, 64 KB',
        row: 'set, 64 KB, 32 in flight, TLS',
        over: 'limit',
        limit: 1.2,
      },
      {
        what: 'p50 of `get` over the bare socket, one in flight',
        row: base.replace('32', '1'),
        field: 'p50Micros',
        over: 'floor',
        limit: 1.25,
      },
    ],
  },
  {
    section: 'startup',
    contender: 'ours-store',
    field: 'cpuMs',
    unit: '×',
    targets: [
      { what: ownPart, row: node, over: 'floor', limit: 1.3 },
      { what: `${ownPart}, bundled`, row: bundled, over: 'floor', limit: 1.35 },
    ],
  },
  {
    section: 'bundle',
    contender: 'ours-static',
    field: 'gzipKilobytes',
    unit: ' KB',
    targets: [
      { what: 'Bundle of `./express`, static credentials', row: 'Bundles', limit: 20 },
      { what: 'Bundle of `./express`, default chain', row: 'Bundles', contender: 'ours-chain', limit: 36 },
    ],
  },
  {
    section: 'leak',
    contender: 'ours-store',
    field: 'growth',
    unit: '×',
    targets: [{ what: 'RSS at the end of the long run over that half-way', limit: 1.05 }],
  },
  {
    section: 'storm',
    contender: 'ours',
    field: 'requestsPerSave',
    unit: '',
    targets: [
      { what: `Requests per save kept, ${two}`, row: two, limit: 1.5 },
      { what: `Requests per save kept, ${fifty}`, row: fifty, limit: 2 },
      { what: `Requests per save kept, ${many}`, row: many, limit: 2 },
      { what: `Saves lost, ${two}`, row: two, field: 'lost', limit: 0 },
      { what: `Saves lost, ${fifty}`, row: fifty, field: 'lost', limit: 0 },
      { what: `Saves lost, ${many}`, row: many, field: 'lost', limit: 0 },
      { what: 'Requests per save kept, 50 writers, 50 stores', row: '50 writers, 50 stores', limit: 6 },
    ],
  },
]

/**
 * The targets with what was measured; nothing where it was not.
 *
 * @param {Results} results
 */
export function measuredTargets(results) {
  return groups.flatMap(({ section, targets, unit, ...group }) => {
    /** @param {string} [wanted] */
    const rowOf = wanted => results[section]?.rows.find(row => wanted === undefined || row.title === wanted)
    return targets.map(({ what, limit, row: title, over, overRow, ...own }) => {
      const { contender, field } = { ...group, ...own }
      const row = rowOf(title)
      const reference = overRow === undefined ? undefined : spreadOf(rowOf(overRow), contender, field)
      const value =
        over === undefined ? spreadOf(row, contender, field) : ratioOf(row, contender, over, field)
      return { what, limit, unit, measured: overRow === undefined ? value : quotientOf(value, reference) }
    })
  })
}

/**
 * @param {import('./compare.mjs').Spread | undefined} value
 * @param {import('./compare.mjs').Spread | undefined} reference
 */
function quotientOf(value, reference) {
  if (value === undefined || reference === undefined) return undefined
  const { middle, least, most } = reference
  return { middle: value.middle / middle, least: value.least / most, most: value.most / least }
}
